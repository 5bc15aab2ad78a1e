package revision

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Number is the revision of a ReplicaSet; 0 when it has none.
func Number(rs *appsv1.ReplicaSet) int64 {
	if rs == nil {
		return 0
	}
	n, err := strconv.ParseInt(rs.Annotations[v1alpha1.RevisionAnnotation], 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Next is the number that a revision gets which is newer than all of rss.
func Next(rss []*appsv1.ReplicaSet) int64 {
	var highest int64
	for _, rs := range rss {
		highest = max(highest, Number(rs))
	}
	return highest + 1
}

// ByCreation are the same ReplicaSets, the oldest first. Names decide between equal ages.
func ByCreation(rss []*appsv1.ReplicaSet) []*appsv1.ReplicaSet {
	return slices.SortedFunc(slices.Values(rss), func(a, b *appsv1.ReplicaSet) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
}

// ByNumber are the same ReplicaSets, the highest revision first. Names decide between equal numbers.
func ByNumber(rss []*appsv1.ReplicaSet) []*appsv1.ReplicaSet {
	return slices.SortedFunc(slices.Values(rss), func(a, b *appsv1.ReplicaSet) int {
		return cmp.Or(cmp.Compare(Number(b), Number(a)), strings.Compare(a.Name, b.Name))
	})
}

// Surplus are the old ReplicaSets to delete so that at most limit are kept (spec 3.2). Old are those that are neither
// current nor stable. One that still has pods, or whose status is stale, is kept for now and no younger one goes in its
// stead.
func Surplus(old []*appsv1.ReplicaSet, limit int32) []*appsv1.ReplicaSet {
	alive := slices.DeleteFunc(ByCreation(old), func(rs *appsv1.ReplicaSet) bool { return rs.DeletionTimestamp != nil })
	surplus := max(0, len(alive)-max(0, int(limit)))
	return slices.DeleteFunc(alive[:surplus], func(rs *appsv1.ReplicaSet) bool {
		return Size(rs) != 0 || rs.Status.Replicas != 0 || rs.Generation > rs.Status.ObservedGeneration
	})
}

// Size is the number of pods that a ReplicaSet shall have. Absent means 1; a nil ReplicaSet has 0.
func Size(rs *appsv1.ReplicaSet) int32 {
	switch {
	case rs == nil:
		return 0
	case rs.Spec.Replicas == nil:
		return 1
	}
	return *rs.Spec.Replicas
}
