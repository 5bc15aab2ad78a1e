package revision

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Template is a copy of the pod template of a ReplicaSet without what we put into it: hash label, ephemeral metadata,
// anti-affinity against another revision. A Rollout that is given it back finds this ReplicaSet again.
func Template(rs *appsv1.ReplicaSet) corev1.PodTemplateSpec {
	template := *rs.Spec.Template.DeepCopy()
	removeMetadata(&template.ObjectMeta, Metadata(rs))
	delete(template.Labels, v1alpha1.DefaultRolloutUniqueLabelKey)
	stripAffinity(&template.Spec)
	return template
}
