package revision

import (
	"maps"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// private are annotations of a Rollout that mean nothing on a ReplicaSet, or something else.
var private = map[string]bool{
	"kubectl.kubernetes.io/last-applied-configuration": true,
	v1alpha1.RevisionAnnotation:                        true,
	v1alpha1.RevisionHistoryAnnotation:                 true,
	v1alpha1.DesiredReplicasAnnotation:                 true,
	v1alpha1.NotifiedAnnotation:                        true,
}

// Copied reports whether an annotation of a Rollout is copied to its current ReplicaSet (spec 2.1). Our own mirror and
// Argo CD's keys are not: they would change a ReplicaSet each time they flip, or make it look managed.
func Copied(key string) bool {
	return !private[key] && !strings.HasPrefix(key, v1alpha1.SluicePrefix) && !strings.HasPrefix(key, "argocd.argoproj.io/")
}

// Name of the ReplicaSet of a revision.
func Name(rollout, hash string) string { return rollout + "-" + hash }

// New is the ReplicaSet of a revision that has none yet (spec 3.2): without pods, owned by the Rollout, with its
// number, with anti-affinity against stable where that is configured, and carrying metadata (nil: none) that is not
// part of the template.
func New(r *v1alpha1.Rollout, hash string, number int64, metadata *v1alpha1.PodTemplateMetadata) *appsv1.ReplicaSet {
	none := int32(0)
	rs := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name:            Name(r.Name, hash),
			Namespace:       r.Namespace,
			Labels:          withKey(r.Spec.Template.Labels, hash),
			Annotations:     map[string]string{},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(r, v1alpha1.RolloutGroupVersionKind)},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas:        &none,
			MinReadySeconds: r.Spec.MinReadySeconds,
			Selector:        selector(r.Spec.Selector, hash),
			Template:        *r.Spec.Template.DeepCopy(),
		},
	}
	rs.Spec.Template.Labels = withKey(r.Spec.Template.Labels, hash)
	injectAffinity(&rs.Spec.Template.Spec, r, hash)
	copyAnnotations(rs, r)
	rs.Annotations[v1alpha1.RevisionAnnotation] = strconv.FormatInt(number, 10)
	rs.Annotations[v1alpha1.DesiredReplicasAnnotation] = strconv.Itoa(int(desired(r)))
	if changed := WithMetadata(rs, metadata); changed != nil {
		rs = changed
	}
	return rs
}

// Sync is the current ReplicaSet as it should be before anything else happens, and whether it became a newer revision
// by that (number is Next of the others). Nil: it is right as it is. Of a ReplicaSet that exists only annotations,
// minReadySeconds and the values of injected anti-affinity change.
func Sync(rs *appsv1.ReplicaSet, r *v1alpha1.Rollout, number int64) (want *appsv1.ReplicaSet, bumped bool) {
	bumped = Number(rs) < number
	affinity := rs.Spec.Template.Spec.Affinity.DeepCopy()
	refreshAffinity(affinity, r, HashOf(rs))
	if !bumped && carriesAnnotations(rs, r) && rs.Spec.MinReadySeconds == r.Spec.MinReadySeconds &&
		equality.Semantic.DeepEqual(affinity, rs.Spec.Template.Spec.Affinity) {
		return nil, false
	}
	want = rs.DeepCopy()
	if want.Annotations == nil {
		want.Annotations = map[string]string{}
	}
	copyAnnotations(want, r)
	want.Spec.MinReadySeconds = r.Spec.MinReadySeconds
	want.Spec.Template.Spec.Affinity = affinity
	if bumped {
		bump(want, number)
	}
	return want, bumped
}

func carriesAnnotations(rs *appsv1.ReplicaSet, r *v1alpha1.Rollout) bool {
	for key, value := range r.Annotations {
		if has, there := rs.Annotations[key]; Copied(key) && (!there || has != value) {
			return false
		}
	}
	return true
}

// bump gives a ReplicaSet a higher number and writes down which one it had.
func bump(rs *appsv1.ReplicaSet, number int64) {
	if old := rs.Annotations[v1alpha1.RevisionAnnotation]; old != "" {
		history := old
		if before := rs.Annotations[v1alpha1.RevisionHistoryAnnotation]; before != "" {
			history = before + "," + old
		}
		rs.Annotations[v1alpha1.RevisionHistoryAnnotation] = history
	}
	rs.Annotations[v1alpha1.RevisionAnnotation] = strconv.FormatInt(number, 10)
}

// Desired is the Rollout's spec.replicas when rs was last scaled, and whether anybody knows.
func Desired(rs *appsv1.ReplicaSet) (int32, bool) {
	if rs == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(rs.Annotations[v1alpha1.DesiredReplicasAnnotation], 10, 32)
	return int32(n), err == nil
}

func copyAnnotations(rs *appsv1.ReplicaSet, r *v1alpha1.Rollout) {
	for key, value := range r.Annotations {
		if Copied(key) {
			rs.Annotations[key] = value
		}
	}
}

func desired(r *v1alpha1.Rollout) int32 {
	if r.Spec.Replicas == nil {
		return 1
	}
	return *r.Spec.Replicas
}

func withKey(labels map[string]string, hash string) map[string]string {
	c := maps.Clone(labels)
	if c == nil {
		c = map[string]string{}
	}
	c[v1alpha1.DefaultRolloutUniqueLabelKey] = hash
	return c
}

func selector(s *metav1.LabelSelector, hash string) *metav1.LabelSelector {
	c := s.DeepCopy()
	if c == nil {
		c = &metav1.LabelSelector{}
	}
	c.MatchLabels = withKey(c.MatchLabels, hash)
	return c
}
