package render

import (
	"encoding/json"
	"strings"
	"testing"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {team: shop}}
spec:
  replicas: 3
  minReadySeconds: 5
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 2, maxUnavailable: 0}}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: web, image: "web:1", ports: [{name: http, containerPort: 8080}, {containerPort: 9090, protocol: UDP}]}]}
`

func TestFromDeployment(t *testing.T) {
	service := "---\napiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {type: NodePort, selector: {app: web}, ports: [{name: http, port: 80, targetPort: http, nodePort: 30080}]}\n"
	scaler := "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: 1, maxReplicas: 4}\n"
	keda := "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: web}\nspec: {scaleTargetRef: {name: web}, triggers: []}\n"
	head := `{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"labels":{"team":"shop"},"name":"web"},"spec":{"minReadySeconds":5,"replicas":3,"selector":{"matchLabels":{"app":"web"}},"strategy":`
	tail := `,"template":{"metadata":{"labels":{"app":"web","tier":"front"}},"spec":{"containers":[{"image":"web:1","name":"web","ports":[{"containerPort":8080,"name":"http","protocol":"TCP"},{"containerPort":9090,"protocol":"UDP"}],"resources":{}}]}}}}`
	copied := `{"apiVersion":"v1","kind":"Service","metadata":{"labels":{"team":"shop"},"name":"%","namespace":""},"spec":{"ports":[{"name":"http","port":80,"targetPort":"http"}],"selector":{"app":"web"}}}`
	like := func(name string) string {
		return strings.Replace(strings.Replace(copied, "%", name, 1), `,"namespace":""`, "", 1)
	}
	one := &FromDeployment{Names: []string{"web"}, Strategy: "canary-1", Pause: "90s"}
	cases := map[string]struct {
		files   string
		options Options
		want    []string // beside what is only there
		err     string
	}{
		"one step":                          {deployment, Options{FromDeployment: one}, []string{head + `{"canary":{"maxSurge":2,"maxUnavailable":0,"steps":[{"setWeight":50},{"pause":{"duration":"90s"}}]}}` + tail}, ""},
		"the preset, for all":               {deployment, Options{FromDeployment: &FromDeployment{Names: []string{"*"}}}, []string{`"steps":[{"setWeight":20},{"pause":{"duration":"1m"}},{"setWeight":40},{"pause":{"duration":"1m"}},{"setWeight":60},{"pause":{"duration":"1m"}},{"setWeight":80},{"pause":{"duration":"1m"}}]`}, ""},
		"by hand":                           {deployment, Options{FromDeployment: &FromDeployment{Names: []string{"web"}, Strategy: "canary-2", Pause: "manual"}}, []string{`"steps":[{"setWeight":33},{"pause":{}},{"setWeight":67},{"pause":{}}]`}, ""},
		"with Services":                     {deployment + service, Options{FromDeployment: one, CreateServices: true}, []string{`"canaryService":"shop-canary"`, `"stableService":"shop"`, like("shop-canary")}, ""},
		"blue-green":                        {deployment + service, Options{FromDeployment: &FromDeployment{Names: []string{"web"}, Strategy: "blueGreen"}}, []string{head + `{"blueGreen":{"activeService":"shop"}}` + tail}, ""},
		"blue-green with Services":          {deployment + service, Options{FromDeployment: &FromDeployment{Names: []string{"web"}, Strategy: "blueGreen"}, CreateServices: true}, []string{`{"blueGreen":{"activeService":"shop","previewService":"shop-preview"}}`, like("shop-preview")}, ""},
		"an autoscaler follows":             {deployment + scaler, Options{FromDeployment: one}, []string{`"scaleTargetRef":{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","name":"web"}`}, ""},
		"KEDA follows":                      {deployment + keda, Options{FromDeployment: one}, []string{`"scaleTargetRef":{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","name":"web"}`}, ""},
		"Services of a Rollout, from ports": {rolloutWithServices, Options{CreateServices: true}, []string{`{"apiVersion":"v1","kind":"Service","metadata":{"name":"new"},"spec":{"ports":[{"name":"port-8080","port":8080,"protocol":"TCP","targetPort":8080}],"selector":{"app":"web"}}}`, `"name":"old"`}, ""},
		"a slip in the name":                {deployment, Options{FromDeployment: &FromDeployment{Names: []string{"wbe"}}}, nil, `fromDeployment: there is no Deployment "wbe": did you mean "web"?`},
		"another name":                      {deployment, Options{FromDeployment: &FromDeployment{Names: []string{"payments"}}}, nil, `fromDeployment: there is no Deployment "payments"; there are [web]`},
		"blue-green without a Service":      {deployment, Options{FromDeployment: &FromDeployment{Names: []string{"web"}, Strategy: "blueGreen"}}, nil, `a.yaml: Deployment web: blueGreen needs a Service for the active pods, and none selects them: add one, or choose canary`},
		"a strategy nobody knows":           {deployment, Options{FromDeployment: &FromDeployment{Names: []string{"web"}, Strategy: "canary-0"}}, nil, `strategy "canary-0" is none of canary, canary-1 to canary-50, blueGreen`},
		"a pause that is none":              {deployment, Options{FromDeployment: &FromDeployment{Names: []string{"web"}, Pause: "soon"}}, nil, `pause "soon" is no duration such as 90s, 5m or 1h, and not manual`},
		"Recreate":                          {strings.Replace(deployment, "{type: RollingUpdate, rollingUpdate: {maxSurge: 2, maxUnavailable: 0}}", "{type: Recreate}", 1), Options{FromDeployment: one}, nil, `a.yaml: Deployment web: strategy Recreate stops the old pods first, which no step of a Rollout does: keep the Deployment, or take the strategy out`},
		"Services without a port":           {strings.Replace(rolloutWithServices, ", ports: [{containerPort: 8080}]", "", 1), Options{CreateServices: true}, nil, `a.yaml: Rollout web: services: create: Service old would have no port: name the ports of the containers`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.options.HideRollbacks = true
			result, err := Render(inline(t, map[string]string{"a.yaml": c.files}), c.options)
			if got := ""; err != nil {
				if got = err.Error(); got != c.err {
					t.Errorf("got %s, want %q", got, c.err)
				}
				return
			}
			if c.err != "" {
				t.Fatalf("want %q", c.err)
			}
			text := ""
			for _, obj := range result.Objects {
				data, err := json.Marshal(obj.Object)
				if err != nil {
					t.Fatal(err)
				}
				text += string(data) + "\n"
			}
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("no  %s\nin\n%s", want, text)
				}
			}
			if len(result.Files) != len(result.Objects) {
				t.Errorf("%d files for %d objects", len(result.Files), len(result.Objects))
			}
		})
	}
}

const rolloutWithServices = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1", ports: [{containerPort: 8080}]}]}}
  strategy: {canary: {canaryService: new, stableService: old}}
`
