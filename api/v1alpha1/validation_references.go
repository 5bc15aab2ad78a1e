package v1alpha1

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidateReferences reports what is wrong with the objects that a Rollout names, in the order of spec 12.3: first
// those that do not exist, then those that do not fit.
func ValidateReferences(r *Rollout, refs References) field.ErrorList {
	var errs field.ErrorList
	for _, look := range []func(*Rollout, References) field.ErrorList{
		servicesExist, templatesExist, ingressesExist, virtualServicesExist, mappingsAreNamed,
		servicesFit, templatesFit, ingressesFit, virtualServicesFit,
	} {
		errs = append(errs, look(r, refs)...)
	}
	return errs
}

// Lint reports what is wrong with a Rollout by itself, and with those of the Services and VirtualServices it names that
// stand in the same file; that others are missing is no error (spec 12.4).
func Lint(r *Rollout, sameFile References) field.ErrorList {
	errs := ValidateSpec(r)
	errs = append(errs, servicesFit(r, sameFile)...)
	return append(errs, virtualServicesFit(r, sameFile)...)
}

var canaryPath, routingPath = strategyPath.Child("canary"), strategyPath.Child("canary", "trafficRouting")

// A reference is a place in the spec and the name that stands there.
type reference struct {
	path *field.Path
	name string
}

func (refs References) missing(kind string, ref reference, usual string) *field.Error {
	text := refs.NotFound[kind+"/"+ref.name]
	if text == "" {
		text = fmt.Sprintf(usual, ref.name)
	}
	return field.Invalid(ref.path, ref.name, text)
}

func absent[T any](refs References, kind string, all []reference, found map[string]T, usual string) field.ErrorList {
	var errs field.ErrorList
	for _, ref := range all {
		if _, ok := found[ref.name]; !ok {
			errs = append(errs, refs.missing(kind, ref, usual))
		}
	}
	return errs
}

// namedServices are the Services that a Rollout manages.
func namedServices(r *Rollout) []reference {
	var all []reference
	if s := r.Spec.Strategy.BlueGreen; s != nil {
		path := strategyPath.Child("blueGreen")
		all = append(all, reference{path.Child("activeService"), s.ActiveService}, reference{path.Child("previewService"), s.PreviewService})
	}
	if s := r.Spec.Strategy.Canary; s != nil {
		all = append(all, reference{canaryPath.Child("stableService"), s.StableService}, reference{canaryPath.Child("canaryService"), s.CanaryService})
		if p := s.PingPong; p != nil {
			path := canaryPath.Child("pingPong")
			all = append(all, reference{path.Child("pingService"), p.PingService}, reference{path.Child("pongService"), p.PongService})
		}
	}
	return slices.DeleteFunc(all, func(ref reference) bool { return ref.name == "" })
}

// ServiceNames are the names of the Services that a Rollout manages, in the order in which they are validated.
func ServiceNames(r *Rollout) []string { return names(namedServices(r)) }

// IngressNames are the names of the Ingresses that a Rollout's routers edit or copy.
func IngressNames(r *Rollout) []string {
	all := names(albIngresses(r))
	return append(all, names(nginxIngresses(r))...)
}

// VirtualServiceNames are the names, as the spec writes them, of the VirtualServices that a Rollout's router edits.
func VirtualServiceNames(r *Rollout) []string { return names(namedVirtualServices(r)) }

func names(all []reference) []string {
	var names []string
	for _, ref := range all {
		if !slices.Contains(names, ref.name) {
			names = append(names, ref.name)
		}
	}
	return names
}

func servicesExist(r *Rollout, refs References) field.ErrorList {
	return absent(refs, "Service", namedServices(r), refs.Services, `service "%s" not found`)
}

func servicesFit(r *Rollout, refs References) field.ErrorList {
	var errs field.ErrorList
	for _, ref := range namedServices(r) {
		if s := refs.Services[ref.name]; s != nil {
			errs = append(errs, serviceFits(r, s, ref)...)
		}
	}
	return errs
}

func serviceFits(r *Rollout, s *corev1.Service, ref reference) field.ErrorList {
	var errs field.ErrorList
	hasLabels := r.Spec.WorkloadRef == nil || r.Spec.TemplateResolvedFromRef
	for _, key := range slices.Sorted(maps.Keys(s.Spec.Selector)) {
		if value, ok := r.Spec.Template.Labels[key]; key != DefaultRolloutUniqueLabelKey && hasLabels && (!ok || value != s.Spec.Selector[key]) {
			errs = append(errs, field.Invalid(ref.path, ref.name, fmt.Sprintf(`Service "%s" has unmatch label "%s" in rollout`, ref.name, key)))
		}
	}
	if owner, ok := s.Annotations[ManagedByRolloutsAnnotation]; ok && owner != r.Name {
		errs = append(errs, field.Invalid(ref.path, ref.name, fmt.Sprintf(`Service "%s" is managed by another Rollout`, ref.name)))
	}
	return errs
}

func albIngresses(r *Rollout) []reference {
	if !HasTrafficRouting(r) || routers(r.Spec.Strategy.Canary).ALB == nil {
		return nil
	}
	a := r.Spec.Strategy.Canary.TrafficRouting.ALB
	return oneOrMany(routingPath.Child("alb"), "ingress", a.Ingress, "ingresses", a.Ingresses)
}

func nginxIngresses(r *Rollout) []reference {
	if !HasTrafficRouting(r) || routers(r.Spec.Strategy.Canary).Nginx == nil {
		return nil
	}
	n := r.Spec.Strategy.Canary.TrafficRouting.Nginx
	return oneOrMany(routingPath.Child("nginx"), "stableIngress", n.StableIngress, "stableIngresses", n.StableIngresses)
}

func oneOrMany(path *field.Path, oneField, one, manyField string, many []string) []reference {
	var all []reference
	if one != "" {
		all = append(all, reference{path.Child(oneField), one})
	}
	for _, name := range many {
		all = append(all, reference{path.Child(manyField), name})
	}
	return all
}

// steeredIngresses are those that are validated: of ALB if there is one, else of NGINX.
func steeredIngresses(r *Rollout) []reference {
	if all := albIngresses(r); all != nil {
		return all
	}
	return nginxIngresses(r)
}

func ingressesExist(r *Rollout, refs References) field.ErrorList {
	if err := ingressConfig(r); err != nil {
		return field.ErrorList{err}
	}
	return absent(refs, "Ingress", steeredIngresses(r), refs.Ingresses, `ingress.networking.k8s.io "%s" not found`)
}

func ingressConfig(r *Rollout) *field.Error {
	if !HasTrafficRouting(r) {
		return nil
	}
	switch has := r.Spec.Strategy.Canary.TrafficRouting; {
	case has.ALB != nil:
		return either(routingPath.Child("alb"), "Ingress", "Ingresses", has.ALB.Ingress != "", len(has.ALB.Ingresses) > 0)
	case has.Nginx != nil:
		return either(routingPath.Child("nginx"), "StableIngress", "StableIngresses", has.Nginx.StableIngress != "", len(has.Nginx.StableIngresses) > 0)
	}
	return nil
}

func either(path *field.Path, one, many string, isOne, isMany bool) *field.Error {
	if isOne != isMany {
		return nil
	}
	how := "Neither"
	if isOne {
		how = "Both"
	}
	return field.InternalError(path, fmt.Errorf("Either %s or %s must be configured. %s are configured.", one, many, how))
}

func ingressesFit(r *Rollout, refs References) field.ErrorList {
	var errs field.ErrorList
	for _, ref := range steeredIngresses(r) {
		if in := refs.Ingresses[ref.name]; in != nil && !leadsTo(in, rootService(r)) {
			errs = append(errs, field.Invalid(ref.path, ref.name,
				fmt.Sprintf("ingress `%s` has no rules using service %s backend", ref.name, rootService(r))))
		}
	}
	return errs
}

// rootService is the Service that the stable Ingress has to name.
func rootService(r *Rollout) string {
	c := r.Spec.Strategy.Canary
	if alb := c.TrafficRouting.ALB; alb != nil && alb.RootService != "" {
		return alb.RootService
	}
	return c.StableService
}

func leadsTo(in *networkingv1.Ingress, service string) bool {
	for _, rule := range in.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, path := range rule.HTTP.Paths {
			if path.Backend.Service != nil && path.Backend.Service.Name == service {
				return true
			}
		}
	}
	return false
}

// mappingsAreNamed looks at the two routers whose objects nobody reads here: what they need has to be named.
func mappingsAreNamed(r *Rollout, _ References) field.ErrorList {
	if !HasTrafficRouting(r) {
		return nil
	}
	var errs field.ErrorList
	has := r.Spec.Strategy.Canary.TrafficRouting
	if has.Ambassador != nil && len(has.Ambassador.Mappings) == 0 {
		errs = append(errs, field.Invalid(routingPath.Child("ambassador", "mappings"), has.Ambassador.Mappings, "must provide at least one mapping"))
	}
	if has.AppMesh != nil && has.AppMesh.VirtualService == nil {
		errs = append(errs, field.Invalid(routingPath.Child("appMesh", "virtualService"), has.AppMesh.VirtualService, "must provide virtual-service"))
	}
	return errs
}
