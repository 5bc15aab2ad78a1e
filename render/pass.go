package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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
		if err := lint(obj); err != nil {
			return fmt.Errorf("%s%s %s: %w", prefix(result.Files[i]), obj.GetKind(), obj.GetName(), err)
		}
	}
	return markSteered(result.Objects)
}

func prefix(file string) string {
	if file == "" {
		return ""
	}
	return file + ": "
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

// lint reads the object strictly into its Go type and validates what can be validated without a cluster.
func lint(obj *unstructured.Unstructured) error {
	data, err := json.Marshal(obj.Object)
	if err != nil {
		return fmt.Errorf("read it: %w", err)
	}
	switch obj.GetKind() {
	case v1alpha1.RolloutKind:
		into := &v1alpha1.Rollout{}
		if err := strict(data, into); err != nil {
			return err
		}
		return validate(into)
	case v1alpha1.AnalysisTemplateKind:
		return strict(data, &v1alpha1.AnalysisTemplate{})
	case v1alpha1.ClusterAnalysisTemplateKind:
		return strict(data, &v1alpha1.ClusterAnalysisTemplate{})
	case v1alpha1.AnalysisRunKind:
		return strict(data, &v1alpha1.AnalysisRun{})
	case v1alpha1.ExperimentKind:
		return strict(data, &v1alpha1.Experiment{})
	}
	return nil
}

// validate says everything that is wrong with a Rollout by itself, with the paths that the controller would name.
func validate(r *v1alpha1.Rollout) error {
	var texts []string
	for _, err := range v1alpha1.ValidateSpec(r) {
		texts = append(texts, v1alpha1.ErrorText(err))
	}
	if len(texts) == 0 {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}

func strict(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}
