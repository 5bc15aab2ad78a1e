package render

import (
	"fmt"
	"testing"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const steering = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web%s}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}
  strategy:
    canary:
      stableService: stable
      canaryService: canary
      trafficRouting: {istio: %s}
      steps: [{setHeaderRoute: {name: testers, match: [{headerName: x, headerValue: {exact: someone}}]}}, {setWeight: 5}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop%s}
spec: {http: [{route: [{destination: {host: stable}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: other}
spec: {http: [{route: [{destination: {host: stable}}]}]}
`

func TestSteeredRoutes(t *testing.T) {
	for name, tc := range map[string]struct{ istio, namespace, want string }{
		"named routes and the route that a step places": {`{virtualService: {name: shop, routes: [b, a]}}`, "", "http/a,http/b,route/testers"},
		"the only route there is":                       {`{virtualService: {name: shop}}`, "", "http/*,route/testers,tcp/*,tls/*"},
		"one of several VirtualServices":                {`{virtualServices: [{name: shop, routes: [a]}, {name: more}]}`, "", "http/a,route/testers"},
		"tls routes":                                    {`{virtualService: {name: shop, tlsRoutes: [{port: 443}]}}`, "", "route/testers,tls/*"},
		"a full name in the Rollout's namespace":        {`{virtualService: {name: shop.prod.svc.cluster.local, routes: [a]}}`, ", namespace: prod", "http/a,route/testers"},
		"a name in another namespace":                   {`{virtualService: {name: shop.elsewhere, routes: [a]}}`, ", namespace: prod", ""},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := Render(inline(t, map[string]string{"all.yaml": fmt.Sprintf(steering, tc.namespace, tc.istio, tc.namespace)}), Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, obj := range result.Objects[1:] {
				want := tc.want
				if obj.GetName() == "other" {
					want = ""
				}
				if got := obj.GetAnnotations()[v1alpha1.SteeredAnnotation]; got != want {
					t.Errorf("VirtualService %s: %q, want %q", obj.GetName(), got, want)
				}
			}
		})
	}
}
