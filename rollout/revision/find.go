package revision

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// HashOf is the pod-template hash that a ReplicaSet carries; empty when it has none, or is nil.
func HashOf(rs *appsv1.ReplicaSet) string {
	if rs == nil {
		return ""
	}
	return rs.Labels[v1alpha1.DefaultRolloutUniqueLabelKey]
}

// WithHash is the ReplicaSet that carries a hash; nil when there is none.
func WithHash(rss []*appsv1.ReplicaSet, hash string) *appsv1.ReplicaSet {
	if hash == "" {
		return nil
	}
	for _, rs := range rss {
		if HashOf(rs) == hash {
			return rs
		}
	}
	return nil
}

// Find is the ReplicaSet of a template among those of the Rollout; nil when there is none (spec 2.2). The first of
// three rules that finds one counts, and within a rule the oldest ReplicaSet: the hash label is ours; it is that of a
// Deployment; the template is the same. The third rule needs the template as the API server defaults it, and is left
// out when defaulted is nil.
func Find(rss []*appsv1.ReplicaSet, template *corev1.PodTemplateSpec, collisionCount *int32, defaulted *corev1.PodTemplateSpec) *appsv1.ReplicaSet {
	sorted := ByCreation(rss)
	if rs := WithHash(sorted, Hash(template, collisionCount)); rs != nil {
		return rs
	}
	if rs := WithHash(sorted, DeploymentHash(template, collisionCount)); rs != nil {
		return rs
	}
	if defaulted == nil {
		return nil
	}
	for _, rs := range sorted {
		if sameTemplate(rs, defaulted) {
			return rs
		}
	}
	return nil
}

// sameTemplate reports whether a ReplicaSet carries a template, apart from what we inject and from the deprecated
// service account field. The template has to be defaulted like the ReplicaSet.
func sameTemplate(rs *appsv1.ReplicaSet, defaulted *corev1.PodTemplateSpec) bool {
	live, want := rs.Spec.Template.DeepCopy(), defaulted.DeepCopy()
	removeMetadata(&live.ObjectMeta, Metadata(rs))
	for _, t := range []*corev1.PodTemplateSpec{live, want} {
		delete(t.Labels, v1alpha1.DefaultRolloutUniqueLabelKey)
		stripAffinity(&t.Spec)
		t.Spec.DeprecatedServiceAccount = ""
	}
	return equality.Semantic.DeepEqual(live, want)
}
