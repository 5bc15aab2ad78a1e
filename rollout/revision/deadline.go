package revision

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Deadline is the instant after which a ReplicaSet has to be scaled to zero, and whether it has one at all. One that
// nobody can read is long past.
func Deadline(rs *appsv1.ReplicaSet) (at time.Time, set bool) {
	if rs == nil {
		return time.Time{}, false
	}
	text, set := rs.Annotations[v1alpha1.ScaleDownDeadlineAnnotation]
	if !set || text == "" {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, true
	}
	return at, true
}

// Delayed reports whether a ReplicaSet has a deadline that has not passed yet.
func Delayed(rs *appsv1.ReplicaSet, now time.Time) bool {
	at, set := Deadline(rs)
	return set && now.Before(at)
}

func annotate(rs *appsv1.ReplicaSet, key, value string) {
	if rs.Annotations == nil {
		rs.Annotations = map[string]string{}
	}
	rs.Annotations[key] = value
}
