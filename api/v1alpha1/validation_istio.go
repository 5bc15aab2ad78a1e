package v1alpha1

import (
	"errors"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

func istio(r *Rollout) *IstioTrafficRouting {
	if !HasTrafficRouting(r) {
		return nil
	}
	return r.Spec.Strategy.Canary.TrafficRouting.Istio
}

func namedVirtualServices(r *Rollout) []reference {
	i := istio(r)
	if i == nil {
		return nil
	}
	var all []reference
	if i.VirtualService != nil {
		all = append(all, reference{routingPath.Child("istio", "virtualService", "name"), i.VirtualService.Name})
	}
	for _, v := range i.VirtualServices {
		all = append(all, reference{routingPath.Child("istio", "virtualServices", "name"), v.Name})
	}
	return all
}

func virtualServicesExist(r *Rollout, refs References) field.ErrorList {
	i := istio(r)
	if i == nil {
		return nil
	}
	if (i.VirtualService == nil) == (len(i.VirtualServices) == 0) {
		return field.ErrorList{field.InternalError(routingPath.Child("istio"),
			errors.New("either VirtualService or VirtualServices must be configured"))}
	}
	return absent(refs, "VirtualService", namedVirtualServices(r), refs.VirtualServices, `virtualservices.networking.istio.io "%s" not found`)
}

// virtualServicesFit repeats what the router's own check said about the routes.
func virtualServicesFit(r *Rollout, refs References) field.ErrorList {
	var errs field.ErrorList
	for _, ref := range namedVirtualServices(r) {
		if message := refs.VirtualServiceErrors[ref.name]; message != "" {
			errs = append(errs, field.Invalid(ref.path, ref.name, message))
		}
	}
	return errs
}
