package alb

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

const (
	everyPath     = "/*"
	useAnnotation = "use-annotation" // the port name that makes a backend an action
)

// route makes the header routes those that the split wants: an action, its conditions, and a path in front of the
// others in every rule. Mirror routes are left to routers that know them.
//
// An ingress on which the Rollout has no record yet is claimed, and told of, when routes are to be cleared, although
// there is none to remove (case alb-header-route): the record is made before the first weight is.
func (x *Router) route(o *unstructured.Unstructured, annotations map[string]string, mine *record, want traffic.Split) (events []traffic.Event, err error) {
	names := withRecorded(want.Owned(), mine)
	if len(names) == 0 {
		return nil, nil
	}
	changed := want.Cleared && mine.claim()
	var wanted []string
	for _, name := range names {
		set, err := x.setHeader(annotations, mine, name, want)
		if err != nil {
			return nil, err
		}
		if hasHeader(want, name) {
			wanted = append(wanted, name)
		}
		changed = changed || set
		if set && !want.Cleared {
			events = append(events, tell("Updating Ingress `%s` to headerRoute '%s'", o.GetName(), name))
		}
	}
	moved, err := setPaths(o, names, wanted)
	if want.Cleared && (changed || moved) {
		events = append(events, tell("Updating Ingress `%s` removing managed routes", o.GetName()))
	}
	return events, err
}

// withRecorded adds the header routes that the record knows although the Rollout's steps no longer name them.
func withRecorded(names []string, mine *record) []string {
	for _, key := range mine.keys() {
		if _, name, ok := strings.Cut(key, "/"+conditions); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func hasHeader(want traffic.Split, name string) bool {
	route, wanted := want.Wanted(name)
	return wanted && route.Header != nil && len(route.Header.Match) > 0
}

// setHeader writes, or removes, the two annotations of a header route.
func (x *Router) setHeader(annotations map[string]string, mine *record, name string, want traffic.Split) (changed bool, err error) {
	actionKey, conditionsKey := x.key(actions, name), x.key(conditions, name)
	if !hasHeader(want, name) {
		for _, key := range []string{actionKey, conditionsKey} {
			if mine.remove(key) {
				delete(annotations, key)
				changed = true
			}
		}
		return changed, nil
	}
	route, _ := want.Wanted(name)
	canary, _ := want.Names(true)
	action, err := forwardTo(x.group(canary, 100)).text()
	if err != nil {
		return false, err
	}
	conditions, err := conditionsOf(route.Header)
	if err != nil {
		return false, err
	}
	for _, a := range []struct{ key, value string }{{actionKey, action}, {conditionsKey, conditions}} {
		changed = mine.add(a.key) || annotations[a.key] != a.value || changed
		annotations[a.key] = a.value
	}
	return changed, nil
}

// conditionsOf is the value of the conditions annotation: one entry for each header, with all its values.
func conditionsOf(step *v1alpha1.SetHeaderRoute) (string, error) {
	var all []condition
	for _, m := range step.Match {
		if m.HeaderValue == nil || m.HeaderValue.Exact == "" {
			return "", fmt.Errorf("header route %q: an ALB ingress carries exact values only", step.Name)
		}
		i := slices.IndexFunc(all, func(c condition) bool { return c.HTTPHeaderConfig.HTTPHeaderName == m.HeaderName })
		if i < 0 {
			i = len(all)
			all = append(all, condition{Field: "http-header", HTTPHeaderConfig: httpHeaderConfig{HTTPHeaderName: m.HeaderName}})
		}
		all[i].HTTPHeaderConfig.Values = append(all[i].HTTPHeaderConfig.Values, m.HeaderValue.Exact)
	}
	text, err := json.Marshal(all)
	return string(text), err
}

// setPaths puts one path for each wanted route in front of the user's paths, in every rule that has paths, and takes
// those of other managed routes away.
func setPaths(o *unstructured.Unstructured, names, wanted []string) (changed bool, err error) {
	rules, err := traffic.Items(o.Object, "spec", "rules")
	if err != nil {
		return false, err
	}
	for _, rule := range rules {
		http, err := traffic.Child(rule, "http")
		if err != nil {
			return false, err
		}
		have, err := traffic.Items(http, "paths")
		if err != nil {
			return false, err
		}
		if len(have) == 0 {
			continue
		}
		paths := make([]map[string]any, len(wanted))
		var users []map[string]any
		for _, path := range have {
			name, err := routeOf(path)
			if err != nil {
				return false, err
			}
			switch i := slices.Index(wanted, name); {
			case name == "" || !slices.Contains(names, name):
				users = append(users, path)
			case i >= 0 && paths[i] == nil:
				paths[i] = path
			}
		}
		for i, name := range wanted {
			if paths[i] == nil {
				paths[i] = pathTo(name)
				changed = true
			}
		}
		if paths = append(paths, users...); changed || !samePaths(paths, have) {
			http["paths"], changed = traffic.Listed(paths), true
		}
	}
	return changed, nil
}

// routeOf is the name of the action that a path leads to; empty when it leads to a Service.
func routeOf(path map[string]any) (string, error) {
	port, err := traffic.Text(path, "backend", "service", "port", "name")
	if err != nil || port != useAnnotation {
		return "", err
	}
	return traffic.Backend(path)
}

func pathTo(name string) map[string]any {
	return map[string]any{
		"path":     everyPath,
		"pathType": "ImplementationSpecific",
		"backend":  map[string]any{"service": map[string]any{"name": name, "port": map[string]any{"name": useAnnotation}}},
	}
}

// samePaths compares by identity of the order: the paths themselves are never changed.
func samePaths(a, b []map[string]any) bool {
	return slices.EqualFunc(a, b, func(x, y map[string]any) bool {
		nameX, errX := routeOf(x)
		nameY, errY := routeOf(y)
		return errX == nil && errY == nil && nameX == nameY
	})
}
