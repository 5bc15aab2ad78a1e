package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// An object is anything that the store keeps. Objects in it are never changed, only replaced.
type object interface {
	metav1.Object
	runtime.Object
}

// A key names an object: its kind and its name. There is one namespace.
type key struct{ kind, name string }

// store is the API server, the controller's cache of it, and the fence between the two. The truth changes at once; the
// cache learns of changes kind by kind, in order, when they are delivered.
type store struct {
	version int64
	truth   map[key]object
	cache   map[key]object
	pending map[string][]change // by kind, not yet delivered
	told    map[key]int64       // version up to which the cache knows an object
	fence   map[key]int64       // version of the controller's own last write
	watch   func(object)        // is shown every version of every object; nil: nobody looks
}

type change struct {
	key     key
	version int64
	object  object // nil: it is gone
}

func newStore() *store {
	return &store{truth: map[key]object{}, cache: map[key]object{}, pending: map[string][]change{}, told: map[key]int64{}, fence: map[key]int64{}}
}

// A conflict is a write that came too late, or a create that came second: an outcome, not an error.
type conflict struct{ what string }

func (c conflict) Error() string { return "conflict: " + c.what }

func version(o object) int64 {
	n, _ := strconv.ParseInt(o.GetResourceVersion(), 10, 64)
	return n
}

// put stores a copy of an object. Seen is the version that the writer has read; 0 means that it must not exist yet,
// and -1 that it does not matter (the writer is the cluster itself).
func (s *store) put(kind string, o object, seen int64) (object, error) {
	k := key{kind, o.GetName()}
	stored := s.truth[k]
	switch {
	case seen == 0 && stored != nil:
		return nil, conflict{fmt.Sprintf("%s %s exists", kind, k.name)}
	case seen > 0 && (stored == nil || version(stored) != seen):
		return nil, conflict{fmt.Sprintf("%s %s was changed by somebody else", kind, k.name)}
	}
	s.version++
	fresh := o.DeepCopyObject().(object)
	fresh.SetResourceVersion(strconv.FormatInt(s.version, 10))
	s.truth[k] = fresh
	s.pending[kind] = append(s.pending[kind], change{k, s.version, fresh})
	if s.watch != nil {
		s.watch(fresh)
	}
	return fresh, nil
}

func (s *store) remove(k key) {
	if s.truth[k] == nil {
		return
	}
	s.version++
	delete(s.truth, k)
	s.pending[k.kind] = append(s.pending[k.kind], change{k, s.version, nil})
}

// wrote tells the fence of a write of the controller.
func (s *store) wrote(kind, name string) { s.fence[key{kind, name}] = s.version }

// deliver lets the cache see the next n changes of a kind; it reports whether there were any.
func (s *store) deliver(kind string, n int) bool {
	n = min(n, len(s.pending[kind]))
	for _, c := range s.pending[kind][:n] {
		s.told[c.key] = c.version
		if c.object == nil {
			delete(s.cache, c.key)
			continue
		}
		s.cache[c.key] = c.object
	}
	s.pending[kind] = s.pending[kind][n:]
	return n > 0
}

// lagging are the kinds with changes that the cache has not seen, in a fixed order.
func (s *store) lagging() []string {
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(s.pending)) {
		if len(s.pending[kind]) > 0 {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// fresh reports whether the cache has seen everything that the controller wrote.
func (s *store) fresh() bool {
	for k, wrote := range s.fence {
		if s.told[k] < wrote {
			return false
		}
	}
	return true
}

// restart is a controller that starts: it lists everything and remembers no write of its predecessor.
func (s *store) restart() {
	for kind := range s.pending {
		s.deliver(kind, len(s.pending[kind]))
	}
	s.fence = map[key]int64{}
}

// list are the objects of a kind, in the order of their names.
func list[T object](of map[key]object, kind string) []T {
	var found []T
	for k, o := range of {
		if k.kind == kind {
			found = append(found, o.(T))
		}
	}
	slices.SortFunc(found, func(a, b T) int {
		switch {
		case a.GetName() < b.GetName():
			return -1
		case a.GetName() > b.GetName():
			return 1
		}
		return 0
	})
	return found
}

func get[T object](of map[key]object, kind, name string) T {
	o, _ := of[key{kind, name}].(T)
	return o
}
