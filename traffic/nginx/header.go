package nginx

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

const (
	byHeaderKey      = "canary-by-header"
	byHeaderValueKey = "canary-by-header-value"

	// routeAnnotation names the header route that the canary Ingress carries, so that the rule can be told from one
	// that a person wrote, and is found again when the steps of the Rollout no longer name it.
	routeAnnotation = v1alpha1.SluicePrefix + "header-route"
)

// A header is one header rule: all that a canary Ingress can carry.
type header struct{ route, name, value string }

// headerOf is the header rule that the split asks for; nil for none. Mirror routes are left to routers that know them.
func headerOf(want traffic.Split) (*header, error) {
	var found *header
	for _, name := range want.Owned() {
		route, wanted := want.Wanted(name)
		if !wanted || route.Header == nil || len(route.Header.Match) == 0 {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("a canary ingress carries one header route, not both %q and %q", found.route, name)
		}
		match := route.Header.Match[0]
		if len(route.Header.Match) > 1 || match.HeaderName == "" || match.HeaderValue == nil || match.HeaderValue.Exact == "" {
			return nil, fmt.Errorf("header route %q: a canary ingress carries one header with an exact value", name)
		}
		found = &header{route: name, name: match.HeaderName, value: match.HeaderValue.Exact}
	}
	return found, nil
}

// route gives the canary Ingress the header rule, or takes it away; what the Rollout's own annotations say about
// headers comes back then.
func (x *Router) route(canary *unstructured.Unstructured, want *header, cleared bool) ([]traffic.Event, error) {
	annotations, err := traffic.Annotations(canary)
	if err != nil {
		return nil, err
	}
	before := annotations[routeAnnotation]
	if before == "" && want == nil {
		return nil, nil
	}
	delete(annotations, routeAnnotation)
	for _, key := range []string{x.key(byHeaderKey), x.key(byHeaderValueKey)} {
		delete(annotations, key)
		if value, ok := x.extras()[key]; ok && want == nil {
			annotations[key] = value
		}
	}
	name := before
	if want != nil {
		name = want.route
		annotations[routeAnnotation] = want.route
		annotations[x.key(byHeaderKey)] = want.name
		annotations[x.key(byHeaderValueKey)] = want.value
	}
	changed, err := traffic.Annotate(canary, annotations)
	switch {
	case err != nil || !changed:
		return nil, err
	case cleared:
		return []traffic.Event{tell(v1alpha1.EventPatchingCanaryIngress, "Updating Ingress `%s` removing managed routes", canary.GetName())}, nil
	}
	return []traffic.Event{tell(v1alpha1.EventPatchingCanaryIngress, "Updating Ingress `%s` to headerRoute '%s'", canary.GetName(), name)}, nil
}

func (x *Router) isHeaderKey(key string) bool {
	return key == x.key(byHeaderKey) || key == x.key(byHeaderValueKey)
}
