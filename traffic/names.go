package traffic

import (
	"slices"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// ManagedNames are all route names that belong to the Rollout, in order of precedence: its managedRoutes, then the
// names that only header and mirror steps use, in the order of the steps (spec 18: a name that a step uses is managed
// when no list says so).
func ManagedNames(r *v1alpha1.Rollout) []string {
	canary := r.Spec.Strategy.Canary
	if canary == nil {
		return nil
	}
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if canary.TrafficRouting != nil {
		for _, route := range canary.TrafficRouting.ManagedRoutes {
			add(route.Name)
		}
	}
	for _, step := range canary.Steps {
		if step.SetHeaderRoute != nil {
			add(step.SetHeaderRoute.Name)
		}
		if step.SetMirrorRoute != nil {
			add(step.SetMirrorRoute.Name)
		}
	}
	return names
}

// Sides are the Services of canary and stable as the status has them: with ping-pong the two take turns, and stable
// is ping only when the status says so (spec 3.11).
func Sides(r *v1alpha1.Rollout) (canary, stable string) {
	c := r.Spec.Strategy.Canary
	switch {
	case c == nil:
		return "", ""
	case c.PingPong == nil:
		return c.CanaryService, c.StableService
	case r.Status.Canary.StablePingPong == v1alpha1.PingPongPing:
		return c.PingPong.PongService, c.PingPong.PingService
	}
	return c.PingPong.PingService, c.PingPong.PongService
}

// Owned are the names of all routes that belong to the Rollout, those that are wanted included, in order of precedence.
func (s Split) Owned() []string {
	names := slices.Clone(s.Managed)
	for _, route := range s.Routes {
		if !slices.Contains(names, route.Name) {
			names = append(names, route.Name)
		}
	}
	return names
}

// Wanted is the route of that name that should exist; false if none should.
func (s Split) Wanted(name string) (ManagedRoute, bool) {
	if s.Cleared {
		return ManagedRoute{}, false
	}
	i := slices.IndexFunc(s.Routes, func(route ManagedRoute) bool { return route.Name == name })
	if i < 0 {
		return ManagedRoute{}, false
	}
	return s.Routes[i], true
}
