package render

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const istioGroup = "networking.istio.io"

// markSteered writes on each VirtualService what of it the Rollouts of the same application set while they steer, so that
// a comparison can leave out exactly that, and a weight of any other route still shows as a difference.
func markSteered(all []*unstructured.Unstructured) error {
	steered := map[string][]string{}
	for _, obj := range all {
		if !isRollout(obj) {
			continue
		}
		r := &v1alpha1.Rollout{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, r); err != nil {
			return fmt.Errorf("Rollout %s: %w", obj.GetName(), err)
		}
		for name, routes := range steers(r) {
			key := r.Namespace + "/" + name
			steered[key] = append(steered[key], routes...)
		}
	}
	for _, obj := range all {
		routes := steered[obj.GetNamespace()+"/"+obj.GetName()]
		if obj.GroupVersionKind().Group == istioGroup && obj.GetKind() == "VirtualService" && len(routes) > 0 {
			slices.Sort(routes)
			annotate(obj, v1alpha1.SteeredAnnotation, strings.Join(slices.Compact(routes), ","))
		}
	}
	return nil
}

func isRollout(obj *unstructured.Unstructured) bool {
	return obj.GroupVersionKind().GroupKind() == schema.GroupKind{Group: v1alpha1.Group, Kind: v1alpha1.RolloutKind}
}

// steers are the routes a Rollout sets, by the name of the VirtualService in its own namespace.
func steers(r *v1alpha1.Rollout) map[string][]string {
	canary := r.Spec.Strategy.Canary
	if canary == nil || canary.TrafficRouting == nil || canary.TrafficRouting.Istio == nil {
		return nil
	}
	istio := canary.TrafficRouting.Istio
	services := istio.VirtualServices
	if istio.VirtualService != nil {
		services = append([]v1alpha1.IstioVirtualService{*istio.VirtualService}, services...)
	}
	all := map[string][]string{}
	for _, v := range services {
		name := strings.TrimSuffix(v.Name, ".svc.cluster.local")
		if dot := strings.LastIndex(name, "."); dot >= 0 {
			if name[dot+1:] != r.Namespace {
				continue // where it is, this application does not say
			}
			name = name[:dot]
		}
		all[name] = append(all[name], steeredRoutes(v, placed(canary))...)
	}
	return all
}

// placed are the names of the routes that a Rollout puts into a VirtualService and takes away: those of its list, or
// without one those that a step names.
func placed(canary *v1alpha1.CanaryStrategy) (all []string) {
	for _, route := range canary.TrafficRouting.ManagedRoutes {
		all = append(all, route.Name)
	}
	for _, step := range canary.Steps {
		if step.SetHeaderRoute != nil {
			all = append(all, step.SetHeaderRoute.Name)
		}
		if step.SetMirrorRoute != nil {
			all = append(all, step.SetMirrorRoute.Name)
		}
	}
	return all
}

func steeredRoutes(v v1alpha1.IstioVirtualService, placed []string) (all []string) {
	for _, name := range v.Routes {
		all = append(all, "http/"+name)
	}
	if len(v.TLSRoutes) > 0 {
		all = append(all, "tls/*")
	}
	if len(v.TCPRoutes) > 0 {
		all = append(all, "tcp/*")
	}
	if len(all) == 0 { // whatever the one route is
		all = []string{"http/*", "tcp/*", "tls/*"}
	}
	for _, name := range placed {
		all = append(all, "route/"+name)
	}
	return all
}
