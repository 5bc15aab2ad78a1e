package alb

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
	"github.com/sluice-delivery/sluice/traffic/routertest"
)

func TestConformance(t *testing.T) { routertest.Run(t, "../../testdata/routers/alb", New) }

const (
	split      = `{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"demo-canary","ServicePort":"80","Weight":50},{"ServiceName":"demo-stable","ServicePort":"80","Weight":50}]}}`
	whole      = `{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"demo-stable","ServicePort":"80","Weight":100}]}}`
	sticky     = `{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"demo-canary","ServicePort":"80","Weight":50},{"ServiceName":"demo-stable","ServicePort":"80","Weight":50}],"TargetGroupStickinessConfig":{"Enabled":true,"DurationSeconds":9}}}`
	managedMap = "rollouts.argoproj.io/managed-alb-annotations"
	stable     = "alb.ingress.kubernetes.io/actions.demo-stable"
)

func ingress(t *testing.T, annotations map[string]string, paths string) *unstructured.Unstructured {
	t.Helper()
	text, err := yaml.YAMLToJSON([]byte("{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: demo, namespace: default}, spec: {rules: [{http: {paths: " + paths + "}}]}}"))
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	o.SetAnnotations(annotations)
	return o
}

func TestReset(t *testing.T) {
	const (
		user = "{backend: {service: {name: demo-stable, port: {name: use-annotation}}}}"
		beta = "{path: /*, pathType: ImplementationSpecific, backend: {service: {name: beta, port: {name: use-annotation}}}}"
	)
	for name, c := range map[string]struct {
		have      map[string]string
		paths     string
		alive     string // the only Rollout that lives
		want      map[string]string
		wantPaths string
		changed   bool
		err       string
	}{
		"the action of a Rollout that is gone leads to stable alone": {
			have:  map[string]string{stable: split, managedMap: `{"demo":["` + stable + `"]}`, "a": "b"},
			paths: "[" + user + "]", want: map[string]string{stable: whole, "a": "b"}, wantPaths: "[" + user + "]", changed: true,
		},
		"stickiness is kept": {
			have:  map[string]string{stable: sticky, managedMap: `{"demo":["` + stable + `"]}`},
			paths: "[" + user + "]", want: map[string]string{stable: `{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"demo-stable","ServicePort":"80","Weight":100}],"TargetGroupStickinessConfig":{"Enabled":true,"DurationSeconds":9}}}`},
			wantPaths: "[" + user + "]", changed: true,
		},
		"a living Rollout keeps its action": {
			have:  map[string]string{stable: split, managedMap: `{"demo":["` + stable + `"]}`},
			paths: "[" + user + "]", alive: "demo", want: map[string]string{stable: split, managedMap: `{"demo":["` + stable + `"]}`}, wantPaths: "[" + user + "]",
		},
		"of two Rollouts only the one that is gone gives back": {
			have:  map[string]string{stable: split, "x/actions.b": "kept", managedMap: `{"b":["x/actions.b"],"demo":["` + stable + `"]}`},
			paths: "[" + user + "]", alive: "b", want: map[string]string{stable: whole, "x/actions.b": "kept", managedMap: `{"b":["x/actions.b"]}`}, wantPaths: "[" + user + "]", changed: true,
		},
		"header routes go with their paths": {
			have:  map[string]string{stable: split, "p/actions.beta": "{}", "p/conditions.beta": "[]", managedMap: `{"demo":["` + stable + `","p/actions.beta","p/conditions.beta"]}`},
			paths: "[" + beta + "," + user + "]", want: map[string]string{stable: whole}, wantPaths: "[" + user + "]", changed: true,
		},
		"the legacy annotation goes": {
			have:  map[string]string{"rollouts.argoproj.io/managed-alb-actions": "x", "a": "b"},
			paths: "[" + user + "]", want: map[string]string{"a": "b"}, wantPaths: "[" + user + "]", changed: true,
		},
		"with a root Service nothing is cleaned": {
			have:  map[string]string{"p/actions.root": split, managedMap: `{"demo":["p/actions.root"]}`},
			paths: "[" + user + "]", want: map[string]string{"p/actions.root": split, managedMap: `{"demo":["p/actions.root"]}`}, wantPaths: "[" + user + "]", err: "missing port",
		},
		"an action that cannot be read is left alone": {
			have:  map[string]string{stable: "nonsense", managedMap: `{"demo":["` + stable + `"]}`},
			paths: "[" + user + "]", want: map[string]string{stable: "nonsense", managedMap: `{"demo":["` + stable + `"]}`}, wantPaths: "[" + user + "]", err: "read action: invalid character 'o' in literal null (expecting 'u')",
		},
		"an action that somebody removed stays removed": {
			have:  map[string]string{"a": "b", managedMap: `{"demo":["` + stable + `"]}`},
			paths: "[" + user + "]", want: map[string]string{"a": "b"}, wantPaths: "[" + user + "]", changed: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := ingress(t, c.have, c.paths)
			changed, err := Reset(o, func(rollout string) bool { return rollout == c.alive })
			if text := ""; err != nil || c.err != "" {
				if err != nil {
					text = err.Error()
				}
				if text != c.err {
					t.Fatalf("%q, want %q", text, c.err)
				}
			}
			have, _ := json.Marshal(o)
			want, _ := json.Marshal(ingress(t, c.want, c.wantPaths))
			if string(have) != string(want) || changed != c.changed {
				t.Errorf("changed %v\n%s\nwant %s", changed, have, want)
			}
		})
	}
}

func TestRelease(t *testing.T) {
	r := &v1alpha1.Rollout{}
	r.Name, r.Namespace = "demo", "default"
	r.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{TrafficRouting: &v1alpha1.RolloutTrafficRouting{ALB: &v1alpha1.ALBTrafficRouting{Ingress: "demo"}}}
	x, err := New(r, traffic.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o := ingress(t, map[string]string{stable: split, managedMap: `{"demo":["` + stable + `"]}`}, "[]")
	if err := x.(traffic.Releaser).Release(traffic.Objects{x.Refs()[0]: o}); err != nil {
		t.Fatal(err)
	}
	if have := o.GetAnnotations(); len(have) != 1 || have[stable] != whole {
		t.Errorf("annotations %v", have)
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct{ root, service, want string }{
		"the stable Service is the root unless one is named":  {"", "stable", ""},
		"the root Service is what the ingress has to lead to": {"root", "stable", "ingress `demo` has no rules using service root backend"},
		"another Service is refused":                          {"", "other", "ingress `demo` has no rules using service stable backend"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &v1alpha1.Rollout{}
			r.Namespace = "default"
			r.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{StableService: "stable",
				TrafficRouting: &v1alpha1.RolloutTrafficRouting{ALB: &v1alpha1.ALBTrafficRouting{Ingress: "demo", RootService: c.root}}}
			x, err := New(r, traffic.Options{})
			if err != nil {
				t.Fatal(err)
			}
			have := ""
			if err := x.(traffic.Checker).Check(x.Refs()[0], ingress(t, nil, "[{backend: {service: {name: "+c.service+"}}}]")); err != nil {
				have = err.Error()
			}
			if have != c.want {
				t.Errorf("%q, want %q", have, c.want)
			}
		})
	}
}
