package sync

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func mustJSON(t *testing.T, obj *unstructured.Unstructured) []byte {
	t.Helper()
	data, err := obj.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const manager = `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: p, namespace: shop, annotations: {sluice.dev/serving: desired}}, spec: {
workloadRef: {apiVersion: apps/v1, kind: Deployment, name: d, scaleDown: progressively},
strategy: {canary: {canaryService: c, stableService: s, steps: [{setHeaderRoute: {name: header}}], trafficRouting: {managedRoutes: [{name: mirror}],
alb: {ingress: i, servicePort: 80}, istio: {virtualService: {name: v, routes: [primary]}, destinationRule: {name: r, canarySubsetName: canary, stableSubsetName: stable}}}}}}}`

func TestAdopt(t *testing.T) {
	cases := map[string]struct {
		desired, live, want string
		serverSide          bool
	}{
		"the weights of a steered route": {
			desired: `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v, namespace: shop}, spec: {http: [{name: primary, route: [{destination: {host: s}, weight: 100}, {destination: {host: c}, weight: 0}]}, {name: other, route: [{destination: {host: s}, weight: 70}]}]}}`,
			live:    `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v, namespace: shop}, spec: {http: [{name: primary, route: [{destination: {host: s}, weight: 95}, {destination: {host: c}, weight: 5}]}, {name: other, route: [{destination: {host: s}, weight: 20}]}]}}`,
			want:    `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v, namespace: shop}, spec: {http: [{name: primary, route: [{destination: {host: s}, weight: 95}, {destination: {host: c}, weight: 5}]}, {name: other, route: [{destination: {host: s}, weight: 70}]}]}}`,
		},
		"routes put in front": {
			desired: `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v, namespace: shop}, spec: {http: [{name: primary, route: [{destination: {host: s}, weight: 100}]}]}}`,
			live:    `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v, namespace: shop}, spec: {http: [{name: mirror, mirror: {host: c}}, {name: header, route: [{destination: {host: c}, weight: 100}]}, {name: primary, route: [{destination: {host: s}, weight: 80}]}]}}`,
			want:    `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v, namespace: shop}, spec: {http: [{name: mirror, mirror: {host: c}}, {name: header, route: [{destination: {host: c}, weight: 100}]}, {name: primary, route: [{destination: {host: s}, weight: 80}]}]}}`,
		},
		"a foreign route still shows": {
			desired: `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v, namespace: shop}, spec: {http: [{name: primary, route: [{destination: {host: s}, weight: 100}]}]}}`,
			live:    `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v, namespace: shop}, spec: {http: [{name: stranger}, {name: primary, route: [{destination: {host: s}, weight: 80}]}]}}`,
			want:    `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v, namespace: shop}, spec: {http: [{name: primary, route: [{destination: {host: s}, weight: 100}]}]}}`,
		},
		"the weights of another VirtualService": {
			desired: `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: w, namespace: shop}, spec: {http: [{name: primary, route: [{destination: {host: s}, weight: 100}]}]}}`,
			live:    `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: w, namespace: shop}, spec: {http: [{name: primary, route: [{destination: {host: s}, weight: 80}]}]}}`,
			want:    `{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: w, namespace: shop}, spec: {http: [{name: primary, route: [{destination: {host: s}, weight: 100}]}]}}`,
		},
		"the hashes of subsets": {
			desired: `{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: r, namespace: shop}, spec: {subsets: [{name: canary, labels: {app: p}}, {name: stable}, {name: mine}]}}`,
			live:    `{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: r, namespace: shop}, spec: {subsets: [{name: canary, labels: {app: p, rollouts-pod-template-hash: a}}, {name: stable, labels: {rollouts-pod-template-hash: b}}, {name: mine, labels: {rollouts-pod-template-hash: x}}]}}`,
			want:    `{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: r, namespace: shop}, spec: {subsets: [{name: canary, labels: {app: p, rollouts-pod-template-hash: a}}, {name: stable, labels: {rollouts-pod-template-hash: b}}, {name: mine}]}}`,
		},
		"the action of an ALB ingress": {
			desired: `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: shop, annotations: {alb.ingress.kubernetes.io/actions.s: git, team: a}}}`,
			live:    `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: shop, annotations: {alb.ingress.kubernetes.io/actions.s: live, team: b}}}`,
			want:    `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: shop, annotations: {alb.ingress.kubernetes.io/actions.s: live, team: a}}}`,
		},
		"the selector of a Service under server-side apply": {
			desired:    `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: {selector: {app: p}}}`,
			live:       `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: {selector: {app: q, rollouts-pod-template-hash: b}}}`,
			want:       `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: {selector: {app: p, rollouts-pod-template-hash: b}}}`,
			serverSide: true,
		},
		"the selector of a Service under client-side apply": {
			desired: `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: {selector: {app: p}}}`,
			live:    `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: {selector: {app: p, rollouts-pod-template-hash: b}}}`,
			want:    `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: {selector: {app: p}}}`,
		},
		"a Service of that name elsewhere": {
			desired:    `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: mall}, spec: {selector: {app: p}}}`,
			live:       `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: mall}, spec: {selector: {app: p, rollouts-pod-template-hash: b}}}`,
			want:       `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: mall}, spec: {selector: {app: p}}}`,
			serverSide: true,
		},
		"the size of a referenced Deployment": {
			desired: `{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: shop}, spec: {replicas: 5}}`,
			live:    `{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: shop}, spec: {replicas: 0}}`,
			want:    `{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: shop}, spec: {replicas: 0}}`,
		},
		"the mirror annotation": {
			desired: manager,
			live:    `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: p, namespace: shop, annotations: {sluice.dev/serving: rolled-back}}}`,
			want:    `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: p, namespace: shop, annotations: {sluice.dev/serving: rolled-back}}}`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			before := given(t, c.desired)
			adopted := Adopt([]Object{{Desired: given(t, manager)}, {Desired: before, Live: given(t, c.live)}}, c.serverSide)
			got := adopted[1].Desired
			if got.GetKind() == "Rollout" {
				delete(got.Object, "spec")
			}
			if fields := Fields(got.Object, given(t, c.want).Object); fields != nil {
				t.Errorf("differs in %v:\n%s", fields, mustJSON(t, got))
			}
			if fields := Fields(before.Object, given(t, c.desired).Object); fields != nil && before.GetKind() != "Rollout" {
				t.Errorf("the rendered object itself was changed in %v", fields)
			}
		})
	}
}
