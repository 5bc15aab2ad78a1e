package revision

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Metadata is the ephemeral metadata that a ReplicaSet says it carries (spec 3.15). What nobody can read counts as none.
func Metadata(rs *appsv1.ReplicaSet) v1alpha1.PodTemplateMetadata {
	var m v1alpha1.PodTemplateMetadata
	if rs == nil || json.Unmarshal([]byte(rs.Annotations[v1alpha1.EphemeralMetadataAnnotation]), &m) != nil {
		return v1alpha1.PodTemplateMetadata{}
	}
	return m
}

// WithMetadata is a copy of rs whose pods get exactly this ephemeral metadata (nil: none), in place of what it carried
// before. Nil: it is right as it is.
func WithMetadata(rs *appsv1.ReplicaSet, metadata *v1alpha1.PodTemplateMetadata) *appsv1.ReplicaSet {
	want := rs.DeepCopy()
	removeMetadata(&want.Spec.Template.ObjectMeta, Metadata(rs))
	delete(want.Annotations, v1alpha1.EphemeralMetadataAnnotation)
	if metadata != nil && len(metadata.Labels)+len(metadata.Annotations) > 0 {
		addMetadata(&want.Spec.Template.ObjectMeta, *metadata)
		text, err := json.Marshal(metadata)
		if err != nil {
			panic("encode two maps of texts: " + err.Error())
		}
		annotate(want, v1alpha1.EphemeralMetadataAnnotation, string(text))
	}
	if equality.Semantic.DeepEqual(rs, want) {
		return nil
	}
	return want
}

// PodChanges are the labels and annotations to set on a living pod, or to remove (nil), so that it carries what its
// ReplicaSet's template says. Only keys in ours are looked at: what the ReplicaSet carried before, and what the spec
// configures for one side or the other. (The latter too, because a crash may come between ReplicaSet and pods.)
func PodChanges(pod *corev1.Pod, template *corev1.PodTemplateSpec, ours ...*v1alpha1.PodTemplateMetadata) (labels, annotations map[string]*string) {
	for _, m := range ours {
		if m == nil {
			continue
		}
		labels = changes(labels, pod.Labels, template.Labels, m.Labels)
		annotations = changes(annotations, pod.Annotations, template.Annotations, m.Annotations)
	}
	return labels, annotations
}

func changes(found map[string]*string, have, want, keys map[string]string) map[string]*string {
	for key := range keys {
		is, there := have[key]
		shall, wanted := want[key]
		if there == wanted && is == shall {
			continue
		}
		if found == nil {
			found = map[string]*string{}
		}
		found[key] = nil
		if wanted {
			found[key] = &shall
		}
	}
	return found
}

func addMetadata(to *metav1.ObjectMeta, m v1alpha1.PodTemplateMetadata) {
	for key, value := range m.Labels {
		metav1.SetMetaDataLabel(to, key, value)
	}
	for key, value := range m.Annotations {
		metav1.SetMetaDataAnnotation(to, key, value)
	}
}

func removeMetadata(from *metav1.ObjectMeta, m v1alpha1.PodTemplateMetadata) {
	for key := range m.Labels {
		delete(from.Labels, key)
	}
	for key := range m.Annotations {
		delete(from.Annotations, key)
	}
}
