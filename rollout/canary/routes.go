package canary

import (
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/pass"
	"github.com/sluice-delivery/sluice/traffic"
)

// Header and mirror routes follow from the steps taken so far: a step with a match sets one, a step without removes it.
// They exist only while an update is on its way (trap 15).

func headerRoutes(p *pass.Pass) []traffic.ManagedRoute {
	return routes(p, func(s v1alpha1.CanaryStep) (traffic.ManagedRoute, bool, bool) {
		if s.SetHeaderRoute == nil {
			return traffic.ManagedRoute{}, false, false
		}
		return traffic.ManagedRoute{Name: s.SetHeaderRoute.Name, Header: s.SetHeaderRoute}, len(s.SetHeaderRoute.Match) > 0, true
	})
}

func mirrorRoutes(p *pass.Pass) []traffic.ManagedRoute {
	return routes(p, func(s v1alpha1.CanaryStep) (traffic.ManagedRoute, bool, bool) {
		if s.SetMirrorRoute == nil {
			return traffic.ManagedRoute{}, false, false
		}
		return traffic.ManagedRoute{Name: s.SetMirrorRoute.Name, Mirror: s.SetMirrorRoute}, len(s.SetMirrorRoute.Match) > 0, true
	})
}

// routes are those that the steps up to the current one have set and not removed, in order of precedence.
func routes(p *pass.Pass, read func(v1alpha1.CanaryStep) (r traffic.ManagedRoute, set, ok bool)) []traffic.ManagedRoute {
	if p.Stable == nil || p.Promoted() || p.Aborted() || p.Status.PromoteFull {
		return nil
	}
	live := map[string]traffic.ManagedRoute{}
	for i, step := range p.Steps() {
		if i > p.Index() {
			break
		}
		if r, set, ok := read(step); ok {
			delete(live, r.Name)
			if set {
				live[r.Name] = r
			}
		}
	}
	var out []traffic.ManagedRoute
	for _, name := range managed(p) {
		if r, ok := live[name]; ok {
			out = append(out, r)
		}
	}
	return out
}

// managed are the route names that belong to the rollout: those in managedRoutes, then those that steps use.
func managed(p *pass.Pass) []string {
	var names []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, r := range p.Ro.Spec.Strategy.Canary.TrafficRouting.ManagedRoutes {
		add(r.Name)
	}
	for _, step := range p.Steps() {
		if step.SetHeaderRoute != nil {
			add(step.SetHeaderRoute.Name)
		}
		if step.SetMirrorRoute != nil {
			add(step.SetMirrorRoute.Name)
		}
	}
	return names
}
