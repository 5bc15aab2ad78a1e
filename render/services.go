package render

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// createServices makes the Services that Rollouts need and the source does not have. A Rollout that names none, and
// whose pods a Service selects, gets that one and a second beside it.
func createServices(result *Result) error {
	for i, obj := range result.Objects {
		if obj.GroupVersionKind().Group != v1alpha1.Group || obj.GetKind() != v1alpha1.RolloutKind {
			continue
		}
		pairUp(obj, result.Objects)
		for _, name := range servicesOf(obj) {
			if serviceNamed(name, obj.GetNamespace(), result.Objects) != nil {
				continue
			}
			made, err := serviceFor(obj, name, result.Objects)
			if err != nil {
				return fmt.Errorf("%sRollout %s: %w", prefix(result.Files[i]), obj.GetName(), err)
			}
			result.Objects, result.Files = append(result.Objects, made), append(result.Files, result.Files[i])
		}
	}
	return nil
}

// pairUp names the Services of a strategy that names none, or half of a pair.
func pairUp(obj *unstructured.Unstructured, all []*unstructured.Unstructured) {
	pairs := []struct{ strategy, serving, other, suffix string }{
		{"canary", "stableService", "canaryService", "-canary"},
		{"blueGreen", "activeService", "previewService", "-preview"},
	}
	for _, p := range pairs {
		strategy, found, _ := unstructured.NestedMap(obj.Object, "spec", "strategy", p.strategy)
		if _, pingPong := strategy["pingPong"]; !found || pingPong {
			continue
		}
		serving, _ := strategy[p.serving].(string)
		if other, _ := strategy[p.other].(string); other != "" && serving == "" {
			continue // validation says what is wrong with that
		}
		if serving == "" {
			service := selecting(obj, all)
			if service == nil {
				continue
			}
			serving = service.GetName()
		}
		if strategy[p.serving] = serving; strategy[p.other] == nil {
			strategy[p.other] = serving + p.suffix
		}
		_ = unstructured.SetNestedMap(obj.Object, strategy, "spec", "strategy", p.strategy) // it was read from there
	}
}

func servicesOf(obj *unstructured.Unstructured) (all []string) {
	for _, path := range [][]string{
		{"canary", "stableService"}, {"canary", "canaryService"}, {"canary", "pingPong", "pingService"}, {"canary", "pingPong", "pongService"},
		{"blueGreen", "activeService"}, {"blueGreen", "previewService"},
	} {
		if name, _, _ := unstructured.NestedString(obj.Object, append([]string{"spec", "strategy"}, path...)...); name != "" {
			all = append(all, name)
		}
	}
	return all
}

func serviceNamed(name, namespace string, all []*unstructured.Unstructured) *unstructured.Unstructured {
	for _, obj := range all {
		if obj.GetKind() == "Service" && obj.GetAPIVersion() == "v1" && obj.GetName() == name && obj.GetNamespace() == namespace {
			return obj
		}
	}
	return nil
}

// selecting is the Service that selects the pods of a workload: the first of them, if there are several.
func selecting(obj *unstructured.Unstructured, all []*unstructured.Unstructured) *unstructured.Unstructured {
	labels, _, _ := unstructured.NestedStringMap(obj.Object, "spec", "template", "metadata", "labels")
	for _, service := range all {
		if service.GetKind() != "Service" || service.GetAPIVersion() != "v1" || service.GetNamespace() != obj.GetNamespace() {
			continue
		}
		selector, _, _ := unstructured.NestedStringMap(service.Object, "spec", "selector")
		matches := len(selector) > 0
		for key, value := range selector {
			matches = matches && labels[key] == value
		}
		if matches {
			return service
		}
	}
	return nil
}

// serviceFor is like another Service of the same pods, or has the ports of the containers.
func serviceFor(obj *unstructured.Unstructured, name string, all []*unstructured.Unstructured) (*unstructured.Unstructured, error) {
	selector, _, _ := unstructured.NestedStringMap(obj.Object, "spec", "selector", "matchLabels")
	if len(selector) == 0 {
		return nil, fmt.Errorf("services: create: Service %s cannot be made without spec.selector.matchLabels", name)
	}
	var ports []any
	if like := selecting(obj, all); like != nil {
		selector, _, _ = unstructured.NestedStringMap(like.Object, "spec", "selector")
		given, _, _ := unstructured.NestedSlice(like.Object, "spec", "ports")
		for _, p := range given {
			if port, ok := p.(map[string]any); ok {
				delete(port, "nodePort") // one Service alone has it
				ports = append(ports, port)
			}
		}
	} else {
		ports = containerPorts(obj)
	}
	if len(ports) == 0 {
		return nil, fmt.Errorf("services: create: Service %s would have no port: name the ports of the containers", name)
	}
	labels := map[string]any{}
	for key, value := range selector {
		labels[key] = value
	}
	metadata := map[string]any{"name": name}
	if obj.GetNamespace() != "" {
		metadata["namespace"] = obj.GetNamespace()
	}
	if own, found, _ := unstructured.NestedMap(obj.Object, "metadata", "labels"); found {
		metadata["labels"] = own
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": map[string]any{"selector": labels, "ports": ports},
	}}, nil
}

func containerPorts(obj *unstructured.Unstructured) (all []any) {
	containers, _, _ := unstructured.NestedSlice(obj.Object, "spec", "template", "spec", "containers")
	for _, c := range containers {
		container, _ := c.(map[string]any)
		ports, _ := container["ports"].([]any)
		for _, p := range ports {
			port, _ := p.(map[string]any)
			number, ok := port["containerPort"].(int64)
			if !ok {
				continue
			}
			name, named := port["name"].(string)
			if !named {
				name = fmt.Sprintf("port-%d", number)
			}
			protocol, _ := port["protocol"].(string)
			if protocol == "" {
				protocol = "TCP"
			}
			all = append(all, map[string]any{"name": name, "port": number, "targetPort": number, "protocol": protocol})
		}
	}
	return all
}
