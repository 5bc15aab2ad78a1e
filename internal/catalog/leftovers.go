package catalog

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/traffic/alb"
	"github.com/sluice-delivery/sluice/traffic/istio"
)

// A Reset takes off an object what Rollouts left on it that are not alive any more: they do not exist, or do not name
// the object. It tells whether that changed anything; with an error nothing was changed.
type Reset func(o *unstructured.Unstructured, alive func(rollout string) bool) (changed bool, err error)

// The objects that Rollouts write on without owning them.
var (
	ResetIngress         Reset = alb.Reset
	ResetDestinationRule Reset = istio.Reset
)
