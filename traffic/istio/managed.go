package istio

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// A routing is one edit of the managed routes.
type routing struct {
	*Router
	want  traffic.Split
	owned []string // names of the routes that belong to the Rollout, in order of precedence
	host  string   // of the DestinationRule; empty without one
}

// route makes the managed routes of every VirtualService those that the split wants, and puts them in front.
//
// A split that clears the routes is told of in every pass, whether there was a route to remove or not: as soon as the
// Rollout has a header or mirror step, or managedRoutes, people who watch it are used to the line (spec 7.2).
func (e routing) route(found []virtualService) (events []traffic.Event, err error) {
	if len(e.owned) == 0 {
		return nil, nil
	}
	taken := 0
	for _, v := range found {
		http, err := traffic.Items(v.spec, kindHTTP)
		if err != nil {
			return nil, fmt.Errorf("VirtualService `%s`: %w", v.name, err)
		}
		if len(http) == 0 {
			continue
		}
		taken++
		if e.want.Cleared {
			v.set(http, without(http, e.owned...))
			events = append(events, tell(v1alpha1.EventVirtualServiceUpdated, "VirtualService `%s` removed all managed routes.", v.name))
			continue
		}
		told, err := e.manage(v, http)
		if err != nil {
			return nil, err
		}
		events = append(events, told...)
	}
	if taken == 0 && len(found) > 0 && len(e.want.Routes) > 0 && !e.want.Cleared {
		return nil, errors.New("header and mirror routes need a VirtualService with HTTP routes")
	}
	return events, nil
}

// manage brings the managed routes of one VirtualService up to date.
func (e routing) manage(v virtualService, http []map[string]any) (events []traffic.Event, err error) {
	weighted, err := httpRoutes(v.config, http, e.owned)
	if err != nil {
		return nil, err
	}
	routes := slices.Clone(http)
	for _, name := range e.owned {
		have := named(routes, name)
		wanted, err := e.build(name, weighted[0])
		switch {
		case err != nil:
			return nil, err
		case wanted == nil && len(have) == 0, len(have) == 1 && equal(have[0], wanted):
			continue
		}
		routes = without(routes, name)
		kind := "headerRoute"
		if isMirror(wanted) || wanted == nil && isMirror(have[0]) {
			kind = "mirrorRoute"
		}
		if wanted != nil {
			routes = append(routes, wanted)
		}
		events = append(events, tell(v1alpha1.EventVirtualServiceUpdated, "VirtualService `%s` set %s '%s'", v.name, kind, name))
	}
	v.set(http, ordered(routes, e.owned))
	return events, nil
}

// set makes the HTTP routes what they should be, and leaves the list alone if they are that already.
func (v virtualService) set(have, want []map[string]any) {
	if !slices.EqualFunc(have, want, equal) {
		v.spec[kindHTTP] = traffic.Listed(want)
	}
}

// build is the HTTP route of that name that the split wants; nil for none.
func (e routing) build(name string, weighted map[string]any) (map[string]any, error) {
	route, wanted := e.want.Wanted(name)
	switch {
	case wanted && route.Header != nil && len(route.Header.Match) > 0:
		return e.headerRoute(route.Header, name, weighted)
	case wanted && route.Mirror != nil && len(route.Mirror.Match) > 0:
		return e.mirrorRoute(route.Mirror, name, weighted)
	}
	return nil, nil
}

// headerRoute sends requests with any of the headers to the canary.
func (e routing) headerRoute(step *v1alpha1.SetHeaderRoute, name string, weighted map[string]any) (map[string]any, error) {
	var match []any
	for _, m := range step.Match {
		value := map[string]any{}
		if m.HeaderValue != nil {
			value = stringMatch(*m.HeaderValue)
		}
		match = append(match, map[string]any{"headers": map[string]any{m.HeaderName: value}})
	}
	destination, err := e.canaryDestination(weighted)
	return map[string]any{
		"name":  name,
		"match": match,
		"route": []any{map[string]any{"destination": destination, "weight": int64(100)}},
	}, err
}

// mirrorRoute sends requests where the weighted route sends them, and a copy to the canary.
func (e routing) mirrorRoute(step *v1alpha1.SetMirrorRoute, name string, weighted map[string]any) (map[string]any, error) {
	var match []any
	for _, m := range step.Match {
		match = append(match, requestMatch(m))
	}
	entries, err := traffic.Items(weighted, "route")
	if err != nil {
		return nil, err
	}
	var route []map[string]any
	for _, entry := range entries {
		entry = runtime.DeepCopyJSON(entry)
		if weight, err := traffic.Number(entry, "weight"); err != nil {
			return nil, err
		} else if weight == 0 {
			delete(entry, "weight")
		}
		route = append(route, entry)
	}
	percentage := int64(100)
	if step.Percentage != nil {
		percentage = int64(*step.Percentage)
	}
	destination, err := e.canaryDestination(weighted)
	return map[string]any{
		"name":             name,
		"match":            match,
		"route":            traffic.Listed(route),
		"mirror":           destination,
		"mirrorPercentage": map[string]any{"value": percentage},
	}, err
}

// canaryDestination is the canary, with the port that the weighted route uses.
func (e routing) canaryDestination(weighted map[string]any) (map[string]any, error) {
	service, _ := e.want.Names(false)
	destination := map[string]any{"host": service}
	entries, err := traffic.Items(weighted, "route")
	if err != nil || len(entries) == 0 {
		return destination, err
	}
	first, err := traffic.Child(entries[0], "destination")
	if err != nil {
		return nil, err
	}
	if port, err := traffic.Child(first, "port"); err != nil {
		return nil, err
	} else if port != nil {
		destination["port"] = runtime.DeepCopyJSON(port)
	}
	if e.rule != nil {
		destination["host"], destination["subset"] = e.host, e.rule.CanarySubsetName
	}
	return destination, nil
}

func requestMatch(m v1alpha1.RouteMatch) map[string]any {
	match := map[string]any{}
	if m.Method != nil {
		match["method"] = stringMatch(*m.Method)
	}
	if m.Path != nil {
		match["uri"] = stringMatch(*m.Path)
	}
	headers := map[string]any{}
	for name, value := range m.Headers {
		headers[name] = stringMatch(value)
	}
	if len(headers) > 0 {
		match["headers"] = headers
	}
	return match
}

func stringMatch(m v1alpha1.StringMatch) map[string]any {
	match := map[string]any{}
	for kind, text := range map[string]string{"exact": m.Exact, "prefix": m.Prefix, "regex": m.Regex} {
		if text != "" {
			match[kind] = text
		}
	}
	return match
}

func named(routes []map[string]any, name string) []map[string]any {
	return slices.DeleteFunc(slices.Clone(routes), func(route map[string]any) bool { return route["name"] != name })
}

func without(routes []map[string]any, names ...string) []map[string]any {
	return slices.DeleteFunc(slices.Clone(routes), func(route map[string]any) bool {
		name, isText := route["name"].(string)
		return isText && slices.Contains(names, name)
	})
}

// ordered puts managed routes in front, in the order of their names in owned; others keep theirs.
func ordered(routes []map[string]any, owned []string) []map[string]any {
	rank := func(route map[string]any) int {
		name, _ := route["name"].(string)
		if i := slices.Index(owned, name); i >= 0 && name != "" {
			return i
		}
		return len(owned)
	}
	slices.SortStableFunc(routes, func(a, b map[string]any) int { return rank(a) - rank(b) })
	return routes
}

func isMirror(route map[string]any) bool { return route["mirror"] != nil }

// equal compares as JSON, in which 1 and 1.0 are the same. The destinations of a mirror route are not compared: they
// follow the weights.
func equal(a, b map[string]any) bool {
	if (a == nil) != (b == nil) || isMirror(a) != isMirror(b) {
		return false
	}
	if isMirror(a) && a["route"] != nil && b["route"] != nil {
		a, b = omit(a, "route"), omit(b, "route")
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func omit(m map[string]any, key string) map[string]any {
	rest := map[string]any{}
	for k, v := range m {
		if k != key {
			rest[k] = v
		}
	}
	return rest
}
