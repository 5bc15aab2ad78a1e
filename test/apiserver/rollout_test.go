//go:build apiserver

package apiserver

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// A place is a namespace of a test's own.
type place struct {
	*testing.T
	ctx       context.Context
	namespace string
}

func in(t *testing.T) *place {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("api-%08x", rand.Uint32())}}
	if err := cluster.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Delete(context.Background(), ns) })
	return &place{t, t.Context(), ns.Name}
}

func (p *place) create(text string, options ...client.CreateOption) error {
	p.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		p.Fatal(err)
	}
	if o.GetAPIVersion() == "" {
		o.SetAPIVersion("argoproj.io/v1alpha1")
	}
	o.SetNamespace(p.namespace)
	return cluster.Create(p.ctx, o, options...)
}

func (p *place) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *place) key(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: p.namespace, Name: name}
}

func (p *place) rollout(name string) *v1alpha1.Rollout {
	p.Helper()
	r := &v1alpha1.Rollout{}
	p.must(cluster.Get(p.ctx, p.key(name), r))
	return r
}

func (p *place) patch(o client.Object, name, body string) error {
	o.SetNamespace(p.namespace)
	o.SetName(name)
	return cluster.Patch(p.ctx, o, client.RawPatch(types.MergePatchType, []byte(body)))
}

// until waits for a Rollout to be as check says; a text tells what is still wrong.
func (p *place) until(name string, limit time.Duration, check func(*v1alpha1.Rollout) string) *v1alpha1.Rollout {
	p.Helper()
	r := &v1alpha1.Rollout{}
	err := wait(p.ctx, limit, func() error {
		if err := cluster.Get(p.ctx, p.key(name), r); err != nil {
			return err
		}
		if wrong := check(r); wrong != "" {
			return fmt.Errorf("%s (phase %s: %s)", wrong, r.Status.Phase, r.Status.Message)
		}
		return nil
	})
	if err != nil {
		p.Fatalf("rollout %s: %v", name, err)
	}
	return r
}

func phase(want v1alpha1.RolloutPhase) func(*v1alpha1.Rollout) string {
	return func(r *v1alpha1.Rollout) string {
		if got, _ := v1alpha1.ClientPhase(r); got != want {
			return fmt.Sprintf("%s, want %s", got, want)
		}
		return ""
	}
}

// events of a Rollout, each as often as it occurred.
func (p *place) events(name, reason string) (messages []string) {
	p.Helper()
	var list corev1.EventList
	p.must(cluster.List(p.ctx, &list, client.InNamespace(p.namespace)))
	for _, e := range list.Items {
		if e.InvolvedObject.Kind == "Rollout" && e.InvolvedObject.Name == name && e.Reason == reason {
			for range e.Count {
				messages = append(messages, e.Message)
			}
		}
	}
	return messages
}

const canary = `
kind: Rollout
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "app:1"}]}
  strategy: {canary: {steps: [{setWeight: 34}, {pause: {}}]}}
`

const service = `
apiVersion: v1
kind: Service
metadata: {name: %s}
spec: {selector: {app: web}, ports: [{port: 80}]}
`

func TestTheSchemaRefusesWrongTypes(t *testing.T) {
	p := in(t)
	for name, tc := range map[string]struct{ text, want string }{
		"a text for a number":        {strings.Replace(canary, "replicas: 3", `replicas: many`, 1), "spec.replicas"},
		"a list for an object":       {strings.Replace(canary, "strategy: {canary", "strategy: {canary: [], x", 1), "spec.strategy.canary"},
		"a text where a list is due": {strings.Replace(canary, "[{setWeight: 34}, {pause: {}}]", "none", 1), "spec.strategy.canary.steps"},
	} {
		t.Run(name, func(t *testing.T) {
			err := p.create(tc.text)
			if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want Invalid with %s", err, tc.want)
			}
		})
	}
}

func TestAnUnknownFieldIsDroppedOrRefused(t *testing.T) {
	p := in(t)
	text := strings.Replace(canary, "  replicas: 3\n", "  replicas: 0\n  colour: red\n", 1)
	if err := p.create(text, client.FieldValidation(metav1.FieldValidationStrict)); err == nil || !strings.Contains(err.Error(), `unknown field "spec.colour"`) {
		t.Errorf("strictly: error %v", err)
	}
	p.must(p.create(text))
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(v1alpha1.RolloutGroupVersionKind)
	p.must(cluster.Get(p.ctx, p.key("web"), o))
	if _, found, _ := unstructured.NestedString(o.Object, "spec", "colour"); found {
		t.Error("the unknown field was stored")
	}
}

func TestTheSelectorCannotBeChanged(t *testing.T) {
	p := in(t)
	p.must(p.create(strings.Replace(canary, "replicas: 3", "replicas: 0", 1)))
	err := p.patch(&v1alpha1.Rollout{}, "web", `{"spec":{"selector":{"matchLabels":{"app":"other"}}}}`)
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), ".spec.selector is immutable") {
		t.Errorf("error %v", err)
	}
}

func TestScaleSubresource(t *testing.T) {
	p := in(t)
	p.must(p.create(canary))
	p.until("web", 30*time.Second, phase(v1alpha1.RolloutPhaseHealthy))
	scale := &autoscalingv1.Scale{}
	r := p.rollout("web")
	p.must(cluster.SubResource("scale").Get(p.ctx, r, scale))
	if scale.Spec.Replicas != 3 || scale.Status.Replicas != 3 || scale.Status.Selector != "app=web" {
		t.Errorf("scale = %+v %+v", scale.Spec, scale.Status)
	}
	scale.Spec.Replicas = 5
	p.must(cluster.SubResource("scale").Update(p.ctx, r, client.WithSubResourceBody(scale)))
	p.until("web", 30*time.Second, func(r *v1alpha1.Rollout) string {
		if r.Status.AvailableReplicas != 5 || r.Status.HPAReplicas != 5 {
			return fmt.Sprintf("%d available, %d counted", r.Status.AvailableReplicas, r.Status.HPAReplicas)
		}
		return ""
	})
}

func TestAHorizontalAutoscalerScalesARollout(t *testing.T) {
	p := in(t)
	p.must(p.create(canary))
	p.until("web", 30*time.Second, phase(v1alpha1.RolloutPhaseHealthy))
	// Below its minimum an autoscaler acts without asking for any metric.
	p.must(p.create(`
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web}
  minReplicas: 6
  maxReplicas: 8
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
`))
	p.until("web", 60*time.Second, func(r *v1alpha1.Rollout) string {
		if r.Status.AvailableReplicas != 6 {
			return fmt.Sprintf("%d available, want 6", r.Status.AvailableReplicas)
		}
		return ""
	})
}

func TestAnInvalidSpecIsToldAndRecoversByItself(t *testing.T) {
	p := in(t)
	p.must(p.create(strings.Replace(canary, "canary: {steps", "canary: {canaryService: late, stableService: never-changed, steps", 1)))
	p.must(p.create(fmt.Sprintf(service, "never-changed")))
	r := p.until("web", 15*time.Second, func(r *v1alpha1.Rollout) string {
		want := `InvalidSpec: The Rollout "web" is invalid: spec.strategy.canary.canaryService: Invalid value: "late": service "late" not found`
		if r.Status.Phase != v1alpha1.RolloutPhaseDegraded || r.Status.Message != want {
			return "not told"
		}
		return ""
	})
	var sets appsv1.ReplicaSetList
	p.must(cluster.List(p.ctx, &sets, client.InNamespace(p.namespace)))
	if len(sets.Items) > 0 || r.Status.ObservedGeneration != fmt.Sprint(r.Generation) {
		t.Errorf("%d replicasets, observed %s of generation %d", len(sets.Items), r.Status.ObservedGeneration, r.Generation)
	}
	p.must(p.create(fmt.Sprintf(service, "late")))
	p.until("web", 30*time.Second, phase(v1alpha1.RolloutPhaseHealthy))
}

func TestWhatTheAPIServerSaysToAPodTemplateIsToldAsItsPath(t *testing.T) {
	p := in(t)
	p.must(p.create(strings.Replace(canary, `image: "app:1"`, `image: "app:1", ports: [{containerPort: 70000}]`, 1)))
	p.until("web", 15*time.Second, func(r *v1alpha1.Rollout) string {
		if !strings.HasPrefix(r.Status.Message, `InvalidSpec: The Rollout "web" is invalid: spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 70000: `) {
			return "not told"
		}
		return ""
	})
}

func TestASelectorThatSomebodyRewritesIsRepairedWithinASecond(t *testing.T) {
	p := in(t)
	for _, name := range []string{"web-canary", "web-stable"} {
		p.must(p.create(fmt.Sprintf(service, name)))
	}
	p.must(p.create(strings.Replace(canary, "canary: {steps", "canary: {canaryService: web-canary, stableService: web-stable, steps", 1)))
	r := p.until("web", 30*time.Second, phase(v1alpha1.RolloutPhaseHealthy))
	pointed := func() error {
		svc := &corev1.Service{}
		p.must(cluster.Get(p.ctx, p.key("web-stable"), svc))
		if got := svc.Spec.Selector[v1alpha1.DefaultRolloutUniqueLabelKey]; got != r.Status.StableRS {
			return fmt.Errorf("the selector says %q", got)
		}
		return nil
	}
	p.must(wait(p.ctx, 10*time.Second, pointed))
	for _, body := range []string{
		`{"spec":{"selector":{"rollouts-pod-template-hash":null}}}`,
		`{"spec":{"selector":{"rollouts-pod-template-hash":"other"}}}`,
	} {
		p.must(p.patch(&corev1.Service{}, "web-stable", body))
		if err := wait(p.ctx, time.Second, pointed); err != nil {
			t.Errorf("after %s: %v", body, err)
		}
	}
}

func TestServicesAreGivenBackWhenTheRolloutGoesOrNamesThemNoLonger(t *testing.T) {
	p := in(t)
	for _, name := range []string{"web-canary", "web-stable"} {
		p.must(p.create(fmt.Sprintf(service, name)))
	}
	p.must(p.create(strings.Replace(canary, "canary: {steps", "canary: {canaryService: web-canary, stableService: web-stable, steps", 1)))
	p.until("web", 30*time.Second, phase(v1alpha1.RolloutPhaseHealthy))
	is := func(name string, managed bool) func() error {
		return func() error {
			svc := &corev1.Service{}
			p.must(cluster.Get(p.ctx, p.key(name), svc))
			if _, has := svc.Spec.Selector[v1alpha1.DefaultRolloutUniqueLabelKey]; has != managed {
				return fmt.Errorf("selector of %s: %v", name, svc.Spec.Selector)
			}
			if manager := svc.Annotations[v1alpha1.ManagedByRolloutsAnnotation]; (manager == "web") != managed {
				return fmt.Errorf("%s is managed by %q", name, manager)
			}
			return nil
		}
	}
	p.must(wait(p.ctx, 10*time.Second, is("web-stable", true)))
	p.must(wait(p.ctx, 10*time.Second, is("web-canary", true)))
	p.must(p.patch(&v1alpha1.Rollout{}, "web", `{"spec":{"strategy":{"canary":{"canaryService":null}}}}`))
	p.must(wait(p.ctx, 10*time.Second, is("web-canary", false)))
	p.must(is("web-stable", true)())
	p.must(cluster.Delete(p.ctx, p.rollout("web")))
	p.must(wait(p.ctx, 10*time.Second, is("web-stable", false)))
	p.must(wait(p.ctx, 10*time.Second, func() error {
		if told := p.events("web", v1alpha1.EventRolloutDeleted); len(told) != 1 {
			return fmt.Errorf("told %q", told)
		}
		return nil
	}))
}

func TestAnOrphanedReplicaSetIsAdoptedAndOneThatNoLongerFitsReleased(t *testing.T) {
	p := in(t)
	p.must(p.create(canary))
	r := p.until("web", 30*time.Second, phase(v1alpha1.RolloutPhaseHealthy))
	name := "web-" + r.Status.StableRS
	p.must(p.patch(&appsv1.ReplicaSet{}, name, `{"metadata":{"ownerReferences":null}}`))
	owned := func(want bool) func() error {
		return func() error {
			rs := &appsv1.ReplicaSet{}
			p.must(cluster.Get(p.ctx, p.key(name), rs))
			if metav1.IsControlledBy(rs, r) != want {
				return fmt.Errorf("owners %v", rs.OwnerReferences)
			}
			return nil
		}
	}
	p.must(wait(p.ctx, 10*time.Second, owned(true)))
	p.must(p.patch(&v1alpha1.Rollout{}, "web", `{"spec":{"paused":true}}`)) // so that nothing else happens
	p.must(p.patch(&appsv1.ReplicaSet{}, name, `{"metadata":{"labels":{"app":"stranger"}}}`))
	p.must(wait(p.ctx, 10*time.Second, owned(false)))
}

func TestSomebodyElseWritesAllTheTime(t *testing.T) {
	p := in(t)
	p.must(p.create(strings.Replace(canary, "[{setWeight: 34}, {pause: {}}]", "[{setWeight: 34}, {pause: {duration: 1}}, {setWeight: 67}, {pause: {duration: 1}}]", 1)))
	p.until("web", 30*time.Second, phase(v1alpha1.RolloutPhaseHealthy))
	before := len(p.events("web", v1alpha1.EventScalingReplicaSet))
	ctx, stop := context.WithCancel(p.ctx)
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		for i := 0; ctx.Err() == nil; i++ {
			body := fmt.Sprintf(`{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"%d"}}}`, i)
			_ = p.patch(&v1alpha1.Rollout{}, "web", body)
			time.Sleep(10 * time.Millisecond)
		}
	}()
	p.must(p.patch(&v1alpha1.Rollout{}, "web", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app:2"}]}}}}`))
	p.until("web", 60*time.Second, func(r *v1alpha1.Rollout) string {
		if r.Status.StableRS != r.Status.CurrentPodHash || r.Annotations[v1alpha1.RevisionAnnotation] != "2" {
			return "not promoted"
		}
		return phase(v1alpha1.RolloutPhaseHealthy)(r)
	})
	stop()
	<-quiet
	// Three up, three down, one at a time; none told twice although many a write had to be tried again.
	seen := map[string]int{}
	for _, message := range p.events("web", v1alpha1.EventScalingReplicaSet)[before:] {
		seen[message]++
	}
	for message, n := range seen {
		if n > 1 {
			t.Errorf("told %d times: %s", n, message)
		}
	}
	if len(seen) < 6 {
		t.Errorf("only %d sizes: %v", len(seen), seen)
	}
}

func TestAMalformedObjectBlocksNobody(t *testing.T) {
	p := in(t)
	p.must(p.create(`
kind: AnalysisTemplate
metadata: {name: fine}
spec: {metrics: [{name: m, successCondition: "true", provider: {web: {url: "http://127.0.0.1:1/"}}}]}
`))
	p.must(p.create(strings.Replace(canary, "{setWeight: 34}", "{setWeight: 34}, {analysis: {templates: [{templateName: fine}]}}", 1)))
	p.until("web", 30*time.Second, phase(v1alpha1.RolloutPhaseHealthy))
	p.must(malform(p.ctx, "while-running"))
	told := func(name string) func() error {
		return func() error {
			at := &place{t, p.ctx, "malformed"}
			for _, message := range at.events(name, v1alpha1.EventReconciliationError) {
				if strings.Contains(message, "malformed/"+name+" is not what its API says") {
					return nil
				}
			}
			return fmt.Errorf("nobody told of malformed/%s", name)
		}
	}
	p.must(wait(p.ctx, 20*time.Second, told("before")))
	p.must(wait(p.ctx, 20*time.Second, told("while-running")))
	// The others go on: a new Rollout, and a change of one that is there.
	p.must(p.create(strings.Replace(canary, "metadata: {name: web}", "metadata: {name: web2}", 1)))
	p.until("web2", 30*time.Second, phase(v1alpha1.RolloutPhaseHealthy))
	p.must(p.patch(&v1alpha1.Rollout{}, "web", `{"spec":{"replicas":4}}`))
	p.until("web", 30*time.Second, func(r *v1alpha1.Rollout) string {
		if r.Status.AvailableReplicas != 4 {
			return "not scaled"
		}
		return ""
	})
	// A malformed one is touched by nobody.
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(v1alpha1.RolloutGroupVersionKind)
	p.must(cluster.Get(p.ctx, client.ObjectKey{Namespace: "malformed", Name: "before"}, o))
	if _, has := o.Object["status"]; has {
		t.Errorf("status %v", o.Object["status"])
	}
}

func TestObjectsOfAnotherInstanceAreLeftAlone(t *testing.T) {
	p := in(t)
	p.must(p.create(strings.Replace(canary, "metadata: {name: web}", "metadata: {name: other, labels: {argo-rollouts.argoproj.io/controller-instance-id: other}}", 1)))
	p.must(p.create(canary))
	p.until("web", 30*time.Second, phase(v1alpha1.RolloutPhaseHealthy))
	if other := p.rollout("other"); other.Status.Phase != "" || len(other.Annotations) > 0 {
		t.Errorf("status %+v, annotations %v", other.Status, other.Annotations)
	}
}

const mesh = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]ss.networking.istio.io}
spec:
  group: networking.istio.io
  names: {kind: %[2]s, listKind: %[2]sList, plural: %[1]ss, singular: %[1]s}
  scope: Namespaced
  versions: [{name: v1alpha3, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`

// The controller runs before the mesh is installed; it finds it when a Rollout needs it, and tidies up behind one.
func TestAMeshThatIsInstalledLaterIsSteeredAndGivenBack(t *testing.T) {
	p := in(t)
	text := strings.Replace(canary, "canary: {steps", `canary: {trafficRouting: {istio: {virtualService: {name: web}, destinationRule: {name: web, canarySubsetName: canary, stableSubsetName: stable}}}, steps`, 1)
	p.must(p.create(text))
	p.until("web", 15*time.Second, func(r *v1alpha1.Rollout) string {
		if !strings.Contains(r.Status.Message, `spec.strategy.canary.trafficRouting.istio.virtualService.name: Invalid value: "web": `) {
			return "the missing kind is not told"
		}
		return ""
	})
	for plural, kind := range map[string]string{"virtualservice": "VirtualService", "destinationrule": "DestinationRule"} {
		crd := &unstructured.Unstructured{}
		p.must(yaml.Unmarshal(fmt.Appendf(nil, mesh, plural, kind), &crd.Object))
		p.must(cluster.Create(p.ctx, crd))
		t.Cleanup(func() { _ = cluster.Delete(context.Background(), crd) })
	}
	for _, object := range []string{`
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - route:
    - {destination: {host: web, subset: stable}, weight: 100}
    - {destination: {host: web, subset: canary}, weight: 0}
`, `
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: web}
spec:
  host: web
  subsets:
  - {name: stable, labels: {app: web}}
  - {name: canary, labels: {app: web}}
`} {
		p.must(wait(p.ctx, 20*time.Second, func() error { return p.create(object) }))
	}
	p.until("web", 60*time.Second, phase(v1alpha1.RolloutPhaseHealthy))
	p.must(p.patch(&v1alpha1.Rollout{}, "web", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app:2"}]}}}}`))
	p.until("web", 30*time.Second, phase(v1alpha1.RolloutPhasePaused))
	read := func(kind string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{}
		o.SetAPIVersion("networking.istio.io/v1alpha3")
		o.SetKind(kind)
		p.must(cluster.Get(p.ctx, p.key("web"), o))
		return o
	}
	text = fmt.Sprint(read("VirtualService").Object["spec"])
	if !strings.Contains(text, "subset:stable] weight:66") || !strings.Contains(text, "subset:canary] weight:34") {
		t.Errorf("virtual service %s", text)
	}
	p.must(p.patch(read("VirtualService"), "web", `{"spec":{"http":[{"route":[
		{"destination":{"host":"web","subset":"stable"},"weight":1},{"destination":{"host":"web","subset":"canary"},"weight":99}]}]}}`))
	p.must(wait(p.ctx, time.Second, func() error {
		if text := fmt.Sprint(read("VirtualService").Object["spec"]); !strings.Contains(text, "subset:canary] weight:34") {
			return fmt.Errorf("not repaired: %s", text)
		}
		return nil
	}))
	hashes := func() int {
		return strings.Count(fmt.Sprint(read("DestinationRule").Object), v1alpha1.DefaultRolloutUniqueLabelKey)
	}
	if hashes() != 2 || read("DestinationRule").GetAnnotations()[v1alpha1.ManagedByRolloutsAnnotation] != "web" {
		t.Errorf("destination rule %v", read("DestinationRule").Object)
	}
	p.must(cluster.Delete(p.ctx, p.rollout("web")))
	p.must(wait(p.ctx, 15*time.Second, func() error {
		if o := read("DestinationRule"); hashes() > 0 || o.GetAnnotations()[v1alpha1.ManagedByRolloutsAnnotation] != "" {
			return fmt.Errorf("not given back: %v", o.Object)
		}
		return nil
	}))
}
