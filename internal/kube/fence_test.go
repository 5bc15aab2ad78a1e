package kube

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// shelf is a View with objects put on it by hand.
type shelf struct {
	objects map[types.NamespacedName]client.Object
	version uint64
	empty   bool // nothing is cached
}

func (s *shelf) Kind(client.Object) schema.GroupVersionKind {
	return appsv1.SchemeGroupVersion.WithKind("ReplicaSet")
}
func (s *shelf) Holds(schema.GroupVersionKind) bool     { return !s.empty }
func (s *shelf) Version(schema.GroupVersionKind) uint64 { return s.version }
func (s *shelf) Find(_ schema.GroupVersionKind, k types.NamespacedName) (client.Object, bool) {
	o, found := s.objects[k]
	return o, found
}

func replicaSet(uid, version string) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1", UID: types.UID(uid), ResourceVersion: version}}
}

func TestFence(t *testing.T) {
	rollout := types.NamespacedName{Namespace: "shop", Name: "web"}
	leaving := replicaSet("a", "12")
	now := metav1.Now()
	leaving.DeletionTimestamp = &now
	for name, tc := range map[string]struct {
		deleted bool               // our change is a deletion, else a write with version 10
		cached  *appsv1.ReplicaSet // nil: not in the cache
		kind    uint64             // newest version of the kind
		empty   bool
		behind  bool
	}{
		"a write that the cache shows is seen":                       {cached: replicaSet("a", "10")},
		"a newer write of somebody else shows ours too":              {cached: replicaSet("a", "11")},
		"an older object is not seen":                                {cached: replicaSet("a", "9"), kind: 9, behind: true},
		"versions are compared as numbers":                           {cached: replicaSet("a", "9"), behind: true},
		"a created object that is not there yet is not seen":         {kind: 9, behind: true},
		"a created object that is gone again is seen":                {kind: 13},
		"a deletion is not seen while the object is there":           {deleted: true, cached: replicaSet("a", "9"), kind: 50, behind: true},
		"a deletion is seen when the object is gone":                 {deleted: true},
		"a deletion is seen when the object is on its way":           {deleted: true, cached: leaving},
		"a deletion is seen when another object has the name":        {deleted: true, cached: replicaSet("b", "9")},
		"what is not cached is read fresh and never holds anyone up": {empty: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shelf{objects: map[types.NamespacedName]client.Object{}, version: tc.kind, empty: tc.empty}
			if tc.cached != nil {
				s.objects[client.ObjectKeyFromObject(tc.cached)] = tc.cached
			}
			f := NewFence(s)
			if tc.deleted {
				f.Deleted(rollout, replicaSet("a", "9"))
			} else {
				f.Wrote(rollout, replicaSet("a", "10"))
			}
			if got := f.Behind(rollout); got != tc.behind {
				t.Errorf("behind = %t, want %t", got, tc.behind)
			}
			if f.Behind(types.NamespacedName{Namespace: "shop", Name: "other"}) {
				t.Error("another key is held up")
			}
		})
	}
	t.Run("every one of several writes has to be seen", func(t *testing.T) {
		s := &shelf{objects: map[types.NamespacedName]client.Object{}}
		f := NewFence(s)
		f.Wrote(rollout, replicaSet("a", "10"))
		f.Wrote(rollout, replicaSet("a", "12"))
		s.version = 11
		if !f.Behind(rollout) {
			t.Error("the second write was taken as seen")
		}
		s.version = 12
		if f.Behind(rollout) {
			t.Error("both writes are there, and still behind")
		}
		if len(f.pending) != 0 {
			t.Errorf("something is remembered for ever: %v", f.pending)
		}
	})
}
