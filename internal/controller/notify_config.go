package controller

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/sluice-delivery/sluice/notifications/deliver"
)

// doors holds the configuration of each namespace that has one, as it was read last.
type doors struct {
	n  *Notifier
	mu sync.Mutex
	// by namespace
	open    map[string]*deliver.Door
	sources map[string]given
	// problems of evaluations that were told of already: an expression fails at every look, and is one line of the log
	told    map[string]bool
	started bool // all was read once; from now on each change counts at once
}

// given is what a door was made from.
type given struct {
	config *corev1.ConfigMap
	secret *corev1.Secret
}

func newDoors(n *Notifier) *doors {
	return &doors{n: n, open: map[string]*deliver.Door{}, sources: map[string]given{}, told: map[string]bool{}}
}

// of are the configurations that apply to an object of a namespace, the controller's first.
func (d *doors) of(namespace string) (names []string, open []*deliver.Door) {
	d.mu.Lock()
	defer d.mu.Unlock()
	candidates := []string{d.n.Home}
	if d.n.Self && namespace != d.n.Home {
		candidates = append(candidates, namespace)
	}
	for _, name := range candidates {
		if door := d.open[name]; door != nil {
			names, open = append(names, name), append(open, door)
		}
	}
	return names, open
}

// observe follows the ConfigMaps and Secrets until ctx ends. Until they were read once everything waits.
func (d *doors) observe(ctx context.Context) {
	var synced []cache.InformerSynced
	var stores []cache.Store
	for _, namespace := range d.namespaces() {
		for _, kind := range []string{deliver.ConfigMapName, deliver.SecretName} {
			factory := informers.NewSharedInformerFactoryWithOptions(d.n.Configs, 0, informers.WithNamespace(namespace),
				informers.WithTweakListOptions(func(o *metav1.ListOptions) {
					o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, kind).String()
				}))
			informer := factory.Core().V1().ConfigMaps().Informer()
			if kind == deliver.SecretName {
				informer = factory.Core().V1().Secrets().Informer()
			}
			if _, err := informer.AddEventHandler(d.handler(ctx)); err != nil {
				d.n.Log.Error("no notifications: watch the configuration", "error", err)
				return
			}
			factory.Start(ctx.Done())
			defer factory.Shutdown()
			synced, stores = append(synced, informer.HasSynced), append(stores, informer.GetStore())
		}
	}
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return
	}
	for _, store := range stores {
		for _, o := range store.List() {
			d.take(o, false)
		}
	}
	d.mu.Lock()
	d.started = true
	namespaces := slices.Sorted(maps.Keys(d.sources))
	d.mu.Unlock()
	for _, namespace := range namespaces {
		d.reopen(namespace)
	}
	close(d.n.ready)
	<-ctx.Done()
}

// namespaces to watch; an empty name is all of them.
func (d *doors) namespaces() []string {
	switch {
	case !d.n.Self || d.n.Namespace == d.n.Home:
		return []string{d.n.Home}
	case d.n.Namespace == "":
		return []string{""}
	}
	return []string{d.n.Home, d.n.Namespace}
}

func (d *doors) handler(ctx context.Context) cache.ResourceEventHandler {
	changed := func(o any, gone bool) {
		if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = last.Obj
		}
		if namespace, now := d.take(o, gone); namespace != "" && now && d.reopen(namespace) {
			d.n.again(ctx, namespace)
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { changed(o, false) },
		UpdateFunc: func(_, o any) { changed(o, false) },
		DeleteFunc: func(o any) { changed(o, true) },
	}
}

// take keeps an object that a configuration is made from. It returns its namespace, empty when nothing is new, and
// whether the change counts at once.
func (d *doors) take(o any, gone bool) (namespace string, now bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch o := o.(type) {
	case *corev1.ConfigMap:
		if o.Name != deliver.ConfigMapName {
			return "", false
		}
		s := d.sources[o.Namespace]
		if old := s.config; !gone && old != nil && reflect.DeepEqual(old.Data, o.Data) {
			return "", d.started
		}
		if s.config = o; gone {
			s.config = nil
		}
		d.sources[o.Namespace] = s
		return o.Namespace, d.started
	case *corev1.Secret:
		if o.Name != deliver.SecretName {
			return "", false
		}
		s := d.sources[o.Namespace]
		if old := s.secret; !gone && old != nil && reflect.DeepEqual(old.Data, o.Data) {
			return "", d.started
		}
		if s.secret = o; gone {
			s.secret = nil
		}
		d.sources[o.Namespace] = s
		return o.Namespace, d.started
	}
	return "", false
}

// reopen reads the configuration of a namespace anew and says whether there is one.
func (d *doors) reopen(namespace string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sources[namespace]
	clear(d.told)
	if s.config == nil {
		if d.open[namespace] != nil {
			d.n.Log.Info("no notifications: the configuration is gone", "configmap", namespace+"/"+deliver.ConfigMapName)
		}
		delete(d.open, namespace)
		return false
	}
	door, problems := deliver.Open(s.config, s.secret)
	for _, err := range problems {
		d.n.Log.Error("notification configuration: a key is not usable as it is", "configmap", namespace+"/"+deliver.ConfigMapName, "error", err)
	}
	if door == nil {
		delete(d.open, namespace)
		return false
	}
	d.open[namespace] = door
	d.n.Log.Info("notification configuration read", "configmap", namespace+"/"+deliver.ConfigMapName, "services", door.Services(), "triggers", door.Triggers())
	return true
}

// complain logs a problem of an evaluation, once per configuration.
func (d *doors) complain(namespace string, err error) {
	key := namespace + " " + err.Error()
	d.mu.Lock()
	known := d.told[key]
	if len(d.told) < 1000 {
		d.told[key] = true
	}
	d.mu.Unlock()
	if !known {
		d.n.Log.Warn("notification trigger not evaluated", "configmap", namespace+"/"+deliver.ConfigMapName, "error", err)
	}
}
