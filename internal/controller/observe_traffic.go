package controller

import (
	"context"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/traffic"
)

// seeSteering reads what carries the traffic, and what validation needs of it.
func (c *Rollouts) seeSteering(ctx context.Context, s *plan.Snapshot) error {
	routers, err := c.Routers(s.Rollout)
	if err != nil {
		return nil // a fault of the spec; the planner says so
	}
	s.Steering = traffic.Objects{}
	s.References.Ingresses = map[string]*networkingv1.Ingress{}
	s.References.VirtualServices = map[string]*unstructured.Unstructured{}
	s.References.VirtualServiceErrors = map[string]string{}
	s.References.NotFound = map[string]string{}
	names := virtualServiceNames(s.Rollout)
	for _, router := range routers {
		for _, ref := range router.Refs() {
			o, text, err := c.steering.read(ctx, ref)
			if err != nil {
				return err
			}
			name := ref.Name
			if ref.Kind == "VirtualService" && len(names) > 0 {
				name, names = names[0], names[1:]
			}
			if o == nil {
				if ref.Kind != ingressKind.Kind { // for ingresses the usual text is that of the API server
					s.References.NotFound[ref.Kind+"/"+name] = text
				}
				continue
			}
			s.Steering[ref] = o
			if ref.Kind == "VirtualService" {
				s.References.VirtualServices[name] = o
				if checker, ok := router.(traffic.Checker); ok {
					if err := checker.Check(ref, o); err != nil {
						s.References.VirtualServiceErrors[name] = err.Error()
					}
				}
			}
		}
	}
	s.Carries = carries(routers, s.Steering)
	return seeIngresses(s)
}

// carries asks the routers' pure edits whether a split would change anything of what was seen.
func carries(routers []traffic.Router, seen traffic.Objects) func(traffic.Split) bool {
	return func(want traffic.Split) bool {
		for _, router := range routers {
			objs := traffic.Objects{}
			for ref, o := range seen {
				objs[ref] = o.DeepCopy()
			}
			if _, err := router.Edit(objs, want); err != nil || !equality.Semantic.DeepEqual(objs, seen) {
				return false
			}
		}
		return true
	}
}

// virtualServiceNames are those of the spec, in the order in which the router refers to them.
func virtualServiceNames(r *v1alpha1.Rollout) (names []string) {
	if r.Spec.Strategy.Canary == nil || r.Spec.Strategy.Canary.TrafficRouting == nil || r.Spec.Strategy.Canary.TrafficRouting.Istio == nil {
		return nil
	}
	istio := r.Spec.Strategy.Canary.TrafficRouting.Istio
	if istio.VirtualService != nil {
		names = append(names, istio.VirtualService.Name)
	}
	for _, v := range istio.VirtualServices {
		names = append(names, v.Name)
	}
	return names
}

func seeIngresses(s *plan.Snapshot) error {
	for ref := range s.Steering {
		if ref.Kind != ingressKind.Kind || ref.Namespace != s.Rollout.Namespace {
			continue
		}
		typed := &networkingv1.Ingress{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(s.Steering[ref].Object, typed); err != nil {
			return fmt.Errorf("read ingress %s: %w", ref.Name, err)
		}
		s.References.Ingresses[ref.Name] = typed
	}
	return nil
}
