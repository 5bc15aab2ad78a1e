package v1alpha1

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func canaryIsSound(r *Rollout) field.ErrorList {
	if r.Spec.Strategy.Canary == nil || r.Spec.Strategy.BlueGreen != nil {
		return nil
	}
	return check(r, canMove, canaryIsAnotherService, pingPongIsSound, routerHasServices, delayNeedsRouting,
		dynamicScaleNeedsRouting, maxWeightIsSupported, stepsAreSound, func(r *Rollout) field.ErrorList {
			return validateAntiAffinity(r.Spec.Strategy.Canary.AntiAffinity)
		})
}

// routers answers which routers a canary has; without traffic routing it has none.
func routers(c *CanaryStrategy) RolloutTrafficRouting {
	if c.TrafficRouting == nil {
		return RolloutTrafficRouting{}
	}
	return *c.TrafficRouting
}

func canMove(r *Rollout) field.ErrorList {
	c := r.Spec.Strategy.Canary
	if !isZero(c.MaxSurge) || !isZero(c.MaxUnavailable) {
		return nil
	}
	return invalid(strategyPath.Child("maxSurge"), c.MaxSurge, "MaxSurge and MaxUnavailable both can not be zero")
}

// isZero asks for a zero as it is written; that a percentage comes to zero is no fault.
func isZero(v *intstr.IntOrString) bool {
	if v == nil {
		return false
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(v, 100, true)
	return n == 0 || err != nil
}

func canaryIsAnotherService(r *Rollout) field.ErrorList {
	c := r.Spec.Strategy.Canary
	if c.StableService == "" || c.StableService != c.CanaryService {
		return nil
	}
	return invalid(strategyPath.Child("stableService"), c.StableService,
		"This rollout uses the same service for the stable and canary services, but two different services are required.")
}

func pingPongIsSound(r *Rollout) field.ErrorList {
	c := r.Spec.Strategy.Canary
	p, has := c.PingPong, routers(c)
	if p == nil {
		return nil
	}
	var errs field.ErrorList
	alb, path := strategyPath.Child("trafficRouting", "alb"), strategyPath.Child("pingPong")
	if c.TrafficRouting != nil && has.ALB == nil && has.Istio == nil && len(has.Plugins) == 0 {
		errs = append(errs, field.Invalid(alb, has.ALB,
			"Ping-pong feature works with the ALB, Istio, and plugin-based traffic routers only"))
	}
	const missing = "Ping service and Pong service must to be set to use Ping-Pong feature"
	switch {
	case p.PingService == "":
		errs = append(errs, field.Invalid(path.Child("pingService"), p.PingService, missing))
	case p.PongService == "":
		errs = append(errs, field.Invalid(path.Child("pongService"), p.PongService, missing))
	case p.PingService == p.PongService:
		errs = append(errs, field.Invalid(path.Child("pingService"), p.PingService,
			"This rollout uses the same service for the ping and pong services, but two different services are required."))
	}
	if has.ALB != nil && has.ALB.RootService == "" {
		errs = append(errs, field.Invalid(alb.Child("rootService"), has.ALB.RootService,
			"Root service field is required for the configuration with ALB and ping-pong feature enabled"))
	}
	return errs
}

func routerHasServices(r *Rollout) field.ErrorList {
	c := r.Spec.Strategy.Canary
	if !needsServices(c) {
		return nil
	}
	const message = "Canary service and Stable service must to be set to use Traffic Routing"
	var errs field.ErrorList
	if c.StableService == "" {
		errs = append(errs, field.Invalid(strategyPath.Child("stableService"), "", message))
	}
	if c.CanaryService == "" {
		errs = append(errs, field.Invalid(strategyPath.Child("canaryService"), "", message))
	}
	return errs
}

func needsServices(c *CanaryStrategy) bool {
	has := routers(c)
	return has.ALB != nil && c.PingPong == nil ||
		has.Istio != nil && has.Istio.DestinationRule == nil && c.PingPong == nil ||
		has.SMI != nil || has.Apisix != nil || has.Ambassador != nil || has.Nginx != nil || has.AppMesh != nil || has.Traefik != nil
}

func delayNeedsRouting(r *Rollout) field.ErrorList {
	c := r.Spec.Strategy.Canary
	if c.ScaleDownDelaySeconds == nil || c.TrafficRouting != nil {
		return nil
	}
	return invalid(strategyPath.Child("scaleDownDelaySeconds"), *c.ScaleDownDelaySeconds,
		"Canary scaleDownDelaySeconds can only be used with traffic routing")
}

func dynamicScaleNeedsRouting(r *Rollout) field.ErrorList {
	c, path := r.Spec.Strategy.Canary, strategyPath.Child("dynamicStableScale")
	switch {
	case !c.DynamicStableScale:
		return nil
	case c.TrafficRouting == nil:
		return invalid(path, true, "Canary dynamicStableScale can only be used with traffic routing")
	case c.ScaleDownDelaySeconds != nil:
		return invalid(path, true, "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds")
	}
	return nil
}

func maxWeightIsSupported(r *Rollout) field.ErrorList {
	has := routers(r.Spec.Strategy.Canary)
	if has.MaxTrafficWeight == nil || has.Nginx != nil || len(has.Plugins) > 0 {
		return nil
	}
	return invalid(strategyPath.Child("trafficRouting", "maxTrafficWeight"), *has.MaxTrafficWeight,
		"Canary maxTrafficWeight in traffic routing only supported in Nginx and Plugins")
}

func isManaged(routes []ManagedRoute, name string) bool {
	// Ours: without a list, the routes that steps name are managed (spec 18).
	return len(routes) == 0 || slices.ContainsFunc(routes, func(m ManagedRoute) bool { return m.Name == name })
}
