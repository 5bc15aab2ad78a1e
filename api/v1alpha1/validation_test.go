package v1alpha1_test

import (
	"reflect"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const sound = `selector: {matchLabels: {app: demo}}, template: {metadata: {labels: {app: demo}}, spec: {containers: [{name: app, image: "app:1"}]}}`

func spec(rest string) string { return "{" + sound + ", " + rest + "}" }

func onCanary(rest string) string { return spec("strategy: {canary: {" + rest + "}}") }

func onRouter(router, rest string) string {
	return onCanary("canaryService: c, stableService: s, trafficRouting: {" + router + "}, " + rest)
}

const (
	nginxRouter = "nginx: {stableIngress: i}"
	istioRouter = "istio: {virtualService: {name: v}}"
	albRouter   = "alb: {ingress: i, servicePort: 80}"
)

func texts(errs field.ErrorList) string {
	var lines []string
	for _, err := range errs {
		lines = append(lines, v1alpha1.ErrorText(err))
	}
	return strings.Join(lines, "\n")
}

// What was recorded is checked by TestRecordedMessages; here is the rest of spec 12.2, and ours of spec 18.
func TestValidateSpec(t *testing.T) {
	for name, tc := range map[string]struct{ spec, want string }{
		"a sound canary":                   {onCanary(""), ""},
		"a sound blue-green":               {spec("strategy: {blueGreen: {activeService: a}}"), ""},
		"a workload instead of a template": {`{workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}, strategy: {canary: {}}}`, ""},
		"fewer than no pods":               {spec("replicas: -1, strategy: {canary: {}}"), `spec.replicas: Invalid value: -1: must be greater than or equal to 0`},
		"no selector": {
			`{template: {metadata: {labels: {app: demo}}, spec: {containers: [{name: app, image: "app:1"}]}}, strategy: {canary: {}}}`,
			`spec.selector: Required value: Rollout has missing field '.spec.selector'`},
		"a template beside a workload": {
			spec("workloadRef: {name: web}, strategy: {canary: {}}"), `spec.template: Internal error: template must be empty for workload reference rollout`},
		"a selector nobody can read": {
			`{selector: {matchExpressions: [{key: app, operator: Like, values: [a]}]}, workloadRef: {name: web}, strategy: {canary: {}}}`,
			`spec.selector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator` + "\n" +
				`spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Like","values":["a"]}]}: invalid label selector`},
		"no containers": {
			`{selector: {matchLabels: {app: demo}}, template: {metadata: {labels: {app: demo}}, spec: {containers: []}}, strategy: {canary: {}}}`,
			`spec.template.spec.containers: Required value`},
		"two containers of a name": {
			`{selector: {matchLabels: {app: demo}}, template: {metadata: {labels: {app: demo}}, spec: {containers: [{name: a, image: b}, {name: a, image: b}]}}, strategy: {canary: {}}}`,
			`spec.template.spec.containers[1].name: Duplicate value: "a"`},
		"negative limits": {
			spec("minReadySeconds: 5, revisionHistoryLimit: -1, progressDeadlineSeconds: -2, strategy: {canary: {}}"),
			`spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0` + "\n" +
				`spec.progressDeadlineSeconds: Invalid value: -2: must be greater than or equal to 0` + "\n" +
				`spec.progressDeadlineSeconds: Invalid value: -2: must be greater than minReadySeconds`},
		"a wait beyond the usual deadline": {
			spec("minReadySeconds: 600, strategy: {canary: {}}"), `spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds`},
		"all errors, in order": {
			`{replicas: -1, selector: {}, template: {metadata: {labels: {app: demo}}, spec: {containers: [{name: app}]}}}`,
			`spec.replicas: Invalid value: -1: must be greater than or equal to 0` + "\n" +
				`spec.selector: Invalid value: {}: empty selector is invalid for deployment` + "\n" +
				`spec.template.spec.containers[0].image: Required value` + "\n" +
				`spec.strategy.strategy: Required value: Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'`},
		"more delayed revisions than are kept": {
			spec("strategy: {blueGreen: {activeService: a, scaleDownDelayRevisionLimit: 11}}"),
			`spec.strategy.scaleDownDelayRevisionLimit: Invalid value: 11: This rollout's revision history limit can not be smaller than the rollout's scale down limit`},
		"an affinity of no kind": {
			spec("strategy: {blueGreen: {activeService: a, antiAffinity: {}}}"),
			`spec.strategy.antiAffinity: Invalid value: "antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: false antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: false": AntiAffinity must have exactly one strategy listed`},
		"ping without pong": {
			onCanary("pingPong: {pingService: a, pongService: ''}"), `spec.strategy.pingPong.pongService: Invalid value: "": Ping service and Pong service must to be set to use Ping-Pong feature`},
		"ping-pong without a router is accepted":          {onCanary("pingPong: {pingService: a, pongService: b}"), ""},
		"a router with ping-pong needs no other Services": {onCanary("pingPong: {pingService: a, pongService: b}, trafficRouting: {alb: {ingress: i, servicePort: 80, rootService: r}}"), ""},
		"subsets need no Services":                        {onCanary("trafficRouting: {istio: {virtualService: {name: v}, destinationRule: {name: d, canarySubsetName: c, stableSubsetName: s}}}"), ""},
		"plugins need no Services":                        {onCanary("trafficRouting: {plugins: {a/b: {}}}"), ""},
		"a router with one Service": {
			onCanary("stableService: s, trafficRouting: {smi: {}}"), `spec.strategy.canaryService: Invalid value: "": Canary service and Stable service must to be set to use Traffic Routing`},
		"plugins have their own full weight":     {onRouter("maxTrafficWeight: 1000, plugins: {a/b: {}}", "steps: [{setWeight: 1000}]"), ""},
		"a negative weight":                      {onCanary("steps: [{setWeight: -1}]"), `spec.strategy.steps[0].setWeight: Invalid value: -1: SetWeight needs to be between 0 and 100`},
		"a pause of zero seconds":                {onCanary("steps: [{pause: {duration: 0}}]"), ""},
		"a scale beside a weight is not refused": {onRouter(nginxRouter, "steps: [{setWeight: 1, setCanaryScale: {replicas: 1}}]"), ""},
		"a header route without a router":        {onCanary("steps: [{setHeaderRoute: {name: h}}]"), `spec.strategy.steps[0].setHeaderRoute: Invalid value: {"name":"h"}: SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix`},
		"a header route that goes away":          {onRouter(istioRouter, "steps: [{setHeaderRoute: {name: h}}]"), ""},
		"a header route on NGINX":                {onRouter(nginxRouter, "steps: [{setHeaderRoute: {name: h, match: [{headerName: X-Canary, headerValue: {exact: 'true'}}]}}]"), ""},
		"two headers on NGINX": {
			onRouter(nginxRouter, "steps: [{setHeaderRoute: {name: h, match: [{headerName: a, headerValue: {exact: b}}, {headerName: c, headerValue: {exact: d}}]}}]"),
			`spec.strategy.steps[0].setHeaderRoute.match: Invalid value: [{"headerName":"a","headerValue":{"exact":"b"}},{"headerName":"c","headerValue":{"exact":"d"}}]: SetHeaderRoute match invalid. NGINX supports one header only`},
		"a prefix on NGINX": {
			onRouter(nginxRouter, "steps: [{setHeaderRoute: {name: h, match: [{headerName: a, headerValue: {prefix: b}}]}}]"),
			`spec.strategy.steps[0].setHeaderRoute.match[0].headerValue.prefix: Invalid value: "b": SetHeaderRoute match value invalid. NGINX supports 'exact' value only`},
		"a pattern on NGINX": {
			onRouter(nginxRouter, "steps: [{setHeaderRoute: {name: h, match: [{headerName: a, headerValue: {regex: b}}]}}]"),
			`spec.strategy.steps[0].setHeaderRoute.match[0].headerValue.regex: Invalid value: "b": SetHeaderRoute match value invalid. NGINX supports 'exact' value only`},
		"a header without a value, which the API server refuses": {
			onRouter(albRouter, "steps: [{setHeaderRoute: {name: h, match: [{headerName: a}]}}]"),
			`spec.strategy.steps[0].setHeaderRoute.match[0]: Invalid value: null: StringMatch value missed, match value must have one of the following: exact, regex, prefix`},
		"a mirror of two kinds of path": {
			onRouter(istioRouter, "steps: [{setMirrorRoute: {name: m, match: [{path: {exact: /, regex: .*}}]}}]"),
			`spec.strategy.steps[0].setMirrorRoute.match[0]: Invalid value: {"exact":"/","regex":".*"}: StringMatch match value must have exactly one of the following: exact, regex, prefix`},
		"headers of a mirror are not looked at": {onRouter(istioRouter, "steps: [{setMirrorRoute: {name: m, match: [{headers: {a: {}}}]}}]"), ""},
		"a mirror that is not in the list": {
			onRouter("managedRoutes: [{name: a}], "+istioRouter, "steps: [{setMirrorRoute: {name: m}}]"),
			`spec.strategy.steps[0].setMirrorRoute: Invalid value: "m": Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes`},
		"an experiment with a weight on NGINX": {
			onRouter(nginxRouter, "steps: [{experiment: {templates: [{name: t, specRef: canary, weight: 5}]}}]"),
			`spec.strategy.steps[0].experiment.templates[0].weight: Invalid value: 5: Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and Plugins at this time`},
		"an argument of metadata that pods don't have": {
			onCanary("steps: [{analysis: {args: [{name: a, valueFrom: {fieldRef: {fieldPath: metadata.generation}}}]}}]"),
			`spec.strategy.steps[0].analyses: Invalid value: "metadata.generation": Analyses arguments must refer to valid object metadata supported by downwardAPI`},
		"an argument of a label, and one of the status": {
			onCanary(`steps: [{analysis: {args: [{name: a, valueFrom: {fieldRef: {fieldPath: "metadata.labels['x.y/z']"}}}, {name: b, valueFrom: {fieldRef: {fieldPath: status.stableRS}}}]}}]`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := texts(v1alpha1.ValidateSpec(rollout(t, tc.spec))); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestTheAPIServerHasTheLastWordAboutTemplates(t *testing.T) {
	const named = `{selector: {matchLabels: {app: other}}, template: {metadata: {labels: {app: demo}}, spec: {containers: [{name: App_1, image: a}]}}, strategy: {canary: {}}}`
	said := []v1alpha1.TemplateError{
		{Field: "spec.template.metadata.labels", Type: "FieldValueInvalid", Message: "Invalid value: {\"app\":\"demo\",\"rollouts-pod-template-hash\":\"x\"}: `selector` does not match template `labels`"},
		{Field: "spec.template.spec.containers[0].name", Type: "FieldValueInvalid", Message: `Invalid value: "App_1": a lowercase RFC 1123 label must …`},
		{Field: "spec.template.spec.containers[0].image", Type: "FieldValueRequired", Message: "Required value"},
		{Field: "spec.template.spec.hostNetwork", Type: "FieldValueForbidden", Message: "Forbidden: may not be set"},
		{Field: "spec.template.spec.restartPolicy", Type: "FieldValueNotSupported", Message: `Unsupported value: "Never": supported values: "Always"`},
	}
	want := "spec.template.metadata.labels: Invalid value: {\"app\":\"demo\"}: `selector` does not match template `labels`\n" +
		`spec.template.spec.containers[0].name: Invalid value: "App_1": a lowercase RFC 1123 label must …` + "\n" +
		`spec.template.spec.containers[0].image: Required value` + "\n" +
		`spec.template.spec.hostNetwork: Forbidden: may not be set` + "\n" +
		`spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"`
	if got := texts(v1alpha1.Validate(rollout(t, named), v1alpha1.References{TemplateErrors: said})); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestValidateReferences(t *testing.T) {
	for name, tc := range map[string]struct {
		spec string
		refs v1alpha1.References
		want string
	}{
		"a workload that cannot be read is told without a path": {
			`{workloadRef: {name: web}}`, v1alpha1.References{WorkloadError: `deployments.apps "ns/web" not found`}, `deployments.apps "ns/web" not found`},
		"a missing Service comes before one that does not fit": {
			spec("strategy: {blueGreen: {activeService: a, previewService: p}}"),
			v1alpha1.References{Services: services(t, `{metadata: {name: a, annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: other}}, spec: {selector: {app: x, rollouts-pod-template-hash: y}}}`)},
			`spec.strategy.blueGreen.previewService: Invalid value: "p": service "p" not found` + "\n" +
				`spec.strategy.blueGreen.activeService: Invalid value: "a": Service "a" has unmatch label "app" in rollout` + "\n" +
				`spec.strategy.blueGreen.activeService: Invalid value: "a": Service "a" is managed by another Rollout`},
		"a Service of our own fits": {
			onCanary("stableService: a"),
			v1alpha1.References{Services: services(t, `{metadata: {name: a, annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: demo}}, spec: {selector: {app: demo, rollouts-pod-template-hash: y}}}`)},
			""},
		"templates that name each other": {
			onCanary("analysis: {templates: [{templateName: a}]}"),
			v1alpha1.References{AnalysisTemplates: map[string]*v1alpha1.AnalysisTemplate{
				"a": decode[v1alpha1.AnalysisTemplate](t, "spec: {templates: [{templateName: b}, {templateName: c, clusterScope: true}]}"),
				"b": decode[v1alpha1.AnalysisTemplate](t, "spec: {templates: [{templateName: a}]}"),
			}},
			`spec.templates: Invalid value: "c": ClusterAnalysisTemplate 'c' not found`},
		"what analysis said of the content": {
			onCanary("analysis: {templates: [{templateName: a}]}"),
			v1alpha1.References{
				AnalysisTemplates: map[string]*v1alpha1.AnalysisTemplate{"a": {}},
				AnalysisErrors:    []v1alpha1.ReferenceError{{Path: "spec.strategy.canary.analysis.templates", Value: "templateNames: [a]", Message: "args.x was not resolved"}},
			},
			`spec.strategy.canary.analysis.templates: Invalid value: "templateNames: [a]": args.x was not resolved`},
		"ALB is looked at before NGINX, and by its root Service": {
			onRouter("alb: {ingresses: [a, b], servicePort: 80, rootService: r}, "+nginxRouter, ""),
			v1alpha1.References{Services: services(t, "{metadata: {name: c}}", "{metadata: {name: s}}"), Ingresses: map[string]*networkingv1.Ingress{"b": leading("s")}},
			`spec.strategy.canary.trafficRouting.alb.ingresses: Invalid value: "a": ingress.networking.k8s.io "a" not found` + "\n" +
				"spec.strategy.canary.trafficRouting.alb.ingresses: Invalid value: \"b\": ingress `b` has no rules using service r backend"},
		"an ingress that leads to the stable Service": {
			onRouter(nginxRouter, ""),
			v1alpha1.References{Services: services(t, "{metadata: {name: c}}", "{metadata: {name: s}}"), Ingresses: map[string]*networkingv1.Ingress{"i": leading("s")}},
			""},
		"neither one VirtualService nor several": {
			onCanary("trafficRouting: {istio: {destinationRule: {name: d, canarySubsetName: c, stableSubsetName: s}}}"),
			v1alpha1.References{}, `spec.strategy.canary.trafficRouting.istio: Internal error: either VirtualService or VirtualServices must be configured`},
		"a VirtualService that does not exist, in the API server's words": {
			onCanary("trafficRouting: {istio: {virtualServices: [{name: v.other}, {name: w}], destinationRule: {name: d, canarySubsetName: c, stableSubsetName: s}}}"),
			v1alpha1.References{NotFound: map[string]string{"VirtualService/v.other": `virtualservices.networking.istio.io "v" not found`}},
			`spec.strategy.canary.trafficRouting.istio.virtualServices.name: Invalid value: "v.other": virtualservices.networking.istio.io "v" not found` + "\n" +
				`spec.strategy.canary.trafficRouting.istio.virtualServices.name: Invalid value: "w": virtualservices.networking.istio.io "w" not found`},
		"a VirtualService whose routes do not fit": {
			onCanary("trafficRouting: {istio: {virtualService: {name: v}, destinationRule: {name: d, canarySubsetName: c, stableSubsetName: s}}}"),
			v1alpha1.References{
				VirtualServices:      map[string]*unstructured.Unstructured{"v": {}},
				VirtualServiceErrors: map[string]string{"v": "Istio VirtualService has invalid HTTP routes. Error: why"},
			},
			`spec.strategy.canary.trafficRouting.istio.virtualService.name: Invalid value: "v": Istio VirtualService has invalid HTTP routes. Error: why`},
		"no mappings": {
			onRouter("ambassador: {mappings: []}", ""), v1alpha1.References{Services: services(t, "{metadata: {name: c}}", "{metadata: {name: s}}")},
			`spec.strategy.canary.trafficRouting.ambassador.mappings: Invalid value: []: must provide at least one mapping`},
		"no service of a mesh": {
			onRouter("appMesh: {}", ""), v1alpha1.References{Services: services(t, "{metadata: {name: c}}", "{metadata: {name: s}}")},
			`spec.strategy.canary.trafficRouting.appMesh.virtualService: Invalid value: null: must provide virtual-service`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := texts(v1alpha1.Validate(rollout(t, tc.spec), tc.refs)); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestLintDoesNotMindWhatIsElsewhere(t *testing.T) {
	r := rollout(t, onRouter(istioRouter, "analysis: {templates: [{templateName: a}]}"))
	if got := texts(v1alpha1.Lint(r, v1alpha1.References{})); got != "" {
		t.Errorf("got %s", got)
	}
	file := v1alpha1.References{
		Services:             services(t, `{metadata: {name: s}, spec: {selector: {app: x}}}`),
		VirtualServiceErrors: map[string]string{"v": "why"},
	}
	want := `spec.strategy.canary.stableService: Invalid value: "s": Service "s" has unmatch label "app" in rollout` + "\n" +
		`spec.strategy.canary.trafficRouting.istio.virtualService.name: Invalid value: "v": why`
	if got := texts(v1alpha1.Lint(r, file)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestValidationLeavesItsArgumentsAlone(t *testing.T) {
	r := rollout(t, onRouter(nginxRouter, "steps: [{setWeight: 200}, {pause: {duration: x}}]"))
	refs := v1alpha1.References{Services: services(t, "{metadata: {name: s}, spec: {selector: {app: x}}}")}
	before, service := r.DeepCopy(), refs.Services["s"].DeepCopy()
	if len(v1alpha1.Validate(r, refs)) == 0 {
		t.Error("nothing was wrong")
	}
	if !reflect.DeepEqual(r, before) || !reflect.DeepEqual(refs.Services["s"], service) {
		t.Errorf("changed to %+v, %+v", r, refs.Services["s"])
	}
}
