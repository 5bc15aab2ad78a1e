package nginx

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
	"github.com/sluice-delivery/sluice/traffic/routertest"
)

func TestConformance(t *testing.T) { routertest.Run(t, "../../testdata/routers/nginx", New) }

func rollout(name string, config v1alpha1.NginxTrafficRouting) *v1alpha1.Rollout {
	r := &v1alpha1.Rollout{}
	r.Name, r.Namespace, r.UID = name, "default", "uid"
	r.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{
		CanaryService: "canary", StableService: "stable",
		TrafficRouting: &v1alpha1.RolloutTrafficRouting{Nginx: &config},
	}
	return r
}

func TestCanaryName(t *testing.T) {
	long := strings.Repeat("x", 250)
	for name, c := range map[string]struct{ rollout, stable, want string }{
		"is made of the Rollout's and the Ingress's name": {"demo", "web", "demo-web-canary"},
		"is cut so that the suffix fits into 253":         {"demo", long, "demo-" + long[:241] + "-canary"},
		"of exactly 253 is not cut":                       {"demo", long[:241], "demo-" + long[:241] + "-canary"},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := New(rollout(c.rollout, v1alpha1.NginxTrafficRouting{StableIngress: c.stable}), traffic.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if have := x.Refs()[1].Name; have != c.want || len(have) > 253 {
				t.Errorf("%s (%d), want %s", have, len(have), c.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	x, err := New(rollout("demo", v1alpha1.NginxTrafficRouting{StableIngress: "web"}), traffic.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		service string
		ref     traffic.Ref
		want    string
	}{
		"accepts an Ingress that leads to the stable Service":   {"stable", traffic.IngressRef("default", "web"), ""},
		"refuses an Ingress that leads to another Service":      {"other", traffic.IngressRef("default", "web"), "ingress `web` has no rules using service stable backend"},
		"asks nothing of an object that it does not start from": {"other", traffic.IngressRef("default", "demo-web-canary"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := map[string]any{"backend": map[string]any{"service": map[string]any{"name": c.service}}}
			o := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
				"rules": []any{map[string]any{"http": map[string]any{"paths": []any{path}}}}}}}
			have := ""
			if err := x.(traffic.Checker).Check(c.ref, o); err != nil {
				have = err.Error()
			}
			if have != c.want {
				t.Errorf("%q, want %q", have, c.want)
			}
		})
	}
}

func TestNewNeedsItsConfiguration(t *testing.T) {
	if _, err := New(&v1alpha1.Rollout{}, traffic.Options{}); err == nil {
		t.Error("a Rollout without trafficRouting.nginx was accepted")
	}
}
