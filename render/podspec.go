package render

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// canonicalPods writes the pod template of each Rollout as Kubernetes itself writes one: cpu "0.1" is "100m", and a container
// without resources has empty ones. Argo CD compares Rollouts in that form. With RespectIgnoreDifferences=true it takes what
// only differs by it for something to keep, and keeps the live containers as a whole: a new image would never be applied
// (seen with Argo CD 3.5.7, with server-side and with client-side apply).
//
// Objects have to have passed lint: a field that Kubernetes does not know gets lost here.
func canonicalPods(all []*unstructured.Unstructured) error {
	for _, obj := range all {
		if !isRollout(obj) {
			continue
		}
		pod, found, _ := unstructured.NestedMap(obj.Object, "spec", "template", "spec")
		if !found {
			continue
		}
		written, err := asPodSpec(pod)
		if err == nil {
			err = unstructured.SetNestedMap(obj.Object, written, "spec", "template", "spec")
		}
		if err != nil {
			return fmt.Errorf("Rollout %s: spec.template.spec: %w", obj.GetName(), err)
		}
	}
	return nil
}

func asPodSpec(pod map[string]any) (map[string]any, error) {
	text, err := json.Marshal(pod)
	if err != nil {
		return nil, err
	}
	spec := corev1.PodSpec{}
	if err := json.Unmarshal(text, &spec); err != nil {
		return nil, err
	}
	if text, err = json.Marshal(spec); err != nil {
		return nil, err
	}
	written := &unstructured.Unstructured{}
	// Whole numbers stay whole only in the decoder of unstructured objects, which wants a kind.
	if err := written.UnmarshalJSON(append([]byte(`{"apiVersion":"v1","kind":"Pod","spec":`), append(text, '}')...)); err != nil {
		return nil, err
	}
	out, _, err := unstructured.NestedMap(written.Object, "spec")
	return out, err
}
