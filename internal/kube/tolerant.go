package kube

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// undecodable marks, in our caches only, an object whose fields have types that this API does not have. Its value says
// which. Such objects get into a cluster while a CRD's schema is loose; one must never keep a list from being read.
const undecodable = "sluice.dev/undecodable"

// Broken returns why an object of a cache could not be read. Of such an object only the metadata are known.
func Broken(o client.Object) (why string, broken bool) {
	why, broken = o.GetAnnotations()[undecodable]
	return why, broken
}

// tolerant lists and watches one resource object by object.
type tolerant struct {
	resource dynamic.ResourceInterface
	selector string               // of labels
	empty    func() client.Object // a new object of the kind
	report   func(o client.Object, err error)
}

// ListerWatcher is what an informer reads from.
func (t tolerant) ListerWatcher() cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{ListWithContextFunc: t.list, WatchFuncWithContext: t.watch}, t.resource)
}

func (t tolerant) list(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	o.LabelSelector = t.selector
	raw, err := t.resource.List(ctx, o)
	if err != nil {
		return nil, err
	}
	list := &metav1.List{ListMeta: metav1.ListMeta{
		ResourceVersion: raw.GetResourceVersion(), Continue: raw.GetContinue(), RemainingItemCount: raw.GetRemainingItemCount()}}
	for i := range raw.Items {
		list.Items = append(list.Items, runtime.RawExtension{Object: t.decode(&raw.Items[i])})
	}
	return list, nil
}

func (t tolerant) watch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	o.LabelSelector, o.Watch, o.AllowWatchBookmarks = t.selector, true, true
	w, err := t.resource.Watch(ctx, o)
	if err != nil {
		return nil, err
	}
	return watch.Filter(w, func(e watch.Event) (watch.Event, bool) {
		switch u, ok := e.Object.(*unstructured.Unstructured); {
		case !ok: // a Status
		case e.Type == watch.Bookmark:
			e.Object = t.metadata(u)
		default:
			e.Object = t.decode(u)
		}
		return e, true
	}), nil
}

func (t tolerant) decode(u *unstructured.Unstructured) client.Object {
	o := t.empty()
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o)
	if err == nil {
		return o
	}
	err = fmt.Errorf("%s %s is not what its API says: %w", u.GetKind(), client.ObjectKeyFromObject(u), err)
	o = t.metadata(u)
	annotations := map[string]string{undecodable: err.Error()}
	for k, v := range o.GetAnnotations() {
		annotations[k] = v
	}
	o.SetAnnotations(annotations)
	t.report(o, err)
	return o
}

func (t tolerant) metadata(u *unstructured.Unstructured) client.Object {
	o := t.empty()
	o.GetObjectKind().SetGroupVersionKind(u.GroupVersionKind())
	o.SetNamespace(u.GetNamespace())
	o.SetName(u.GetName())
	o.SetUID(u.GetUID())
	o.SetResourceVersion(u.GetResourceVersion())
	o.SetGeneration(u.GetGeneration())
	o.SetCreationTimestamp(u.GetCreationTimestamp())
	o.SetDeletionTimestamp(u.GetDeletionTimestamp())
	o.SetLabels(u.GetLabels())
	o.SetAnnotations(u.GetAnnotations())
	o.SetOwnerReferences(u.GetOwnerReferences())
	o.SetFinalizers(u.GetFinalizers())
	return o
}
