package v1alpha1

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A stepRule looks at one thing that can be wrong with a step. Path is that of the step.
type stepRule func(r *Rollout, s *CanaryStep, path *field.Path) field.ErrorList

var stepRules = []stepRule{
	stepHasOneKind, weightIsInRange, pauseIsReadable, scaleNeedsRouting, headerRouteIsSound, mirrorRouteIsSound,
	routesAreManaged, experimentWeightIsSupported, argumentsAreMetadata,
}

func stepsAreSound(r *Rollout) field.ErrorList {
	var errs field.ErrorList
	steps := r.Spec.Strategy.Canary.Steps
	for i := range steps {
		for _, rule := range stepRules {
			errs = append(errs, rule(r, &steps[i], strategyPath.Child("steps").Index(i))...)
		}
	}
	return errs
}

// stepHasOneKind refuses none of the kinds, and several of the first four; the other four are not counted.
func stepHasOneKind(_ *Rollout, s *CanaryStep, path *field.Path) field.ErrorList {
	const message = "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause"
	kinds := []bool{s.Experiment != nil, s.Pause != nil, s.SetWeight != nil, s.Analysis != nil}
	set := 0
	for _, is := range kinds {
		if is {
			set++
		}
	}
	text := func(experiment, pause, weight, analysis bool) string {
		return fmt.Sprintf("step.Experiment: %t step.Pause: %t step.SetWeight: %t step.Analysis: %t", experiment, pause, weight, analysis)
	}
	switch {
	case set > 1:
		return invalid(path, text(kinds[0], kinds[1], kinds[2], kinds[3]), message)
	case set == 0 && s.SetCanaryScale == nil && s.SetHeaderRoute == nil && s.SetMirrorRoute == nil && s.Plugin == nil:
		// The wire says true for each kind that is missing.
		return invalid(path, text(true, true, true, true)+
			" step.SetCanaryScale: true step.SetHeaderRoute: true step.SetMirrorRoute: true step.Plugin: true", message)
	}
	return nil
}

func weightIsInRange(r *Rollout, s *CanaryStep, path *field.Path) field.ErrorList {
	if s.SetWeight == nil || *s.SetWeight >= 0 && *s.SetWeight <= MaxTrafficWeight(r) {
		return nil
	}
	return invalid(path.Child("setWeight"), *s.SetWeight,
		fmt.Sprintf("SetWeight needs to be between 0 and %d", MaxTrafficWeight(r)))
}

func pauseIsReadable(_ *Rollout, s *CanaryStep, path *field.Path) field.ErrorList {
	if s.Pause == nil || s.Pause.DurationSeconds() >= 0 {
		return nil
	}
	return invalid(path.Child("pause", "duration"), s.Pause.DurationSeconds(), "Duration needs to be greater than 0")
}

func scaleNeedsRouting(r *Rollout, s *CanaryStep, _ *field.Path) field.ErrorList {
	if s.SetCanaryScale == nil || HasTrafficRouting(r) {
		return nil
	}
	return field.ErrorList{field.Required(strategyPath.Child("trafficRouting"), "SetCanaryScale requires TrafficRouting to be set")}
}

func headerRouteIsSound(r *Rollout, s *CanaryStep, path *field.Path) field.ErrorList {
	route := s.SetHeaderRoute
	if route == nil {
		return nil
	}
	path = path.Child("setHeaderRoute")
	has := routers(r.Spec.Strategy.Canary)
	// Ours: NGINX too (spec 18).
	if has.Istio == nil && has.ALB == nil && has.Apisix == nil && has.Nginx == nil && len(has.Plugins) == 0 {
		return invalid(path, route, "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix")
	}
	var errs field.ErrorList
	for i := range route.Match {
		value, at := route.Match[i].HeaderValue, path.Child("match").Index(i)
		faults := validateStringMatch(value, at)
		if len(faults) == 0 && has.ALB != nil && value.Exact == "" {
			faults = invalid(at, value, "SetHeaderRoute match value invalid. ALB supports 'exact' value only")
		}
		errs = append(errs, faults...)
	}
	if has.Nginx != nil && len(errs) == 0 {
		errs = nginxHeaders(route.Match, path.Child("match"))
	}
	return errs
}

// nginxHeaders is ours: a canary Ingress has one annotation for the header and one for its value (spec 18).
func nginxHeaders(match []HeaderRoutingMatch, path *field.Path) field.ErrorList {
	if len(match) > 1 {
		return invalid(path, match, "SetHeaderRoute match invalid. NGINX supports one header only")
	}
	for i, m := range match {
		at := path.Index(i).Child("headerValue")
		const message = "SetHeaderRoute match value invalid. NGINX supports 'exact' value only"
		switch {
		case m.HeaderValue.Prefix != "":
			return invalid(at.Child("prefix"), m.HeaderValue.Prefix, message)
		case m.HeaderValue.Regex != "":
			return invalid(at.Child("regex"), m.HeaderValue.Regex, message)
		}
	}
	return nil
}

func mirrorRouteIsSound(r *Rollout, s *CanaryStep, path *field.Path) field.ErrorList {
	route := s.SetMirrorRoute
	if route == nil {
		return nil
	}
	path = path.Child("setMirrorRoute")
	if has := routers(r.Spec.Strategy.Canary); has.Istio == nil && len(has.Plugins) == 0 {
		return invalid(path, route, "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins")
	}
	var errs field.ErrorList
	for i, m := range route.Match {
		for _, value := range []*StringMatch{m.Method, m.Path} {
			if value != nil {
				errs = append(errs, validateStringMatch(value, path.Child("match").Index(i))...)
			}
		}
	}
	return errs
}

func validateStringMatch(m *StringMatch, path *field.Path) field.ErrorList {
	set := 0
	if m != nil {
		for _, text := range []string{m.Exact, m.Prefix, m.Regex} {
			if text != "" {
				set++
			}
		}
	}
	switch {
	case set == 0:
		return invalid(path, m, "StringMatch value missed, match value must have one of the following: exact, regex, prefix")
	case set > 1:
		return invalid(path, m, "StringMatch match value must have exactly one of the following: exact, regex, prefix")
	}
	return nil
}

func routesAreManaged(r *Rollout, s *CanaryStep, path *field.Path) field.ErrorList {
	if !HasTrafficRouting(r) {
		return nil
	}
	const message = "Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes"
	managed := r.Spec.Strategy.Canary.TrafficRouting.ManagedRoutes
	var errs field.ErrorList
	if s.SetHeaderRoute != nil && !isManaged(managed, s.SetHeaderRoute.Name) {
		errs = append(errs, field.Invalid(path.Child("setHeaderRoute"), s.SetHeaderRoute.Name, message))
	}
	if s.SetMirrorRoute != nil && !isManaged(managed, s.SetMirrorRoute.Name) {
		errs = append(errs, field.Invalid(path.Child("setMirrorRoute"), s.SetMirrorRoute.Name, message))
	}
	return errs
}

func experimentWeightIsSupported(r *Rollout, s *CanaryStep, path *field.Path) field.ErrorList {
	if s.Experiment == nil {
		return nil
	}
	has := routers(r.Spec.Strategy.Canary)
	var errs field.ErrorList
	for i, t := range s.Experiment.Templates {
		at := path.Child("experiment", "templates").Index(i).Child("weight")
		switch {
		case t.Weight == nil:
		case !HasTrafficRouting(r):
			errs = append(errs, field.Invalid(at, *t.Weight,
				"Experiment template weight cannot be set unless TrafficRouting is enabled"))
		case has.ALB == nil && has.SMI == nil && has.Istio == nil && len(has.Plugins) == 0:
			errs = append(errs, field.Invalid(at, *t.Weight,
				"Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and Plugins at this time"))
		}
	}
	return errs
}

func argumentsAreMetadata(_ *Rollout, s *CanaryStep, path *field.Path) field.ErrorList {
	var args []AnalysisRunArgument
	if s.Analysis != nil {
		args = append(args, s.Analysis.Args...)
	}
	if s.Experiment != nil {
		for _, a := range s.Experiment.Analyses {
			args = append(args, a.Args...)
		}
	}
	var errs field.ErrorList
	for _, a := range args {
		if a.ValueFrom != nil && a.ValueFrom.FieldRef != nil && !isDownwardPath(a.ValueFrom.FieldRef.FieldPath) {
			errs = append(errs, field.Invalid(path.Child("analyses"), a.ValueFrom.FieldRef.FieldPath,
				"Analyses arguments must refer to valid object metadata supported by downwardAPI"))
		}
	}
	return errs
}

var subscript = regexp.MustCompile(`^metadata\.(labels|annotations)\['(.*)'\]$`)

// isDownwardPath says whether a path into the metadata is one that pods can use too. Other paths are not looked at.
func isDownwardPath(path string) bool {
	switch path {
	case "metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations":
		return true
	}
	if m := subscript.FindStringSubmatch(path); m != nil {
		key := m[2]
		if m[1] == "annotations" {
			key = strings.ToLower(key)
		}
		return len(validation.IsQualifiedName(key)) == 0
	}
	return !strings.HasPrefix(path, "metadata")
}
