package kube

import (
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A View is what a Fence needs to know of the caches.
type View interface {
	// Kind says what an object is.
	Kind(o client.Object) schema.GroupVersionKind
	// Holds reports whether the kind is cached; what is not cached is read fresh each time.
	Holds(kind schema.GroupVersionKind) bool
	// Version is the newest resource version of the kind that the cache took in; 0: it cannot tell.
	Version(kind schema.GroupVersionKind) uint64
	// Find returns the cached object, which nobody may change.
	Find(kind schema.GroupVersionKind, key types.NamespacedName) (client.Object, bool)
}

// A Fence remembers what was written for a key, until the caches show it. Without it two plans from two pictures can
// each be right about their own object and together break a bound over both.
type Fence struct {
	view    View
	mu      sync.Mutex
	pending map[types.NamespacedName][]write
}

// A write is one change of ours that a cache has yet to show.
type write struct {
	kind    schema.GroupVersionKind
	key     types.NamespacedName
	uid     types.UID
	version uint64 // 0 for a deletion
}

// NewFence returns a fence before the view.
func NewFence(v View) *Fence {
	return &Fence{view: v, pending: map[types.NamespacedName][]write{}}
}

// Wrote notes that o, as the API server returned it, was created or changed on behalf of key.
func (f *Fence) Wrote(key types.NamespacedName, o client.Object) {
	if v := version(o.GetResourceVersion()); v > 0 { // else this server's versions cannot be compared
		f.note(key, write{f.view.Kind(o), client.ObjectKeyFromObject(o), o.GetUID(), v})
	}
}

// Deleted notes that the deletion of o was asked for on behalf of key.
func (f *Fence) Deleted(key types.NamespacedName, o client.Object) {
	f.note(key, write{kind: f.view.Kind(o), key: client.ObjectKeyFromObject(o), uid: o.GetUID()})
}

func (f *Fence) note(key types.NamespacedName, w write) {
	if !f.view.Holds(w.kind) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pending[key] = append(f.pending[key], w)
}

// Behind reports whether the caches have yet to show something that was written for key.
func (f *Fence) Behind(key types.NamespacedName) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	var rest []write
	for _, w := range f.pending[key] {
		if !f.seen(w) {
			rest = append(rest, w)
		}
	}
	if len(rest) == 0 {
		delete(f.pending, key)
		return false
	}
	f.pending[key] = rest
	return true
}

// Forget drops what was written for a key that is gone.
func (f *Fence) Forget(key types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.pending, key)
}

func (f *Fence) seen(w write) bool {
	o, found := f.view.Find(w.kind, w.key)
	if w.version == 0 {
		return !found || o.GetUID() != w.uid || o.GetDeletionTimestamp() != nil
	}
	if found && version(o.GetResourceVersion()) >= w.version {
		return true
	}
	// The versions of one resource grow in the order of its changes, so a cache that has taken in a later one of any
	// object knows ours too, even when the object is gone again.
	return f.view.Version(w.kind) >= w.version
}
