package istio

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// Reset takes what a Rollout left on a DestinationRule off again if that Rollout is not alive any more: it does not
// exist, or does not name the rule. The managed-by annotation and all hash labels go (spec 7.2).
func Reset(o *unstructured.Unstructured, alive func(rollout string) bool) (changed bool, err error) {
	annotations, err := traffic.Annotations(o)
	if err != nil {
		return false, err
	}
	rollout, managed := annotations[v1alpha1.ManagedByRolloutsAnnotation]
	if !managed || alive(rollout) {
		return false, nil
	}
	subsets, err := traffic.Items(o.Object, "spec", "subsets")
	if err != nil {
		return false, err
	}
	for _, subset := range subsets {
		if _, err := setHash(subset, ""); err != nil {
			return false, err
		}
	}
	delete(annotations, v1alpha1.ManagedByRolloutsAnnotation)
	return traffic.Annotate(o, annotations)
}

// Release implements traffic.Releaser. VirtualServices stay as they are: nobody else knows where their traffic should
// go.
func (x *Router) Release(objs traffic.Objects) error {
	if x.rule == nil {
		return nil
	}
	o, exists := objs.Get(x.ruleRef())
	if !exists {
		return nil
	}
	_, err := Reset(o, func(rollout string) bool { return rollout != x.rollout.Name })
	return err
}
