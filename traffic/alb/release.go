package alb

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// ErrMissingPort says that an action names no target group of its own Service, as with a rootService: which of the
// others is the stable one cannot be seen, so the ingress is left as it is.
var ErrMissingPort = errors.New("missing port")

// Reset gives the annotations of Rollouts that are not alive any more back: they do not exist, or do not name the
// ingress. Their actions lead to their Service alone again, their header routes go, and the record of them goes
// (spec 7.3, case alb-clean-up). With an error nothing was changed.
func Reset(o *unstructured.Unstructured, alive func(rollout string) bool) (changed bool, err error) {
	annotations, err := traffic.Annotations(o)
	if err != nil {
		return false, err
	}
	all, err := managed(annotations)
	if err != nil {
		return false, err
	}
	var gone []string
	for _, rollout := range slices.Sorted(maps.Keys(all)) {
		if alive(rollout) {
			continue
		}
		routes, err := giveBack(annotations, all[rollout])
		if err != nil {
			return false, err
		}
		gone = append(gone, routes...)
		delete(all, rollout)
	}
	if err := writeManaged(annotations, all); err != nil {
		return false, err
	}
	delete(annotations, v1alpha1.ManagedALBActionsAnnotation)
	moved, err := setPaths(o, gone, nil)
	if err != nil {
		return false, err
	}
	changed, err = traffic.Annotate(o, annotations)
	return changed || moved, err
}

// giveBack resets the actions among keys and removes what belongs to header routes, whose names it returns.
func giveBack(annotations map[string]string, keys []string) (routes []string, err error) {
	for _, key := range keys {
		if _, route, ok := strings.Cut(key, "/"+conditions); ok {
			routes = append(routes, route)
		}
	}
	for _, key := range keys {
		_, name, isAction := strings.Cut(key, "/"+actions)
		text, there := annotations[key]
		switch {
		case !isAction || slices.Contains(routes, name):
			delete(annotations, key)
		case there:
			if annotations[key], err = reset(text, name); err != nil {
				return nil, err
			}
		}
	}
	return routes, nil
}

// reset is the action with all traffic for the target group of its own Service.
func reset(text, service string) (string, error) {
	a, err := parse(text)
	if err != nil {
		return "", err
	}
	group, found := a.group(service)
	if !found {
		return "", ErrMissingPort
	}
	group.Weight = 100
	a.ForwardConfig.TargetGroups = []targetGroup{group}
	return a.text()
}

// Release implements traffic.Releaser.
func (x *Router) Release(objs traffic.Objects) error {
	var all error
	for _, ref := range x.Refs() {
		if o, exists := objs.Get(ref); exists {
			_, err := Reset(o, func(rollout string) bool { return rollout != x.rollout.Name })
			all = errors.Join(all, err)
		}
	}
	return all
}
