package analysis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const probes = `
plain: {metrics: [{name: a, provider: {}}]}
one: {metrics: [{name: rate, provider: {}}]}
two: {metrics: [{name: rate, provider: {}}]}
host: {args: [{name: host}], metrics: [{name: b, successCondition: "result == {{args.host}}", provider: {}}]}
undeclared: {metrics: [{name: c, successCondition: "result == {{args.gone}}", provider: {}}]}
both: {args: [{name: x, value: "1", valueFrom: {secretKeyRef: {name: s, key: k}}}], metrics: [{name: d, provider: {}}]}
endless: {metrics: [{name: success-rate, interval: 1m, failureLimit: 3, provider: {}}]}
`

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct{ strategy, want string }{
		"nothing is wrong": {`canary: {steps: [{analysis: {templates: [{templateName: plain}, {templateName: host}], args: [{name: host, value: x}]}}]}`, ``},
		"names clash": {`canary: {steps: [{setWeight: 5}, {analysis: {templates: [{templateName: one}, {templateName: two}]}}]}`,
			`spec.strategy.canary.steps[1].analysis.templates: templateNames: [one two]: two metrics have the same name 'rate'`},
		"an argument is missing in the background": {`canary: {analysis: {templates: [{templateName: host}]}}`,
			`spec.strategy.canary.analysis.templates: templateNames: [host]: args.host was not resolved`},
		"a field that is not there yet counts as given": {`canary: {steps: [{analysis: {templates: [{templateName: host}], args: [{name: host, valueFrom: {fieldRef: {fieldPath: status.stableRS}}}]}}]}`, ``},
		"a metric names an argument that nobody declares": {`canary: {steps: [{analysis: {templates: [{templateName: undeclared}]}}]}`,
			`spec.strategy.canary.steps[0].analysis.templates: undeclared: AnalysisTemplate undeclared: failed to resolve {{args.gone}}`},
		"in the background that is not looked at": {`canary: {analysis: {templates: [{templateName: undeclared}]}}`, ``},
		"a value and a Secret": {`canary: {steps: [{analysis: {templates: [{templateName: both}]}}]}`,
			`spec.strategy.canary.steps[0].analysis.templates: both: arg 'x' has both Value and ValueFrom fields`},
		"a template that is missing is left to validation": {`canary: {steps: [{analysis: {templates: [{templateName: absent}]}}]}`, ``},
		"before and after a promotion, in this order": {`blueGreen: {activeService: a, postPromotionAnalysis: {templates: [{templateName: host}]}, prePromotionAnalysis: {templates: [{templateName: host}]}}`,
			`spec.strategy.blueGreen.prePromotionAnalysis.templates: templateNames: [host]: args.host was not resolved
			spec.strategy.blueGreen.postPromotionAnalysis.templates: templateNames: [host]: args.host was not resolved`},
		"steps before the background": {`canary: {analysis: {templates: [{templateName: host}]}, steps: [{analysis: {templates: [{templateName: host}]}}]}`,
			`spec.strategy.canary.steps[0].analysis.templates: templateNames: [host]: args.host was not resolved
			spec.strategy.canary.analysis.templates: templateNames: [host]: args.host was not resolved`},
		"an endless metric is accepted": {`canary: {steps: [{analysis: {templates: [{templateName: endless}]}}]}`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			found := Check(rolloutWith(t, c.strategy), templates(t, probes))
			if got := printed(found); got != dedent(c.want) {
				t.Errorf("got  %s\nwant %s", got, dedent(c.want))
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	const says = "AnalysisTemplate endless has metric success-rate with an interval and no count: its first success completes it, failureLimit fails it"
	for name, c := range map[string]struct{ strategy, want string }{
		"in a step": {`canary: {steps: [{analysis: {templates: [{templateName: plain}, {templateName: endless}]}}]}`,
			"spec.strategy.canary.steps[0].analysis.templates: endless: " + says},
		"before a promotion": {`blueGreen: {activeService: a, prePromotionAnalysis: {templates: [{templateName: endless}]}}`,
			"spec.strategy.blueGreen.prePromotionAnalysis.templates: endless: " + says},
		"not in the background": {`canary: {analysis: {templates: [{templateName: endless}]}}`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			if got := printed(Warnings(rolloutWith(t, c.strategy), templates(t, probes))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func rolloutWith(t *testing.T, strategy string) *v1alpha1.Rollout {
	t.Helper()
	return &v1alpha1.Rollout{Spec: v1alpha1.RolloutSpec{Strategy: given[v1alpha1.RolloutStrategy](t, strategy)}}
}

func printed(all []v1alpha1.ReferenceError) string {
	var lines []string
	for _, one := range all {
		lines = append(lines, fmt.Sprintf("%s: %v: %s", one.Path, one.Value, one.Message))
	}
	return strings.Join(lines, "\n")
}
