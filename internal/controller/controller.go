// Package controller is the shell around the decisions: it looks at the cluster, asks the planner what should happen
// next, does that, and tells about it. It decides nothing by itself: what is missing or broken goes into the
// snapshot as a fact, and what the plan says is written as a compare-and-swap on what the decision saw.
package controller

import (
	"context"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/config"
	"github.com/sluice-delivery/sluice/internal/kube"
	"github.com/sluice-delivery/sluice/internal/metrics"
	"github.com/sluice-delivery/sluice/traffic"
)

// A Shell is what all controllers of one process share.
type Shell struct {
	Client  client.Client // reads from the caches, writes to the API server
	Live    client.Reader // reads from the API server
	Caches  *kube.Caches
	Fence   *kube.Fence
	Events  *kube.Recorder
	Metrics *metrics.Metrics
	Config  config.Config
	// Routers makes the routers of a Rollout, in the order in which they are driven. A kind that nobody knows is an error.
	Routers func(r *v1alpha1.Rollout) ([]traffic.Router, error)
	Now     func() time.Time
	Log     *slog.Logger
}

// Names of the controllers, in metrics of their queues.
const (
	rolloutsName         = "Rollouts"
	servicesName         = "Services"
	ingressesName        = "Ingresses"
	destinationRulesName = "DestinationRules"
)

// Waiting times (spec 15).
const (
	behind     = 100 * time.Millisecond // until the caches show our own writes
	stale      = 50 * time.Millisecond  // until they show those of somebody who was faster
	backOff    = time.Millisecond       // after the first error, doubled with each further one
	maxBackOff = 10 * time.Second
)

// limiter delays only what failed; everything else is worked on at once.
func limiter() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](backOff, maxBackOff)
}

func requests(keys []types.NamespacedName) (all []reconcile.Request) {
	for _, key := range keys {
		all = append(all, reconcile.Request{NamespacedName: key})
	}
	return all
}

// rolloutsBy are the keys of the Rollouts that an index lists under value, in namespace (empty: all).
func (s *Shell) rolloutsBy(ctx context.Context, index, value, namespace string) []types.NamespacedName {
	var list v1alpha1.RolloutList
	if err := s.Client.List(ctx, &list, client.MatchingFields{index: value}, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		s.Log.Error("look up rollouts", "index", index, "value", value, "error", err)
		return nil
	}
	var keys []types.NamespacedName
	for i := range list.Items {
		keys = append(keys, kube.Key(&list.Items[i]))
	}
	return keys
}
