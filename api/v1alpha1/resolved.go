package v1alpha1

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
)

// MarshalJSON leaves out what was read from a referenced workload: it never goes back into the object (spec 1.2).
func (s RolloutSpec) MarshalJSON() ([]byte, error) {
	type plain RolloutSpec
	if s.TemplateResolvedFromRef {
		s.Template = corev1.PodTemplateSpec{}
	}
	if s.SelectorResolvedFromRef {
		s.Selector = nil
	}
	return json.Marshal(plain(s))
}
