package engine

import (
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	enginehealth "github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/sync"
)

func given(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	obj := &unstructured.Unstructured{}
	if err := obj.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return obj
}

func TestTracking(t *testing.T) {
	cases := map[string]struct{ object, by string }{
		"its own":                      {`{apiVersion: v1, kind: Service, metadata: {name: a, namespace: shop, annotations: {argocd.argoproj.io/tracking-id: "argocd_x:/Service:shop/a"}}}`, "argocd_x"},
		"copied onto another object":   {`{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a-canary, namespace: shop, annotations: {argocd.argoproj.io/tracking-id: "argocd_x:networking.k8s.io/Ingress:shop/a"}}}`, ""},
		"copied into another place":    {`{apiVersion: v1, kind: Service, metadata: {name: a, namespace: mall, annotations: {argocd.argoproj.io/tracking-id: "argocd_x:/Service:shop/a"}}}`, ""},
		"cluster-wide":                 {`{apiVersion: v1, kind: Namespace, metadata: {name: a, annotations: {argocd.argoproj.io/tracking-id: "argocd_x:/Namespace:shop/a"}}}`, "argocd_x"},
		"cluster-wide and copied":      {`{apiVersion: v1, kind: Namespace, metadata: {name: b, annotations: {argocd.argoproj.io/tracking-id: "argocd_x:/Namespace:shop/a"}}}`, ""},
		"none":                         {`{apiVersion: v1, kind: Namespace, metadata: {name: b}}`, ""},
		"something else":               {`{apiVersion: v1, kind: Namespace, metadata: {name: b, annotations: {argocd.argoproj.io/tracking-id: what}}}`, ""},
		"of a group with a namespaced": {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: shop, annotations: {argocd.argoproj.io/tracking-id: "n_x:apps/Deployment:shop/a"}}}`, "n_x"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := trackedBy(given(t, c.object)); got != c.by {
				t.Errorf("got %q, want %q", got, c.by)
			}
		})
	}
	obj := given(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: shop}}`)
	track(obj, Application{Name: "argocd_x", Namespace: "other"})
	if got := trackedBy(obj); got != "argocd_x" {
		t.Errorf("what track wrote is read as %q", got)
	}
	crd := given(t, `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: a}}`)
	track(crd, Application{Name: "argocd_x"})
	if crd.GetAnnotations() != nil {
		t.Errorf("a definition is tracked: %v", crd.GetAnnotations())
	}
}

// What the comparison calls a difference, through gitops-engine's own three-way diff.
func TestDifferences(t *testing.T) {
	rollout := func(spec, rest string) string {
		return `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: a, namespace: shop` + rest + `}, spec: {template: {spec: {containers: [{name: c, image: "i:1", resources: {requests: {cpu: ` + spec + `}}}]}}}`
	}
	service := `{apiVersion: v1, kind: Service, metadata: {name: a, namespace: shop}, spec: {selector: {app: a}, ports: [{port: 80, targetPort: 80, protocol: TCP}]}`
	cases := map[string]struct {
		desired, live, want string
		ignored             []Ignored
	}{
		"another form of the same quantity":       {rollout(`"1"`, "") + "}", rollout("1000m", "") + "}", "", nil},
		"another quantity":                        {rollout(`"1"`, "") + "}", rollout("2000m", "") + "}", "spec.template.spec.containers[0].resources.requests.cpu", nil},
		"the status":                              {rollout("1", "") + "}", rollout("1", "") + ", status: {phase: Healthy}}", "", nil},
		"what the controller adds to the Rollout": {rollout("1", "") + "}", rollout("1", `, annotations: {rollout.argoproj.io/revision: "3", sluice.dev/rollback: "{}"}`) + "}", "", nil},
		"the hash in a Service's selector":        {service + "}", strings.Replace(service, "app: a}", "app: a, rollouts-pod-template-hash: x}", 1) + "}", "", nil},
		"a port of a Service":                     {service + "}", strings.ReplaceAll(service, "targetPort: 80", "targetPort: 81") + "}", "spec.ports[0].targetPort", nil},
		"what is ignored":                         {service + "}", strings.ReplaceAll(service, "targetPort: 80", "targetPort: 81") + "}", "", []Ignored{{Kind: "Service", Pointers: []string{"/spec/ports/0/targetPort"}}}},
		"what is ignored on another object":       {service + "}", strings.ReplaceAll(service, "targetPort: 80", "targetPort: 81") + "}", "spec.ports[0].targetPort", []Ignored{{Kind: "Service", Name: "b", Pointers: []string{"/spec/ports/0/targetPort"}}}},
		"what is ignored in another group":        {service + "}", strings.ReplaceAll(service, "targetPort: 80", "targetPort: 81") + "}", "spec.ports[0].targetPort", []Ignored{{Group: "apps", Kind: "Service", Pointers: []string{"/spec/ports/0/targetPort"}}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			result, err := diff.Diff(given(t, c.desired), given(t, c.live), diff.WithNormalizer(normalizer(c.ignored)))
			if err != nil {
				t.Fatal(err)
			}
			fields, err := changes(result)
			if got := strings.Join(fields, " "); err != nil || got != c.want {
				t.Errorf("differs in %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestRemove(t *testing.T) {
	for pointer, want := range map[string]string{
		"/metadata/annotations/a~1b": "metadata.annotations",
		"/spec/list/1/x":             "spec.list[1].x",
		"/spec/nowhere/x":            "",
		"/spec/list/9/x":             "",
	} {
		before := given(t, `{apiVersion: v1, kind: A, metadata: {name: a, annotations: {a/b: c}}, spec: {list: [{x: 1}, {x: 2, z: 3}]}}`)
		after := before.DeepCopy()
		remove(after.Object, strings.Split(strings.TrimPrefix(pointer, "/"), "/"))
		if len(after.GetAnnotations()) == 0 {
			unstructured.RemoveNestedField(after.Object, "metadata", "annotations")
		}
		if got := strings.Join(sync.Fields(before.Object, after.Object), " "); got != want {
			t.Errorf("%s removes %q, want %q", pointer, got, want)
		}
	}
}

func TestIgnoredFieldsAreKept(t *testing.T) {
	desired := given(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, annotations: {x: git}}, spec: {replicas: 5, paused: true, list: [{z: 1}]}}`)
	live := given(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, annotations: {x: live}}, spec: {replicas: 9, list: [{z: 2}]}}`)
	got := keep(sync.Object{Desired: desired, Live: live}, []Ignored{
		{Group: "apps", Kind: "Deployment", Pointers: []string{"/spec/replicas", "/spec/paused", "/spec/list/0/z", "/spec/nowhere/x"}},
		{Kind: "Service", Pointers: []string{"/metadata/annotations/x"}},
	})
	want := given(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, annotations: {x: git}}, spec: {replicas: 9, list: [{z: 2}]}}`)
	if fields := sync.Fields(got.Object, want.Object); fields != nil {
		t.Errorf("differs in %v: %v", fields, got.Object)
	}
	if desired.Object["spec"].(map[string]any)["replicas"] != int64(5) {
		t.Error("the rendered object itself was changed")
	}
}

// A paused canary must not keep later waves waiting.
func TestWaitingForARollout(t *testing.T) {
	for phase, want := range map[string]enginehealth.HealthStatusCode{
		"Paused": enginehealth.HealthStatusHealthy, "Progressing": enginehealth.HealthStatusProgressing,
		"Healthy": enginehealth.HealthStatusHealthy, "Degraded": enginehealth.HealthStatusDegraded,
	} {
		h, err := override{}.GetResourceHealth(given(t, `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: a}, status: {phase: `+phase+`}}`))
		if err != nil || h == nil || h.Status != want {
			t.Errorf("%s: %+v, %v; want %s", phase, h, err, want)
		}
	}
	if h, err := (override{}).GetResourceHealth(given(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`)); h != nil || err != nil {
		t.Errorf("a ConfigMap: %+v, %v", h, err)
	}
	paused := given(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {paused: true}}`)
	if h, err := (override{}).GetResourceHealth(paused); err != nil || h.Status != enginehealth.HealthStatusSuspended {
		t.Errorf("a paused Deployment: %+v, %v", h, err)
	}
}
