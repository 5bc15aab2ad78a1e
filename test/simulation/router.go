package simulation

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// recorder is a router that writes down the split it was told to carry, in one object. It is what invariants ask.
type recorder struct{ ref traffic.Ref }

func newRecorder(name string) recorder {
	return recorder{traffic.Ref{Group: "simulation", Version: "v1", Kind: "Split", Namespace: Namespace, Name: name}}
}

func (r recorder) Refs() []traffic.Ref { return []traffic.Ref{r.ref} }

// Edit implements traffic.Router.
func (r recorder) Edit(objs traffic.Objects, want traffic.Split) ([]traffic.Event, error) {
	o := objs[r.ref]
	if o == nil {
		o = &unstructured.Unstructured{Object: map[string]any{"apiVersion": "simulation/v1", "kind": "Split"}}
		o.SetName(r.ref.Name)
		o.SetNamespace(r.ref.Namespace)
		objs[r.ref] = o
	}
	var routes []any
	if !want.Cleared {
		for _, route := range want.Routes {
			routes = append(routes, route.Name)
		}
	}
	o.Object["routes"] = routes
	if want.RoutesOnly {
		return nil, nil
	}
	o.Object["canary"] = map[string]any{"weight": int64(want.Weight), "hash": want.Canary.Hash, "service": want.Canary.Service}
	o.Object["stable"] = map[string]any{"weight": int64(want.StableWeight()), "hash": want.Stable.Hash, "service": want.Stable.Service}
	o.Object["max"] = int64(want.Total())
	return nil, nil
}

// carried is a split as it stands in the recorder's object.
type carried struct {
	canary, stable         int64
	canaryHash, stableHash string
	canaryService          string
	stableService          string
	max                    int64
	routes                 []string
}

func carries(o *unstructured.Unstructured) *carried {
	if o == nil || o.Object["max"] == nil {
		return nil
	}
	number := func(fields ...string) int64 { n, _, _ := unstructured.NestedInt64(o.Object, fields...); return n }
	text := func(fields ...string) string { s, _, _ := unstructured.NestedString(o.Object, fields...); return s }
	c := &carried{number("canary", "weight"), number("stable", "weight"), text("canary", "hash"), text("stable", "hash"),
		text("canary", "service"), text("stable", "service"), number("max"), nil}
	routes, _, _ := unstructured.NestedSlice(o.Object, "routes")
	for _, r := range routes {
		c.routes = append(c.routes, fmt.Sprint(r))
	}
	return c
}

// split is what the router carries now; nil when it was never told anything.
func (w *World) split() *carried {
	return carries(get[*unstructured.Unstructured](w.truth, "Split", w.Name))
}

func (c *carried) String() string {
	text := fmt.Sprintf("canary %s %d, stable %s %d", c.canaryHash, c.canary, c.stableHash, c.stable)
	if c.max != 100 {
		text += fmt.Sprintf(" of %d", c.max)
	}
	if len(c.routes) > 0 {
		text += ", routes " + strings.Join(c.routes, " ")
	}
	return text
}

// recorderFor is the recording router of a Rollout that has traffic routing.
func (w *World) recorderFor(r *v1alpha1.Rollout) []traffic.Router {
	if !v1alpha1.HasTrafficRouting(r) {
		return nil
	}
	routers := []traffic.Router{newRecorder(r.Name)}
	if w.real != nil {
		routers = append(routers, w.real(r)...)
	}
	return routers
}
