package controller

import (
	"context"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/catalog"
	"github.com/sluice-delivery/sluice/traffic"
)

// Leftovers takes off an object what Rollouts left on it that no longer exist or no longer name it (spec 7.2, 7.3).
type Leftovers struct {
	*Shell
	kind  schema.GroupVersionKind
	read  func(ctx context.Context, key types.NamespacedName) (*unstructured.Unstructured, error)
	reset catalog.Reset
}

// setUpIngresses looks at ALB ingresses at each of their events, and not when a Rollout goes (spec 7.3).
func (s *Shell) setUpIngresses(mgr manager.Manager) error {
	c := &Leftovers{Shell: s, kind: ingressKind, reset: catalog.ResetIngress, read: newSteering(s).ingress}
	managed := predicate.NewPredicateFuncs(func(o client.Object) bool {
		_, now := o.GetAnnotations()[v1alpha1.ManagedALBAnnotationsAnnotation]
		_, legacy := o.GetAnnotations()[v1alpha1.ManagedALBActionsAnnotation]
		ingress, ok := o.(*networkingv1.Ingress)
		return ok && (now || legacy) && s.albClass(ingress)
	})
	return builder.ControllerManagedBy(mgr).Named(ingressesName).
		WithOptions(controller.Options{MaxConcurrentReconciles: s.Config.Threads.Ingress, RateLimiter: limiter()}).
		For(&networkingv1.Ingress{}, builder.WithPredicates(managed)).
		Complete(c)
}

func (s *Shell) albClass(i *networkingv1.Ingress) bool {
	class := i.Annotations[traffic.IngressClassAnnotation]
	if class == "" && i.Spec.IngressClassName != nil {
		class = *i.Spec.IngressClassName
	}
	for _, known := range s.Config.ALBIngressClasses {
		if class == known {
			return true
		}
	}
	return false
}

// setUpDestinationRules looks at DestinationRules, if the API server serves them, and at those of a Rollout that goes.
func (c *Rollouts) setUpDestinationRules(mgr manager.Manager) error {
	kind := schema.GroupVersionKind{Group: "networking.istio.io", Version: c.Config.Traffic.IstioAPIVersion, Kind: "DestinationRule"}
	l := &Leftovers{Shell: c.Shell, kind: kind, reset: catalog.ResetDestinationRule,
		read: func(ctx context.Context, key types.NamespacedName) (*unstructured.Unstructured, error) {
			return c.steering.get(ctx, kind, key)
		}}
	built, err := builder.ControllerManagedBy(mgr).Named(destinationRulesName).
		WithOptions(controller.Options{MaxConcurrentReconciles: 1, RateLimiter: limiter()}).
		Watches(&v1alpha1.Rollout{}, freed(c.steeringNames(kind.Kind))).
		Build(l)
	if err != nil {
		return err
	}
	watch := c.steering.watch
	c.steering.watch = func(k schema.GroupVersionKind) error {
		if err := watch(k); err != nil || k != kind {
			return err
		}
		return c.sweep(mgr, built, kind)
	}
	return mgr.Add(manager.RunnableFunc(func(context.Context) error {
		if err := c.steering.serve(kind); err != nil {
			c.Log.Debug("no destination rules", "error", err) // served later, it is watched with the first Rollout that needs it
		}
		return nil
	}))
}

// sweep looks at every DestinationRule that a Rollout is written on.
func (c *Rollouts) sweep(mgr manager.Manager, built controller.Controller, kind schema.GroupVersionKind) error {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	managed := predicate.NewPredicateFuncs(func(o client.Object) bool { return o.GetAnnotations()[v1alpha1.ManagedByRolloutsAnnotation] != "" })
	return built.Watch(source.Kind(mgr.GetCache(), client.Object(o), &handler.EnqueueRequestForObject{}, managed))
}

// Reconcile looks at one object.
func (c *Leftovers) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	was, err := c.read(ctx, request.NamespacedName)
	if err != nil {
		return retry(ignoreAbsent(err), "read %s", request)
	}
	if was.GetDeletionTimestamp() != nil {
		return reconcile.Result{}, nil
	}
	var asking error
	alive := func(rollout string) bool {
		named, err := c.confirmed(ctx, types.NamespacedName{Namespace: request.Namespace, Name: rollout}, func(r *v1alpha1.Rollout) bool {
			for _, name := range c.steeringNames(c.kind.Kind)(r) {
				if name == request.NamespacedName {
					return true
				}
			}
			return false
		})
		if err != nil {
			asking = err
		}
		return named || err != nil
	}
	o := was.DeepCopy()
	changed, err := c.reset(o, alive)
	switch {
	case asking != nil:
		return retry(asking, "look for the rollouts of %s", request)
	case err != nil: // its content is not what we could have written: left alone
		c.Log.Warn("leftovers not taken off", "kind", c.kind.Kind, "object", request.NamespacedName, "error", err)
		return reconcile.Result{}, nil
	case !changed:
		return reconcile.Result{}, nil
	}
	c.Log.Info("leftovers taken off", "kind", c.kind.Kind, "object", request.NamespacedName)
	err = c.Client.Patch(ctx, o, client.MergeFromWithOptions(was, client.MergeFromWithOptimisticLock{}))
	return retry(err, "take leftovers off %s", request)
}

func ignoreAbsent(err error) error {
	if meta.IsNoMatchError(err) {
		return nil
	}
	return client.IgnoreNotFound(err)
}
