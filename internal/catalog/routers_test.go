package catalog

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

func TestRouters(t *testing.T) {
	for name, c := range map[string]struct{ routing, want, err string }{
		"no traffic routing, no router":          {"", "", ""},
		"each kind that is configured":           {"{alb: {ingress: a, servicePort: 1}, nginx: {stableIngress: n}, istio: {virtualService: {name: v}}}", "*istio.Router *nginx.Router *alb.Router", ""},
		"a weight and routes are no router":      {"{maxTrafficWeight: 7, managedRoutes: [{name: a}]}", "", ""},
		"SMI is named as missing":                {"{nginx: {stableIngress: n}, smi: {}}", "", `traffic router "smi" is not part of this build`},
		"Traefik's own objects are not known":    {"{traefik: {weightedTraefikServiceName: a}}", "", `traffic router "traefik" is not part of this build`},
		"App Mesh is not known":                  {"{appMesh: {}}", "", `traffic router "appMesh" is not part of this build`},
		"Ambassador is not known":                {"{ambassador: {mappings: [a]}}", "", `traffic router "ambassador" is not part of this build`},
		"Apisix is not known":                    {"{apisix: {route: {name: a}}}", "", `traffic router "apisix" is not part of this build`},
		"plugins are not known, whatever theirs": {"{plugins: {some/one: {a: b}}}", "", `traffic router "plugins" is not part of this build`},
	} {
		t.Run(name, func(t *testing.T) {
			canary := &v1alpha1.CanaryStrategy{}
			if c.routing != "" {
				if err := yaml.UnmarshalStrict([]byte(c.routing), &canary.TrafficRouting); err != nil {
					t.Fatal(err)
				}
			}
			r := &v1alpha1.Rollout{}
			r.Spec.Strategy.Canary = canary
			routers, err := Routers(r, traffic.Options{})
			var kinds []string
			for _, router := range routers {
				kinds = append(kinds, fmt.Sprintf("%T", router))
			}
			text := ""
			if err != nil {
				text = err.Error()
			}
			if have := strings.Join(kinds, " "); have != c.want || text != c.err {
				t.Errorf("%q %q, want %q %q", have, text, c.want, c.err)
			}
		})
	}
	if routers, err := Routers(&v1alpha1.Rollout{}, traffic.Options{}); routers != nil || err != nil {
		t.Errorf("without a canary strategy: %v %v", routers, err)
	}
}
