package lint

import (
	"fmt"
	"slices"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// warnings are about manifests that are accepted here and would be refused, or mean something else, elsewhere
// (spec 18).
func warnings(r *v1alpha1.Rollout, templates analysis.Templates) []string {
	var all []string
	for _, w := range analysis.Warnings(r, templates) {
		all = append(all, fmt.Sprintf("%s: %s", w.Path, w.Message))
	}
	return append(all, routeWarnings(r)...)
}

func routeWarnings(r *v1alpha1.Rollout) []string {
	if !v1alpha1.HasTrafficRouting(r) {
		return nil
	}
	var all []string
	routing := r.Spec.Strategy.Canary.TrafficRouting
	for i, step := range r.Spec.Strategy.Canary.Steps {
		name, kind := "", ""
		switch {
		case step.SetHeaderRoute != nil:
			name, kind = step.SetHeaderRoute.Name, "setHeaderRoute"
		case step.SetMirrorRoute != nil:
			name, kind = step.SetMirrorRoute.Name, "setMirrorRoute"
		default:
			continue
		}
		path := fmt.Sprintf("spec.strategy.canary.steps[%d].%s", i, kind)
		if routing.ManagedRoutes == nil {
			all = append(all, fmt.Sprintf("%s: route %s is treated as managed; Argo Rollouts wants it in trafficRouting.managedRoutes", path, name))
		}
		if routing.Nginx != nil && kind == "setHeaderRoute" && onlyNginx(routing) {
			all = append(all, path+": Argo Rollouts refuses header routes with NGINX")
		}
	}
	return slices.Compact(all)
}

// onlyNginx: with another router beside it the step is accepted everywhere.
func onlyNginx(routing *v1alpha1.RolloutTrafficRouting) bool {
	return !slices.ContainsFunc(v1alpha1.Chosen(routing), func(c v1alpha1.Choice) bool {
		return c.Name == "istio" || c.Name == "alb" || c.Name == "apisix" || c.Plugin != ""
	})
}
