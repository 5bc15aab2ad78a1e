package lint_test

import (
	"os"
	"strings"
	"testing"

	"github.com/sluice-delivery/sluice/internal/cli/lint"
)

// The words are those of spec 12.2 to 12.4; the four document-… files are the manifests of the user's document.
func TestFile(t *testing.T) {
	const countless = "warning: spec.strategy.canary.steps[1].analysis.templates: AnalysisTemplate success-rate has metric " +
		"success-rate with an interval and no count: its first success completes it, failureLimit fails it"
	for file, want := range map[string][]string{
		"document-canary.yaml":    nil,
		"document-bluegreen.yaml": nil,
		"document-analysis.yaml":  {countless},
		"document-header.yaml": {
			"warning: spec.strategy.canary.steps[0].setHeaderRoute: route canary-header is treated as managed; Argo Rollouts wants it in trafficRouting.managedRoutes",
			"warning: spec.strategy.canary.steps[0].setHeaderRoute: Argo Rollouts refuses header routes with NGINX",
		},
		"wrong-values.yaml": {
			"Invalid value: 101: SetWeight needs to be between 0 and 100",
			"Invalid value: -1: Duration needs to be greater than 0",
			"Required value: SetCanaryScale requires TrafficRouting to be set",
			`Invalid value: "web-canary": Service "web-canary" has unmatch label "tier" in rollout`,
			`Invalid value: "blueGreen: true canary: true": Multiple Strategies can not be listed`,
		},
		"wrong-fields.yaml": {
			`Rollout web: unknown field "spec.Replicas"`,
			`Rollout web: unknown field "spec.strategy.canary.stepz"`,
			`Rollout web: unknown field "spec.template.spec.containers[0].imagee"`,
			`Service web: unknown field "spec.port"`,
			`Ingress web: unknown field "spec.rulez"`,
			`Service twice: yaml: unmarshal errors: line 5: key "spec" already set in map`,
		},
		"wrong.json": {
			"Rollout json: json: cannot unmarshal string into Go struct field RolloutSpec.spec.replicas of type int32",
			"Required value: Rollout has missing field '.spec.selector'",
			"Required value", // spec.template.spec.containers
			"Required value: Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'",
		},
	} {
		t.Run(file, func(t *testing.T) {
			content, err := os.ReadFile("../../../testdata/cli/lint/" + file)
			if err != nil {
				t.Fatal(err)
			}
			report := lint.File(content)
			var got []string
			for _, w := range report.Warnings {
				got = append(got, "warning: "+w)
			}
			for _, f := range report.Faults {
				got = append(got, f.Body)
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func TestFileSaysWhere(t *testing.T) {
	report := lint.File([]byte(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
  strategy: {canary: {steps: [{setWeight: 101}]}}
`))
	want := "spec.strategy.steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100"
	if len(report.Faults) != 1 || report.Faults[0].Text != want {
		t.Errorf("got %v, want %s", report.Faults, want)
	}
}

func TestFileThatIsNoManifest(t *testing.T) {
	for name, file := range map[string]string{
		"YAML that does not parse": "kind: [",
		"JSON that ends too soon":  `{"kind": "Rollout"`,
	} {
		t.Run(name, func(t *testing.T) {
			if report := lint.File([]byte(file)); len(report.Faults) != 1 || strings.Contains(report.Faults[0].Body, "\n") {
				t.Errorf("got %q", report.Faults)
			}
		})
	}
	if report := lint.File(nil); len(report.Faults)+len(report.Warnings) > 0 {
		t.Errorf("an empty file: %v", report)
	}
}
