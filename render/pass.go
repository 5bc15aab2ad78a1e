package render

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// finish is our own pass over what was rendered: Rollouts get the mirror annotation and the defaults that a
// server-side apply would call a difference for ever, and everything of our API is checked.
func finish(result *Result, options Options) error {
	for i, obj := range result.Objects {
		if obj.GroupVersionKind().Group != v1alpha1.Group {
			continue
		}
		if obj.GetKind() == v1alpha1.RolloutKind {
			if !options.HideRollbacks {
				annotate(obj, v1alpha1.ServingAnnotation, v1alpha1.ServingDesired)
			}
			fillProtocols(obj)
		}
		if problems := lint(obj); len(problems) > 0 {
			return &invalid{object: obj, index: i, file: result.Files[i], problems: problems}
		}
	}
	if err := canonicalPods(result.Objects); err != nil {
		return err
	}
	return markSteered(result.Objects)
}

func annotate(obj *unstructured.Unstructured, key, value string) {
	annotations := obj.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[key] = value
	obj.SetAnnotations(annotations)
}

// fillProtocols writes the default that the CRD has for the protocol of a port.
func fillProtocols(obj *unstructured.Unstructured) {
	for _, kind := range []string{"containers", "initContainers"} {
		containers, found, _ := unstructured.NestedSlice(obj.Object, "spec", "template", "spec", kind)
		if !found {
			continue
		}
		for _, c := range containers {
			container, _ := c.(map[string]any)
			ports, _ := container["ports"].([]any)
			for _, p := range ports {
				if port, ok := p.(map[string]any); ok && port["protocol"] == nil {
					port["protocol"] = "TCP"
				}
			}
		}
		_ = unstructured.SetNestedSlice(obj.Object, containers, "spec", "template", "spec", kind) // it was read from there
	}
}
