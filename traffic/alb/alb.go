// Package alb carries a split on ingresses of the AWS load balancer controller: an action annotation holds the target
// groups and their weights, further actions and conditions hold header routes (spec 7.3). A map in another annotation
// keeps which annotations belong to which Rollout, so that they can be given back. Whether AWS has taken the weights
// over is not asked.
package alb

import (
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// DefaultPrefix starts the annotations of the ingress controller unless the Rollout says otherwise.
const DefaultPrefix = "alb.ingress.kubernetes.io"

// Router edits the ingresses of one Rollout.
type Router struct {
	rollout *v1alpha1.Rollout
	config  *v1alpha1.ALBTrafficRouting
	prefix  string
}

// New makes the Router of a Rollout whose trafficRouting.alb is set.
func New(r *v1alpha1.Rollout, _ traffic.Options) (traffic.Router, error) {
	canary := r.Spec.Strategy.Canary
	if canary == nil || canary.TrafficRouting == nil || canary.TrafficRouting.ALB == nil {
		return nil, errors.New("the Rollout has no trafficRouting.alb")
	}
	x := &Router{rollout: r, config: canary.TrafficRouting.ALB, prefix: canary.TrafficRouting.ALB.AnnotationPrefix}
	if x.prefix == "" {
		x.prefix = DefaultPrefix
	}
	return x, nil
}

// Refs are the ingresses.
func (x *Router) Refs() []traffic.Ref {
	var refs []traffic.Ref
	for _, name := range x.ingresses() {
		refs = append(refs, traffic.IngressRef(x.rollout.Namespace, name))
	}
	return refs
}

// Edit implements traffic.Router. Every ingress is looked at, whether or not those before it had to be changed.
func (x *Router) Edit(objs traffic.Objects, want traffic.Split) ([]traffic.Event, error) {
	var events []traffic.Event
	for _, ref := range x.Refs() {
		o, exists := objs.Get(ref)
		switch {
		case !exists && want.RoutesOnly:
			continue
		case !exists:
			return nil, apierrors.NewNotFound(schema.GroupResource{Group: ref.Group, Resource: "ingress"}, ref.Name)
		}
		told, err := x.edit(o, want)
		if err != nil {
			return nil, err
		}
		events = append(events, told...)
	}
	return events, nil
}

// edit brings one ingress up to date.
func (x *Router) edit(o *unstructured.Unstructured, want traffic.Split) (events []traffic.Event, err error) {
	annotations, err := traffic.Annotations(o)
	if err != nil {
		return nil, err
	}
	mine, err := recordOf(annotations, x.rollout.Name)
	if err != nil {
		return nil, err
	}
	events, err = x.route(o, annotations, mine, want)
	if err != nil {
		return nil, err
	}
	if !want.RoutesOnly {
		changed, err := x.weigh(o, annotations, mine, want)
		if err != nil {
			return nil, err
		}
		if changed {
			events = append(events, tell("Updating Ingress `%s` to desiredWeight '%d'", o.GetName(), want.Weight))
		}
	}
	if err := mine.write(annotations); err != nil {
		return nil, err
	}
	_, err = traffic.Annotate(o, annotations)
	return events, err
}

// weigh writes the action that splits the traffic of the root Service.
func (x *Router) weigh(o *unstructured.Unstructured, annotations map[string]string, mine *record, want traffic.Split) (changed bool, err error) {
	root := x.root(want.Stable.Service)
	uses, err := traffic.IngressUses(o, root)
	if err != nil {
		return false, err
	}
	if !uses {
		return false, fmt.Errorf("ingress does not have service %s in rules", root)
	}
	text, err := x.forward(want)
	if err != nil {
		return false, err
	}
	key := x.key(actions, root)
	if _, legacy := annotations[v1alpha1.ManagedALBActionsAnnotation]; legacy {
		delete(annotations, v1alpha1.ManagedALBActionsAnnotation)
		changed = true
	}
	changed = mine.add(key) || annotations[key] != text || changed
	annotations[key] = text
	return changed, nil
}

// forward is the action that splits the traffic.
func (x *Router) forward(want traffic.Split) (string, error) {
	canary, stable := want.Names(true)
	groups := []targetGroup{x.group(canary, want.Weight)}
	for _, d := range want.Additional {
		if d.Service != "" {
			groups = append(groups, x.group(d.Service, d.Weight))
		}
	}
	a := forwardTo(append(groups, x.group(stable, want.StableWeight()))...)
	if sticky := x.config.StickinessConfig; sticky != nil && sticky.Enabled {
		if sticky.DurationSeconds < 1 || sticky.DurationSeconds > longestStickiness {
			return "", fmt.Errorf("stickinessConfig.durationSeconds is %d, must be from 1 to %d", sticky.DurationSeconds, longestStickiness)
		}
		a.ForwardConfig.TargetGroupStickinessConfig = &stickiness{Enabled: true, DurationSeconds: sticky.DurationSeconds}
	}
	return a.text()
}

// Check implements traffic.Checker: an ingress has to lead to the root Service, or else to the stable one.
func (x *Router) Check(ref traffic.Ref, o *unstructured.Unstructured) error {
	if !slices.Contains(x.Refs(), ref) {
		return nil
	}
	_, stable := traffic.Sides(x.rollout)
	root := x.root(stable)
	if uses, err := traffic.IngressUses(o, root); err != nil || !uses {
		return fmt.Errorf("ingress `%s` has no rules using service %s backend", ref.Name, root)
	}
	return nil
}

// Weight implements traffic.Meter.
func (x *Router) Weight(objs traffic.Objects) (int32, bool) {
	canary, stable := traffic.Sides(x.rollout)
	weight, known := int32(0), false
	for _, ref := range x.Refs() {
		o, exists := objs.Get(ref)
		if !exists {
			return 0, false
		}
		a, err := parse(o.GetAnnotations()[x.key(actions, x.root(stable))])
		if err != nil {
			return 0, false
		}
		group, found := a.group(canary)
		if !found || known && group.Weight != weight {
			return 0, false
		}
		weight, known = group.Weight, true
	}
	return weight, known
}

// root is the Service that the ingress names.
func (x *Router) root(stable string) string {
	if x.config.RootService != "" {
		return x.config.RootService
	}
	return stable
}

func (x *Router) ingresses() []string {
	if x.config.Ingress != "" {
		return append([]string{x.config.Ingress}, x.config.Ingresses...)
	}
	return x.config.Ingresses
}

func (x *Router) key(kind, name string) string { return x.prefix + "/" + kind + name }

func tell(message string, a ...any) traffic.Event {
	return traffic.Event{Reason: v1alpha1.EventPatchingALBIngress, Message: fmt.Sprintf(message, a...)}
}
