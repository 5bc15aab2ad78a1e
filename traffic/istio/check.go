package istio

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// Check implements traffic.Checker for VirtualServices: their routes have to name both destinations (spec 12.3).
func (x *Router) Check(ref traffic.Ref, o *unstructured.Unstructured) error {
	for _, config := range x.services {
		if x.serviceRef(config) == ref {
			return x.check(config, o)
		}
	}
	return nil
}

func (x *Router) check(config v1alpha1.IstioVirtualService, o *unstructured.Unstructured) error {
	spec, err := traffic.Child(o.Object, "spec")
	if err != nil || spec[kindHTTP] == nil && spec[kindTLS] == nil && spec[kindTCP] == nil {
		return errNoRoutes
	}
	canary, stable := x.canary.CanaryService, x.canary.StableService
	if canary == "" || stable == "" {
		canary, stable = traffic.Sides(x.rollout)
	}
	s, managed := x.shares(traffic.Split{}, canary, stable), traffic.ManagedNames(x.rollout)
	for _, kind := range []struct {
		field, name string
		find        func([]map[string]any) ([]map[string]any, error)
	}{
		{kindHTTP, "HTTP", func(list []map[string]any) ([]map[string]any, error) { return httpRoutes(config, list, managed) }},
		{kindTLS, "TLS", func(list []map[string]any) ([]map[string]any, error) { return tlsRoutes(config, list) }},
		{kindTCP, "TCP", func(list []map[string]any) ([]map[string]any, error) { return tcpRoutes(config, list) }},
	} {
		list, err := traffic.Items(spec, kind.field)
		if err != nil {
			return fmt.Errorf("Unable to get %s routes for Istio VirtualService", kind.name)
		}
		routes, err := kind.find(list)
		for _, route := range routes {
			if err == nil {
				err = s.check(route)
			}
		}
		if err != nil {
			return fmt.Errorf("Istio VirtualService has invalid %s routes. Error: %w", kind.name, err)
		}
	}
	return nil
}
