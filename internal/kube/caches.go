package kube

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// A Scope says which objects a controller looks at.
type Scope struct {
	Namespace  string // empty: all
	InstanceID string // of the controller (spec 11.3)
}

// Instance selects the objects of one controller among several: those that bear its id or, without an id, none.
func (s Scope) Instance() labels.Selector {
	op, values := selection.DoesNotExist, []string(nil)
	if s.InstanceID != "" {
		op, values = selection.Equals, []string{s.InstanceID}
	}
	return requirement(v1alpha1.InstanceIDLabel, op, values)
}

func requirement(key string, op selection.Operator, values []string) labels.Selector {
	r, err := labels.NewRequirement(key, op, values)
	if err != nil { // an instance id that is no label value selects nothing
		return labels.Nothing()
	}
	return labels.NewSelector().Add(*r)
}

// Caches knows the informers behind a manager's cache. It is the View of a Fence.
type Caches struct {
	scope   Scope
	scheme  *runtime.Scheme
	dynamic dynamic.Interface
	report  func(o client.Object, err error)

	mu        sync.Mutex
	informers map[schema.GroupVersionKind]toolscache.SharedIndexInformer
}

// NewCaches returns caches to be. Objects that do not decode are given to report, each time they are read.
func NewCaches(scope Scope, scheme *runtime.Scheme, d dynamic.Interface, report func(o client.Object, err error)) *Caches {
	return &Caches{scope: scope, scheme: scheme, dynamic: d, report: report, informers: map[schema.GroupVersionKind]toolscache.SharedIndexInformer{}}
}

// Options are those of the manager's cache: ReplicaSets and pods of Rollouts only, and nothing remembers managedFields.
func (c *Caches) Options(resync time.Duration) cache.Options {
	ours := cache.ByObject{Label: requirement(v1alpha1.DefaultRolloutUniqueLabelKey, selection.Exists, nil)}
	o := cache.Options{
		Scheme:           c.scheme,
		SyncPeriod:       &resync,
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject:         map[client.Object]cache.ByObject{&appsv1.ReplicaSet{}: ours, &corev1.Pod{}: ours},
		NewInformer:      c.newInformer,
	}
	if c.scope.Namespace != "" {
		o.DefaultNamespaces = map[string]cache.Config{c.scope.Namespace: {}}
	}
	return o
}

func (c *Caches) newInformer(lw toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	kind, err := apiutil.GVKForObject(example, c.scheme)
	if err == nil && kind.GroupVersion() == v1alpha1.SchemeGroupVersion {
		lw = c.tolerant(kind)
	}
	i := toolscache.NewSharedIndexInformer(lw, example, resync, indexers)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.informers[kind] = i
	return i
}

func (c *Caches) tolerant(kind schema.GroupVersionKind) toolscache.ListerWatcher {
	resource, _ := meta.UnsafeGuessKindToResource(kind)
	var door dynamic.ResourceInterface = c.dynamic.Resource(resource)
	if c.scope.Namespace != "" && kind.Kind != v1alpha1.ClusterAnalysisTemplateKind {
		door = c.dynamic.Resource(resource).Namespace(c.scope.Namespace)
	}
	return tolerant{
		resource: door,
		selector: c.scope.Instance().String(),
		report:   c.report,
		empty: func() client.Object {
			o, err := c.scheme.New(kind)
			if err != nil {
				panic(fmt.Sprintf("%s is in the scheme: %v", kind, err)) // it was found there above
			}
			return o.(client.Object)
		},
	}.ListerWatcher()
}

func (c *Caches) informer(kind schema.GroupVersionKind) toolscache.SharedIndexInformer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.informers[kind]
}

// Ours reports whether an object is in the scope. Of other APIs' objects all are: controllers share them.
func (c *Caches) Ours(o client.Object) bool {
	return c.Kind(o).GroupVersion() != v1alpha1.SchemeGroupVersion || c.scope.Instance().Matches(labels.Set(o.GetLabels()))
}

// Kind returns what an object is; typed objects often do not say it themselves.
func (c *Caches) Kind(o client.Object) schema.GroupVersionKind {
	kind, err := apiutil.GVKForObject(o, c.scheme)
	if err != nil {
		return o.GetObjectKind().GroupVersionKind()
	}
	return kind
}

// Holds implements View.
func (c *Caches) Holds(kind schema.GroupVersionKind) bool {
	i := c.informer(kind)
	return i != nil && i.HasSynced()
}

// Version implements View.
func (c *Caches) Version(kind schema.GroupVersionKind) uint64 {
	i := c.informer(kind)
	if i == nil {
		return 0
	}
	return version(i.GetIndexer().LastStoreSyncResourceVersion())
}

// Find implements View.
func (c *Caches) Find(kind schema.GroupVersionKind, key types.NamespacedName) (client.Object, bool) {
	i := c.informer(kind)
	if i == nil {
		return nil, false
	}
	name := key.Name
	if key.Namespace != "" {
		name = key.Namespace + "/" + key.Name
	}
	item, found, err := i.GetIndexer().GetByKey(name)
	if err != nil || !found {
		return nil, false
	}
	o, ok := item.(client.Object)
	return o, ok
}

// version reads a resource version. The API promises since Kubernetes 1.35 that it is a number that grows.
func version(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
