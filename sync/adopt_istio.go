package sync

import (
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func (m managed) istio(k Key) func(desired, live *unstructured.Unstructured) {
	istio := m.routing().Istio
	if rule := istio.DestinationRule; k.Kind == "DestinationRule" && rule != nil && rule.Name == k.Name {
		return func(desired, live *unstructured.Unstructured) {
			takeSubsetHashes(desired, live, rule.CanarySubsetName, rule.StableSubsetName)
		}
	}
	services := istio.VirtualServices
	if istio.VirtualService != nil {
		services = append(slices.Clone(services), *istio.VirtualService)
	}
	for _, service := range services {
		// A name may carry its namespace: name.namespace or longer.
		if name, _, _ := strings.Cut(service.Name, "."); k.Kind == "VirtualService" && name == k.Name {
			return func(desired, live *unstructured.Unstructured) { m.takeRoutes(service, desired, live) }
		}
	}
	return nil
}

// takeRoutes takes over the weights of the routes that the Rollout steers, and the header and mirror routes that it
// puts in front of them.
func (m managed) takeRoutes(service v1alpha1.IstioVirtualService, desired, live *unstructured.Unstructured) {
	names := m.managedRoutes()
	wanted, present := routes(desired, "http"), routes(live, "http")
	var ahead, rest []any
	for _, r := range present {
		if slices.Contains(names, name(r)) && !slices.ContainsFunc(wanted, func(w any) bool { return name(w) == name(r) }) {
			ahead = append(ahead, r)
		} else {
			rest = append(rest, r)
		}
	}
	if len(wanted) == len(rest) {
		for i := range wanted {
			if len(service.Routes) == 0 || slices.Contains(service.Routes, name(wanted[i])) {
				takeWeights(wanted[i], rest[i])
			}
		}
	}
	if wanted != nil {
		setRoutes(desired, "http", append(ahead, wanted...))
	}
	for _, kind := range []string{"tls", "tcp"} {
		wanted, present := routes(desired, kind), routes(live, kind)
		for i := range wanted {
			if i < len(present) {
				takeWeights(wanted[i], present[i])
			}
		}
		if wanted != nil {
			setRoutes(desired, kind, wanted)
		}
	}
}

// managedRoutes are the names of the routes that the Rollout makes.
func (m managed) managedRoutes() []string {
	var names []string
	for _, r := range m.routing().ManagedRoutes {
		names = append(names, r.Name)
	}
	for _, step := range m.rollout.Spec.Strategy.Canary.Steps {
		if step.SetHeaderRoute != nil {
			names = append(names, step.SetHeaderRoute.Name)
		}
		if step.SetMirrorRoute != nil {
			names = append(names, step.SetMirrorRoute.Name)
		}
	}
	return names
}

// takeWeights copies the weight of each destination that both routes have.
func takeWeights(wanted, present any) {
	from := destinations(present)
	for _, d := range destinations(wanted) {
		for _, l := range from {
			if weight, weighted := l["weight"]; weighted && reflect.DeepEqual(d["destination"], l["destination"]) {
				d["weight"] = weight
			}
		}
	}
}

func destinations(route any) []map[string]any {
	r, _ := route.(map[string]any)
	entries, _ := r["route"].([]any)
	var all []map[string]any
	for _, e := range entries {
		if d, ok := e.(map[string]any); ok {
			all = append(all, d)
		}
	}
	return all
}

func name(route any) string {
	r, _ := route.(map[string]any)
	n, _ := r["name"].(string)
	return n
}

func routes(obj *unstructured.Unstructured, kind string) []any {
	list, _, _ := unstructured.NestedSlice(obj.Object, "spec", kind)
	return list
}

func setRoutes(obj *unstructured.Unstructured, kind string, list []any) {
	_ = unstructured.SetNestedSlice(obj.Object, list, "spec", kind) // fails only where spec is no map, and then routes was empty
}

func takeSubsetHashes(desired, live *unstructured.Unstructured, names ...string) {
	wanted, _, _ := unstructured.NestedSlice(desired.Object, "spec", "subsets")
	present, _, _ := unstructured.NestedSlice(live.Object, "spec", "subsets")
	for _, w := range wanted {
		for _, p := range present {
			if name(w) == "" || name(w) != name(p) || !slices.Contains(names, name(w)) {
				continue
			}
			hash, found, _ := unstructured.NestedString(p.(map[string]any), "labels", v1alpha1.DefaultRolloutUniqueLabelKey)
			if found {
				_ = unstructured.SetNestedField(w.(map[string]any), hash, "labels", v1alpha1.DefaultRolloutUniqueLabelKey)
			}
		}
	}
	if wanted != nil {
		_ = unstructured.SetNestedSlice(desired.Object, wanted, "spec", "subsets")
	}
}
