// Package istio carries a split on Istio's objects: the weights of VirtualServices, at the level of hosts or of a
// DestinationRule's subsets, the hashes of those subsets, and header and mirror routes (spec 7.2). It owns the weights
// of the destinations it knows, the routes the Rollout manages, and the hash label of the subsets; every other field
// stays as it is.
package istio

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// Group of Istio's networking objects; their version is a flag, DefaultVersion unless set.
const (
	Group          = "networking.istio.io"
	DefaultVersion = "v1alpha3"
)

// Router edits the VirtualServices, and the DestinationRule, of one Rollout.
type Router struct {
	rollout  *v1alpha1.Rollout
	canary   *v1alpha1.CanaryStrategy
	services []v1alpha1.IstioVirtualService
	rule     *v1alpha1.IstioDestinationRule
	version  string
}

// New makes the Router of a Rollout whose trafficRouting.istio is set.
func New(r *v1alpha1.Rollout, o traffic.Options) (traffic.Router, error) {
	canary := r.Spec.Strategy.Canary
	if canary == nil || canary.TrafficRouting == nil || canary.TrafficRouting.Istio == nil {
		return nil, errors.New("the Rollout has no trafficRouting.istio")
	}
	config := canary.TrafficRouting.Istio
	x := &Router{rollout: r, canary: canary, services: config.VirtualServices, rule: config.DestinationRule, version: o.IstioAPIVersion}
	if config.VirtualService != nil {
		x.services = append([]v1alpha1.IstioVirtualService{*config.VirtualService}, x.services...)
	}
	if x.version == "" {
		x.version = DefaultVersion
	}
	return x, nil
}

// Refs are the DestinationRule, which carries hashes, and then the VirtualServices, which carry weights.
func (x *Router) Refs() []traffic.Ref {
	var refs []traffic.Ref
	if x.rule != nil {
		refs = append(refs, x.ruleRef())
	}
	for _, service := range x.services {
		refs = append(refs, x.serviceRef(service))
	}
	return refs
}

// Edit implements traffic.Router. Events come in the order in which the parts of a split are told of: routes that go,
// routes that come, hashes, weights; weights before hashes when the split says so.
func (x *Router) Edit(objs traffic.Objects, want traffic.Split) ([]traffic.Event, error) {
	found, events, err := x.find(objs, want.RoutesOnly)
	if err != nil {
		return events, err
	}
	host, err := x.host(objs)
	if err != nil {
		return nil, err
	}
	routed, err := routing{x, want, want.Owned(), host}.route(found)
	if err != nil || want.RoutesOnly {
		return routed, err
	}
	weighed, lowers, err := x.weigh(found, want)
	if err != nil {
		return nil, err
	}
	hashed, err := x.hash(objs, want, lowers)
	if err != nil {
		return hashed, err
	}
	if want.WeightFirst {
		return slices.Concat(routed, weighed, hashed), nil
	}
	return slices.Concat(routed, hashed, weighed), nil
}

// Weight implements traffic.Meter.
func (x *Router) Weight(objs traffic.Objects) (int32, bool) {
	found, _, err := x.find(objs, false)
	weight, known := int64(0), false
	canary, stable := traffic.Sides(x.rollout)
	if x.canary.CanaryService != "" && x.canary.StableService != "" {
		canary, stable = x.canary.CanaryService, x.canary.StableService
	}
	for _, v := range found {
		routes, e := x.weighted(v, traffic.ManagedNames(x.rollout))
		for _, route := range routes {
			w, has, wrong := x.shares(traffic.Split{}, canary, stable).read(route)
			if wrong != nil || !has || known && w != weight {
				return 0, false
			}
			weight, known = w, true
		}
		err = errors.Join(err, e)
	}
	return int32(weight), known && err == nil
}

// A virtualService is one that the Rollout names, and was found.
type virtualService struct {
	config v1alpha1.IstioVirtualService
	name   string
	spec   map[string]any
}

// find looks up the VirtualServices. One that is missing is told of, and an error, unless only routes are to go.
func (x *Router) find(objs traffic.Objects, tolerant bool) (found []virtualService, events []traffic.Event, err error) {
	for _, config := range x.services {
		ref := x.serviceRef(config)
		o, exists := objs.Get(ref)
		if !exists {
			if !tolerant {
				events = append(events, warn(v1alpha1.EventVirtualServiceNotFound, "VirtualService `%s` not found", ref.Name))
				if err == nil {
					err = apierrors.NewNotFound(schema.GroupResource{Group: Group, Resource: "virtualservices"}, ref.Name)
				}
			}
			continue
		}
		spec, wrong := traffic.Child(o.Object, "spec")
		if wrong != nil {
			return nil, nil, fmt.Errorf("VirtualService `%s`: %w", ref.Name, wrong)
		}
		found = append(found, virtualService{config, ref.Name, spec})
	}
	return found, events, err
}

func (x *Router) ruleRef() traffic.Ref {
	return traffic.Ref{Group: Group, Version: x.version, Kind: "DestinationRule", Namespace: x.rollout.Namespace, Name: x.rule.Name}
}

func (x *Router) serviceRef(config v1alpha1.IstioVirtualService) traffic.Ref {
	name, namespace := locate(config.Name, x.rollout.Namespace)
	return traffic.Ref{Group: Group, Version: x.version, Kind: "VirtualService", Namespace: namespace, Name: name}
}

// locate takes a reference apart: name, name.namespace, or name.namespace.svc.cluster.local.
func locate(reference, namespace string) (string, string) {
	if short, ok := strings.CutSuffix(reference, ".cluster.local"); ok {
		reference = strings.TrimSuffix(short, ".svc")
	}
	if dot := strings.LastIndex(reference, "."); dot >= 0 {
		return reference[:dot], reference[dot+1:]
	}
	return reference, namespace
}

func tell(reason, message string, a ...any) traffic.Event {
	return traffic.Event{Reason: reason, Message: fmt.Sprintf(message, a...)}
}

func warn(reason, message string, a ...any) traffic.Event {
	return traffic.Event{Reason: reason, Message: fmt.Sprintf(message, a...), Warning: true}
}
