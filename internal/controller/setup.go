package controller

import (
	"context"
	"fmt"
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
	"github.com/sluice-delivery/sluice/traffic"
)

// SetUp adds the controllers of Rollouts, and those that tidy up behind them, to a manager.
func (s *Shell) SetUp(ctx context.Context, mgr manager.Manager) error {
	if err := s.index(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	rollouts := &Rollouts{Shell: s, steering: newSteering(s), trials: newTrials(), retries: limiter(), known: map[types.NamespacedName]*v1alpha1.Rollout{}}
	if err := rollouts.setUp(mgr); err != nil {
		return fmt.Errorf("set up %s: %w", rolloutsName, err)
	}
	if err := s.setUpServices(mgr); err != nil {
		return fmt.Errorf("set up %s: %w", servicesName, err)
	}
	if err := s.setUpIngresses(mgr); err != nil {
		return fmt.Errorf("set up %s: %w", ingressesName, err)
	}
	return rollouts.setUpDestinationRules(mgr)
}

func (c *Rollouts) setUp(mgr manager.Manager) error {
	b := builder.ControllerManagedBy(mgr).Named(rolloutsName).
		WithOptions(controller.Options{MaxConcurrentReconciles: c.Config.Threads.Rollout, RateLimiter: limiter()}).
		For(&v1alpha1.Rollout{}).
		Owns(&appsv1.ReplicaSet{}).
		Owns(&v1alpha1.AnalysisRun{}, builder.WithPredicates(verdicts())).
		Watches(&corev1.Service{}, handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
			return requests(c.rolloutsBy(ctx, serviceIndex, o.GetName(), o.GetNamespace()))
		})).
		Watches(&networkingv1.Ingress{}, handler.EnqueueRequestsFromMapFunc(c.steered(ingressKind))).
		Watches(&v1alpha1.AnalysisTemplate{}, handler.EnqueueRequestsFromMapFunc(c.users))
	if !c.Config.Namespaced {
		b = b.Watches(&v1alpha1.ClusterAnalysisTemplate{}, handler.EnqueueRequestsFromMapFunc(c.users))
	}
	built, err := b.Build(c)
	if err != nil {
		return err
	}
	c.steering.watch = func(kind schema.GroupVersionKind) error {
		o := &unstructured.Unstructured{}
		o.SetGroupVersionKind(kind)
		return built.Watch(source.Kind(mgr.GetCache(), client.Object(o), handler.EnqueueRequestsFromMapFunc(c.steered(kind))))
	}
	return nil
}

// verdicts lets those changes of an AnalysisRun through that say something to its Rollout. Single measurements do not.
func verdicts() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		was, okWas := e.ObjectOld.(*v1alpha1.AnalysisRun)
		is, okIs := e.ObjectNew.(*v1alpha1.AnalysisRun)
		if !okWas || !okIs {
			return true
		}
		return was.Status.Phase != is.Status.Phase || was.Status.Message != is.Status.Message || !reflect.DeepEqual(was.Spec, is.Spec) ||
			!reflect.DeepEqual(was.OwnerReferences, is.OwnerReferences) || was.DeletionTimestamp != is.DeletionTimestamp || was.ResourceVersion == is.ResourceVersion
	}}
}

// steered maps an object that carries traffic to the Rollouts whose routers edit it.
func (s *Shell) steered(kind schema.GroupVersionKind) handler.MapFunc {
	return func(ctx context.Context, o client.Object) []reconcile.Request {
		return requests(s.rolloutsBy(ctx, steeringIndex, steeringKeyOf(o, kind), ""))
	}
}

// users maps a template to the Rollouts that name it, or that name a template which does.
func (s *Shell) users(ctx context.Context, o client.Object) []reconcile.Request {
	_, cluster := o.(*v1alpha1.ClusterAnalysisTemplate)
	var keys []types.NamespacedName
	seen := map[types.NamespacedName]bool{}
	open := []usedTemplate{{v1alpha1.TemplateRef{TemplateName: o.GetName(), ClusterScope: cluster}, o.GetNamespace()}}
	visited := map[usedTemplate]bool{}
	for len(open) > 0 {
		t := open[0]
		open = open[1:]
		if visited[t] {
			continue
		}
		visited[t] = true
		for _, key := range s.rolloutsBy(ctx, templateIndex, templateKey(t.ref), t.namespace) {
			if !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
		open = append(open, s.including(ctx, t)...)
	}
	return requests(keys)
}

type usedTemplate struct {
	ref       v1alpha1.TemplateRef
	namespace string // of the Rollouts that may use it; empty: any
}

// including are the templates that include t.
func (s *Shell) including(ctx context.Context, t usedTemplate) (all []usedTemplate) {
	by := client.MatchingFields{templateIndex: templateKey(t.ref)}
	var namespaced v1alpha1.AnalysisTemplateList
	if err := s.Client.List(ctx, &namespaced, by, client.InNamespace(t.namespace), client.UnsafeDisableDeepCopy); err != nil {
		s.Log.Error("look up templates", "error", err)
	}
	for _, o := range namespaced.Items {
		all = append(all, usedTemplate{v1alpha1.TemplateRef{TemplateName: o.Name}, o.Namespace})
	}
	if s.Config.Namespaced {
		return all
	}
	var cluster v1alpha1.ClusterAnalysisTemplateList
	if err := s.Client.List(ctx, &cluster, by, client.UnsafeDisableDeepCopy); err != nil {
		s.Log.Error("look up cluster templates", "error", err)
	}
	for _, o := range cluster.Items {
		all = append(all, usedTemplate{v1alpha1.TemplateRef{TemplateName: o.Name, ClusterScope: true}, t.namespace})
	}
	return all
}

// freed enqueues the objects that a Rollout named and names no longer, since it changed or is gone.
func freed(names func(*v1alpha1.Rollout) []types.NamespacedName) handler.EventHandler {
	return handler.Funcs{
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			kept := map[types.NamespacedName]bool{}
			for _, name := range rolloutNames(e.ObjectNew, names) {
				kept[name] = true
			}
			for _, name := range rolloutNames(e.ObjectOld, names) {
				if !kept[name] {
					q.Add(reconcile.Request{NamespacedName: name})
				}
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) {
			for _, name := range rolloutNames(e.Object, names) {
				q.Add(reconcile.Request{NamespacedName: name})
			}
		},
	}
}

func rolloutNames(o client.Object, names func(*v1alpha1.Rollout) []types.NamespacedName) []types.NamespacedName {
	r, ok := o.(*v1alpha1.Rollout)
	if _, broken := kube.Broken(o); !ok || broken {
		return nil
	}
	return names(r)
}

// steeringNames are the objects of a kind that the routers of a Rollout edit.
func (s *Shell) steeringNames(kind string) func(*v1alpha1.Rollout) []types.NamespacedName {
	return func(r *v1alpha1.Rollout) (names []types.NamespacedName) {
		s.eachRef(r, func(ref traffic.Ref) {
			if ref.Kind == kind {
				names = append(names, types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name})
			}
		})
		return names
	}
}

func (s *Shell) eachRef(r *v1alpha1.Rollout, do func(traffic.Ref)) {
	routers, err := s.Routers(r)
	if err != nil {
		return // a fault of the spec; the planner says so
	}
	for _, router := range routers {
		for _, ref := range router.Refs() {
			do(ref)
		}
	}
}

// confirmed reports whether a Rollout exists, whichever controller's it is, and still meets a condition. It asks the
// API server: our cache shows neither those of other controllers nor what changed a moment ago.
func (s *Shell) confirmed(ctx context.Context, key types.NamespacedName, meets func(*v1alpha1.Rollout) bool) (bool, error) {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(v1alpha1.RolloutGroupVersionKind)
	if err := s.Live.Get(ctx, key, o); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	r, err := typed(o)
	if err != nil {
		return true, nil // it exists and cannot be read: leave alone what is its own
	}
	return meets(r), nil
}

func ownedBy(o metav1.Object, kind string) bool {
	owner := metav1.GetControllerOf(o)
	return owner != nil && owner.Kind == kind
}
