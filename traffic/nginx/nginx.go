// Package nginx carries a split on ingresses of the NGINX kind: beside each stable Ingress it keeps a canary Ingress
// whose annotations hold the weight and the header rule (spec 7.4; header routes are ours, spec 18). It never changes
// a stable Ingress, and it leaves the canary Ingress in place with weight 0 when a rollout is over; the garbage
// collector removes it with the Rollout.
//
// What proxies do with such an Ingress decides the order of a rollout: a canary without endpoints is ignored, header
// rule included, and a canary whose endpoints are all terminating keeps its share and answers 503. So weight and
// header rule come after the pods, and go before them.
package nginx

import (
	"errors"
	"fmt"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// DefaultPrefix starts the annotations of the ingress controller unless the Rollout says otherwise.
const DefaultPrefix = "nginx.ingress.kubernetes.io"

// Router keeps the canary ingresses of one Rollout.
type Router struct {
	rollout *v1alpha1.Rollout
	config  *v1alpha1.NginxTrafficRouting
	prefix  string
}

// New makes the Router of a Rollout whose trafficRouting.nginx is set.
func New(r *v1alpha1.Rollout, _ traffic.Options) (traffic.Router, error) {
	canary := r.Spec.Strategy.Canary
	if canary == nil || canary.TrafficRouting == nil || canary.TrafficRouting.Nginx == nil {
		return nil, errors.New("the Rollout has no trafficRouting.nginx")
	}
	x := &Router{rollout: r, config: canary.TrafficRouting.Nginx, prefix: canary.TrafficRouting.Nginx.AnnotationPrefix}
	if x.prefix == "" {
		x.prefix = DefaultPrefix
	}
	return x, nil
}

// Refs are each stable Ingress and, behind it, its canary Ingress.
func (x *Router) Refs() []traffic.Ref {
	var refs []traffic.Ref
	for _, stable := range x.stables() {
		refs = append(refs, x.ref(stable), x.ref(x.canaryName(stable)))
	}
	return refs
}

// Edit implements traffic.Router.
func (x *Router) Edit(objs traffic.Objects, want traffic.Split) ([]traffic.Event, error) {
	header, err := headerOf(want)
	if err != nil {
		return nil, err
	}
	var events []traffic.Event
	for _, name := range x.stables() {
		told, err := x.edit(objs, name, header, want)
		if err != nil {
			return nil, err
		}
		events = append(events, told...)
	}
	return events, nil
}

// edit brings the canary Ingress of one stable Ingress up to date.
func (x *Router) edit(objs traffic.Objects, name string, header *header, want traffic.Split) ([]traffic.Event, error) {
	ref := x.ref(x.canaryName(name))
	live, exists := objs.Get(ref)
	if exists && !x.owns(live) {
		return nil, fmt.Errorf("canary ingress `%s` controlled by different object", ref.Name)
	}
	if want.RoutesOnly {
		if !exists {
			return nil, nil
		}
		return x.route(live, header, want.Cleared)
	}
	stable, found := objs.Get(x.ref(name))
	if !found {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: "networking.k8s.io", Resource: "ingress"}, name)
	}
	var events []traffic.Event
	if !exists {
		live = x.fresh(stable, ref.Name)
		objs[ref] = live
	}
	changed, err := x.weigh(live, stable, want)
	switch {
	case err != nil:
		return nil, err
	case !exists:
		events = append(events, tell(v1alpha1.EventCreatingCanaryIngress, "Creating canary ingress `%s` with weight `%d`", ref.Name, want.Weight))
	case changed:
		events = append(events, tell(v1alpha1.EventPatchingCanaryIngress, "Updating Ingress `%s` to desiredWeight '%d'", ref.Name, want.Weight))
	}
	told, err := x.route(live, header, want.Cleared)
	if want.Cleared { // routes go before weights move, and are told of in that order
		return append(told, events...), err
	}
	return append(events, told...), err
}

// Check implements traffic.Checker: a stable Ingress has to lead to the stable Service.
func (x *Router) Check(ref traffic.Ref, o *unstructured.Unstructured) error {
	for _, name := range x.stables() {
		if ref != x.ref(name) {
			continue
		}
		service := x.rollout.Spec.Strategy.Canary.StableService
		if uses, err := traffic.IngressUses(o, service); err != nil || !uses {
			return noRules(name, service)
		}
	}
	return nil
}

// Weight implements traffic.Meter.
func (x *Router) Weight(objs traffic.Objects) (int32, bool) {
	weight, known := int32(0), false
	for _, name := range x.stables() {
		canary, exists := objs.Get(x.ref(x.canaryName(name)))
		if !exists {
			return 0, false
		}
		w, err := strconv.ParseInt(canary.GetAnnotations()[x.key(weightKey)], 10, 32)
		if err != nil || known && int32(w) != weight {
			return 0, false
		}
		weight, known = int32(w), true
	}
	return weight, known
}

func (x *Router) stables() []string {
	if x.config.StableIngress != "" {
		return append([]string{x.config.StableIngress}, x.config.StableIngresses...)
	}
	return x.config.StableIngresses
}

func (x *Router) ref(name string) traffic.Ref {
	return traffic.IngressRef(x.rollout.Namespace, name)
}

func noRules(ingress, service string) error {
	return fmt.Errorf("ingress `%s` has no rules using service %s backend", ingress, service)
}

func tell(reason, message string, a ...any) traffic.Event {
	return traffic.Event{Reason: reason, Message: fmt.Sprintf(message, a...)}
}
