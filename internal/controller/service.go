package controller

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
)

// queue is where event handlers put what is to be looked at.
type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// Services gives Services back that no Rollout manages any more (spec 8.1): those that a hash was written into. A managed
// one is the Rollout's business; one that is only annotated is somebody's who will come.
type Services struct{ *Shell }

func (s *Shell) setUpServices(mgr manager.Manager) error {
	managed := predicate.NewPredicateFuncs(func(o client.Object) bool {
		svc, ok := o.(*corev1.Service)
		return ok && managedBy(svc) != ""
	})
	return builder.ControllerManagedBy(mgr).Named(servicesName).
		WithOptions(controller.Options{MaxConcurrentReconciles: s.Config.Threads.Service, RateLimiter: limiter()}).
		For(&corev1.Service{}, builder.WithPredicates(managed)).
		Watches(&v1alpha1.Rollout{}, freed(func(r *v1alpha1.Rollout) (names []types.NamespacedName) {
			for _, name := range serviceNames(r) {
				names = append(names, types.NamespacedName{Namespace: r.Namespace, Name: name})
			}
			return names
		})).
		Complete(&Services{s})
}

// Reconcile looks at one Service.
func (c *Services) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	svc := &corev1.Service{}
	if err := c.Client.Get(ctx, request.NamespacedName, svc); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	rollout := managedBy(svc)
	if rollout == "" || svc.DeletionTimestamp != nil || ownedBy(svc, v1alpha1.ExperimentKind) {
		return reconcile.Result{}, nil
	}
	inUse, err := c.confirmed(ctx, types.NamespacedName{Namespace: svc.Namespace, Name: rollout}, func(r *v1alpha1.Rollout) bool {
		return slices.Contains(serviceNames(r), svc.Name)
	})
	if err != nil || inUse {
		return reconcile.Result{}, err
	}
	c.Log.Info("service given back", "service", request.NamespacedName, "rollout", rollout)
	err = c.Client.Patch(ctx, svc.DeepCopy(), swap(map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{v1alpha1.ManagedByRolloutsAnnotation: nil}},
		"spec":     map[string]any{"selector": map[string]any{v1alpha1.DefaultRolloutUniqueLabelKey: nil}},
	}, svc))
	return retry(err, "give service %s back", request)
}

// managedBy is the Rollout that wrote a hash into the selector; empty when there is none.
func managedBy(svc *corev1.Service) string {
	if _, pointed := svc.Spec.Selector[v1alpha1.DefaultRolloutUniqueLabelKey]; !pointed {
		return ""
	}
	return svc.Annotations[v1alpha1.ManagedByRolloutsAnnotation]
}

// retry makes of a conflict another look, and of a missing object nothing.
func retry(err error, doing string, request reconcile.Request) (reconcile.Result, error) {
	switch {
	case err == nil, apierrors.IsNotFound(err):
		return reconcile.Result{}, nil
	case kube.IsStale(err):
		return reconcile.Result{RequeueAfter: stale}, nil
	}
	return reconcile.Result{}, fmt.Errorf(doing+": %w", request.NamespacedName, err)
}

func typed(o *unstructured.Unstructured) (*v1alpha1.Rollout, error) {
	r := &v1alpha1.Rollout{}
	return r, runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, r)
}
