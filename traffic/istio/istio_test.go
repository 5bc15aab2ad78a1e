package istio

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
	"github.com/sluice-delivery/sluice/traffic/routertest"
)

func TestConformance(t *testing.T) { routertest.Run(t, "../../testdata/routers/istio", New) }

func TestLocate(t *testing.T) {
	for name, c := range map[string]struct{ reference, name, namespace string }{
		"a name is in the Rollout's namespace":  {"web", "web", "default"},
		"the last part is the namespace":        {"web.mesh", "web", "mesh"},
		"all before the last part is the name":  {"web.v1.mesh", "web.v1", "mesh"},
		"the cluster's domain does not count":   {"web.mesh.cluster.local", "web", "mesh"},
		"the domain of Services does not count": {"web.mesh.svc.cluster.local", "web", "mesh"},
		"a namespace may be called svc":         {"web.svc", "web", "svc"},
	} {
		t.Run(name, func(t *testing.T) {
			if name, namespace := locate(c.reference, "default"); name != c.name || namespace != c.namespace {
				t.Errorf("%s in %s, want %s in %s", name, namespace, c.name, c.namespace)
			}
		})
	}
}

// router makes one from the text of spec.strategy.canary.
func router(t *testing.T, canary string) *Router {
	t.Helper()
	r := &v1alpha1.Rollout{}
	r.Name, r.Namespace = "demo", "default"
	if err := yaml.UnmarshalStrict([]byte(canary), &r.Spec.Strategy.Canary); err != nil {
		t.Fatal(err)
	}
	x, err := New(r, traffic.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return x.(*Router)
}

func object(t *testing.T, kind, spec string) *unstructured.Unstructured {
	t.Helper()
	text, err := yaml.YAMLToJSON([]byte("{apiVersion: networking.istio.io/v1alpha3, kind: " + kind + ", metadata: {name: demo, namespace: default}, spec: " + spec + "}"))
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return o
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestCheck(t *testing.T) {
	const (
		hosts   = "{canaryService: c, stableService: s, trafficRouting: {istio: {virtualService: {name: demo}}}}"
		named   = "{canaryService: c, stableService: s, trafficRouting: {istio: {virtualService: {name: demo, routes: [a, b]}}}}"
		subsets = "{canaryService: c, stableService: s, trafficRouting: {istio: {virtualService: {name: demo}, destinationRule: {name: d, canarySubsetName: cs, stableSubsetName: ss}}}}"
		managed = "{canaryService: c, stableService: s, steps: [{setHeaderRoute: {name: h}}], trafficRouting: {istio: {virtualService: {name: demo}}}}"
		tls     = "{canaryService: c, stableService: s, trafficRouting: {istio: {virtualService: {name: demo, tlsRoutes: [{port: 1}]}}}}"
		tcp     = "{canaryService: c, stableService: s, trafficRouting: {istio: {virtualService: {name: demo, tcpRoutes: [{port: 1}]}}}}"

		good = "{destination: {host: c}}, {destination: {host: s}}"
		must = "should be set in VirtualService and it must have exactly one route when omitting spec.strategy.canary.trafficRouting.istio.virtualService."
	)
	for name, c := range map[string]struct{ canary, spec, want string }{
		"one route with both Services":                {hosts, "{http: [{route: [" + good + "]}]}", ""},
		"all named routes":                            {named, "{http: [{name: b, route: [" + good + "]}, {name: a, route: [" + good + "]}, {route: []}]}", ""},
		"managed routes do not count":                 {managed, "{http: [{name: h}, {name: mine, route: [" + good + "]}]}", ""},
		"no spec":                                     {hosts, "null", "Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService"},
		"a spec that is a text":                       {hosts, "text", "Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService"},
		"no routes":                                   {hosts, "{hosts: [a]}", "Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService"},
		"HTTP routes that are no list":                {hosts, "{http: {}}", "Unable to get HTTP routes for Istio VirtualService"},
		"TLS routes that are no list":                 {hosts, "{tls: 1}", "Unable to get TLS routes for Istio VirtualService"},
		"TCP routes that are no objects":              {hosts, "{tcp: [a]}", "Unable to get TCP routes for Istio VirtualService"},
		"a route without the canary's Service":        {hosts, "{http: [{route: [{destination: {host: s}}]}]}", "Istio VirtualService has invalid HTTP routes. Error: Canary Service 'c' not found in route"},
		"a route without the stable Service":          {hosts, "{http: [{route: [{destination: {host: c.ns}}]}]}", "Istio VirtualService has invalid HTTP routes. Error: Stable Service 's' not found in route"},
		"a route without the canary's subset":         {subsets, "{http: [{route: [{destination: {host: c, subset: ss}}]}]}", "Istio VirtualService has invalid HTTP routes. Error: Canary DestinationRule subset 'cs' not found in route"},
		"a route without the stable subset":           {subsets, "{http: [{route: [{destination: {host: s, subset: cs}}]}]}", "Istio VirtualService has invalid HTTP routes. Error: Stable DestinationRule subset 'ss' not found in route"},
		"a named route that is not there":             {named, "{http: [{name: a, route: [" + good + "]}]}", "Istio VirtualService has invalid HTTP routes. Error: HTTP Route 'b' is not found in the defined Virtual Service."},
		"two HTTP routes without names":               {hosts, "{http: [{route: [" + good + "]}, {route: [" + good + "]}]}", "Istio VirtualService has invalid HTTP routes. Error: spec.http[] " + must + "routes"},
		"two TLS routes without a choice":             {hosts, "{tls: [{route: [" + good + "]}, {}]}", "Istio VirtualService has invalid TLS routes. Error: spec.tls[] " + must + "tlsRoutes"},
		"two TCP routes without a choice":             {hosts, "{tcp: [{route: [" + good + "]}, {}]}", "Istio VirtualService has invalid TCP routes. Error: spec.tcp[] " + must + "tcpRoutes"},
		"no TLS route of that port":                   {tls, "{tls: [{match: [{port: 1}, {port: 2}]}]}", "Istio VirtualService has invalid TLS routes. Error: No matching TLS routes found in the defined Virtual Service."},
		"no TCP route of that port":                   {tcp, "{tcp: [{match: [{port: 2}]}]}", "Istio VirtualService has invalid TCP routes. Error: No matching TCP routes found in the defined Virtual Service."},
		"a TLS route without the canary's Service":    {tls, "{tls: [{match: [{port: 1}], route: [{destination: {host: s}}]}]}", "Istio VirtualService has invalid TLS routes. Error: Canary Service 'c' not found in route"},
		"a TCP route whose destinations are no list":  {hosts, "{tcp: [{route: 1}]}", "Istio VirtualService has invalid TCP routes. Error: route: want a list, have int64"},
		"a good TLS route beside no good HTTP routes": {tls, "{http: [{}, {}], tls: [{match: [{port: 1}], route: [" + good + "]}]}", "Istio VirtualService has invalid HTTP routes. Error: spec.http[] " + must + "routes"},
	} {
		t.Run(name, func(t *testing.T) {
			x := router(t, c.canary)
			if have := text(x.Check(x.serviceRef(x.services[0]), object(t, "VirtualService", c.spec))); have != c.want {
				t.Errorf("%q\nwant %q", have, c.want)
			}
		})
	}
}

// An abort while stable lacks a pod: the weight goes at once, the hashes wait.
func TestWeightThatLeavesTheCanaryDoesNotWait(t *testing.T) {
	x := router(t, "{trafficRouting: {istio: {virtualService: {name: demo}, destinationRule: {name: demo, canarySubsetName: c, stableSubsetName: s}}}}")
	objs := traffic.Objects{
		x.Refs()[0]: object(t, "DestinationRule", "{subsets: [{name: c, labels: {rollouts-pod-template-hash: new}}, {name: s, labels: {rollouts-pod-template-hash: old}}]}"),
		x.Refs()[1]: object(t, "VirtualService", "{http: [{route: [{destination: {subset: c}, weight: 50}, {destination: {subset: s}, weight: 50}]}]}"),
	}
	want := traffic.Split{Canary: traffic.Destination{Hash: "newer"}, Stable: traffic.Destination{Hash: "old", ReplicaSet: "demo-old", Waits: true}}
	events, err := x.Edit(objs, want)
	if err != nil || len(events) != 1 || events[0].Message != "VirtualService `demo` set to desiredWeight '0'" {
		t.Fatalf("%v %v", events, err)
	}
	if hash, err := subsetHash(objs[x.Refs()[0]], "c"); hash != "new" || err != nil {
		t.Errorf("the canary's hash moved to %q (%v)", hash, err)
	}
	if _, err = x.Edit(objs, want); err == nil || err.Error() != "delaying destination rule switch: ReplicaSet demo-old not fully available" {
		t.Errorf("%v, want a delay: the canary's hash has still to move", err)
	}
}

// A canary that never gets ready must not keep an aborted update from going on to scale it down.
func TestDelays(t *testing.T) {
	const rule = "{subsets: [{name: c, labels: {rollouts-pod-template-hash: new}}, {name: s, labels: {rollouts-pod-template-hash: old}}]}"
	canary := func(hash string, waits bool) traffic.Destination {
		return traffic.Destination{Hash: hash, ReplicaSet: "demo-" + hash, Waits: waits}
	}
	for name, c := range map[string]struct {
		want    traffic.Split
		weight  int
		delayed bool
	}{
		"a canary that grows in mid-update":                      {traffic.Split{Weight: 50, Canary: canary("new", true), Stable: canary("old", false)}, 50, true},
		"an aborted canary that is not ready, without traffic":   {traffic.Split{Cleared: true, Canary: canary("new", true), Stable: canary("old", false)}, 0, false},
		"another canary without traffic":                         {traffic.Split{Cleared: true, Canary: canary("next", true), Stable: canary("old", false)}, 0, false},
		"an abort while stable lacks a pod":                      {traffic.Split{Cleared: true, Canary: canary("new", true), Stable: canary("old", true)}, 50, false},
		"an aborted update at rest while stable lacks a pod":     {traffic.Split{Cleared: true, Canary: canary("new", true), Stable: canary("old", true)}, 0, false},
		"a promotion to a revision that lacks a pod":             {traffic.Split{Cleared: true, Canary: canary("new", true), Stable: canary("new", true)}, 100, true},
		"a weight that is taken from a canary that is not there": {traffic.Split{WeightFirst: true, Canary: canary("next", true), Stable: canary("old", false)}, 50, false},
	} {
		t.Run(name, func(t *testing.T) {
			x := router(t, "{trafficRouting: {istio: {virtualService: {name: demo}, destinationRule: {name: demo, canarySubsetName: c, stableSubsetName: s}}}}")
			weights := fmt.Sprintf("{http: [{route: [{destination: {subset: c}, weight: %d}, {destination: {subset: s}, weight: %d}]}]}", c.weight, 100-c.weight)
			objs := traffic.Objects{x.Refs()[0]: object(t, "DestinationRule", rule), x.Refs()[1]: object(t, "VirtualService", weights)}
			if _, err := x.label(objs[x.Refs()[0]], traffic.Split{Canary: canary("new", false), Stable: canary("old", false)}); err != nil { // claimed
				t.Fatal(err)
			}
			_, err := x.Edit(objs, c.want)
			var delay *traffic.Delay
			if delayed := errors.As(err, &delay); delayed != c.delayed || err != nil && !delayed {
				t.Fatalf("%v, want a delay: %v", err, c.delayed)
			}
			if weight, known := x.Weight(objs); err == nil && (!known || weight != c.want.Weight) {
				t.Errorf("weight %d (%v), want %d", weight, known, c.want.Weight)
			}
		})
	}
}

func TestReset(t *testing.T) {
	gone := func(string) bool { return false }
	for name, c := range map[string]struct {
		annotations, spec string
		alive             func(string) bool
		wantAnnotations   string
		wantSpec          string
		changed           bool
		err               string
	}{
		"annotation and hashes go with the Rollout": {
			`{"argo-rollouts.argoproj.io/managed-by-rollouts":"demo","a":"b"}`, "{subsets: [{name: c, labels: {app: x, rollouts-pod-template-hash: h}}, {name: s, labels: {rollouts-pod-template-hash: h}}]}", gone,
			`{"a":"b"}`, `{"subsets":[{"labels":{"app":"x"},"name":"c"},{"name":"s"}]}`, true, ""},
		"a living Rollout keeps them": {
			`{"argo-rollouts.argoproj.io/managed-by-rollouts":"demo"}`, "{subsets: [{name: c, labels: {rollouts-pod-template-hash: h}}]}", func(name string) bool { return name == "demo" },
			`{"argo-rollouts.argoproj.io/managed-by-rollouts":"demo"}`, `{"subsets":[{"labels":{"rollouts-pod-template-hash":"h"},"name":"c"}]}`, false, ""},
		"a rule of nobody stays": {
			`{"a":"b"}`, "{subsets: [{name: c, labels: {rollouts-pod-template-hash: h}}]}", gone,
			`{"a":"b"}`, `{"subsets":[{"labels":{"rollouts-pod-template-hash":"h"},"name":"c"}]}`, false, ""},
		"a broken rule is an error": {
			`{"argo-rollouts.argoproj.io/managed-by-rollouts":"demo"}`, "{subsets: [{labels: [a]}]}", gone, "", "", false, "labels: want an object, have []interface {}"},
	} {
		t.Run(name, func(t *testing.T) {
			o := object(t, "DestinationRule", c.spec)
			annotations := map[string]string{}
			if err := json.Unmarshal([]byte(c.annotations), &annotations); err != nil {
				t.Fatal(err)
			}
			o.SetAnnotations(annotations)
			changed, err := Reset(o, c.alive)
			if text(err) != c.err || changed != c.changed {
				t.Fatalf("changed %v, error %v", changed, err)
			}
			if c.err != "" {
				return
			}
			haveAnnotations, _ := json.Marshal(o.GetAnnotations())
			haveSpec, _ := json.Marshal(o.Object["spec"])
			if string(haveAnnotations) != c.wantAnnotations || string(haveSpec) != c.wantSpec {
				t.Errorf("%s %s\nwant %s %s", haveAnnotations, haveSpec, c.wantAnnotations, c.wantSpec)
			}
		})
	}
}
