package analysis

import (
	"encoding/json"
	"errors"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// given reads a value from YAML, which is how people write it.
func given[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	if err := yaml.UnmarshalStrict([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// templates reads templates: names of cluster-wide ones begin with an asterisk.
func templates(t *testing.T, text string) Templates {
	t.Helper()
	all := Templates{Namespaced: map[string]*v1alpha1.AnalysisTemplate{}, Cluster: map[string]*v1alpha1.ClusterAnalysisTemplate{}}
	for name, spec := range given[map[string]v1alpha1.AnalysisTemplateSpec](t, text) {
		if name[0] == '*' {
			all.Cluster[name[1:]] = &v1alpha1.ClusterAnalysisTemplate{Spec: spec}
		} else {
			all.Namespaced[name] = &v1alpha1.AnalysisTemplate{Spec: spec}
		}
	}
	return all
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// equal compares as JSON, which is how it is stored.
func equal(t *testing.T, got, want any) {
	t.Helper()
	g, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	w, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(g) != string(w) {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

func TestSpec(t *testing.T) {
	for name, c := range map[string]struct{ templates, analysis, args, want string }{
		"templates, those they name and the cluster's come in this order (case analysis-several-templates)": {`
			branch: {args: [{name: a}, {name: b, value: "2"}], templates: [{templateName: leaf}], dryRun: [{metricName: branch-metric}], metrics: [{name: branch-metric, provider: {}}]}
			leaf: {args: [{name: a, value: "1"}], metrics: [{name: leaf-metric, provider: {}}]}
			"*wide": {args: [{name: c, value: "3"}], measurementRetention: [{metricName: wide-metric, limit: 1}], metrics: [{name: wide-metric, count: 2, interval: 1s, provider: {}}]}`,
			`{templates: [{templateName: wide, clusterScope: true}, {templateName: branch}, {templateName: leaf}], measurementRetention: [{metricName: leaf, limit: 4}]}`, `[]`, `
			args: [{name: a, value: "1"}, {name: b, value: "2"}, {name: c, value: "3"}]
			dryRun: [{metricName: branch-metric}]
			measurementRetention: [{metricName: leaf, limit: 4}, {metricName: wide-metric, limit: 1}]
			metrics: [{name: branch-metric, provider: {}}, {name: leaf-metric, provider: {}}, {name: wide-metric, count: 2, interval: 1s, provider: {}}]`},
		"templates that name each other are taken once": {`
			a: {templates: [{templateName: b}], metrics: [{name: one, provider: {}}]}
			b: {templates: [{templateName: a}], metrics: [{name: two, provider: {}}]}`,
			`{templates: [{templateName: a}]}`, `[]`, `metrics: [{name: one, provider: {}}, {name: two, provider: {}}]`},
		"templates of the same name in both scopes are two": {`
			a: {metrics: [{name: one, provider: {}}]}
			"*a": {metrics: [{name: two, provider: {}}]}`,
			`{templates: [{templateName: a, clusterScope: true}, {templateName: a}]}`, `[]`, `metrics: [{name: one, provider: {}}, {name: two, provider: {}}]`},
		"only declared arguments are kept, and what comes in wins": {`
			a: {args: [{name: kept, value: template}, {name: over, value: template}], metrics: [{name: one, provider: {}}]}`,
			`{templates: [{templateName: a}]}`, `[{name: over, value: rollout}, {name: unknown, value: x}]`, `
			args: [{name: kept, value: template}, {name: over, value: rollout}]
			metrics: [{name: one, provider: {}}]`},
		"an argument from a Secret needs no value": {`
			a: {args: [{name: token, valueFrom: {secretKeyRef: {name: s, key: k}}}], metrics: [{name: one, provider: {}}]}`,
			`{templates: [{templateName: a}]}`, `[]`, `
			args: [{name: token, valueFrom: {secretKeyRef: {name: s, key: k}}}]
			metrics: [{name: one, provider: {}}]`},
		"a value replaces a Secret": {`
			a: {args: [{name: token, valueFrom: {secretKeyRef: {name: s, key: k}}}], metrics: [{name: one, provider: {}}]}`,
			`{templates: [{templateName: a}]}`, `[{name: token, value: plain}]`, `
			args: [{name: token, value: plain}]
			metrics: [{name: one, provider: {}}]`},
		"the caller's rules come first": {`
			a: {dryRun: [{metricName: one}], metrics: [{name: one, provider: {}}]}`,
			`{templates: [{templateName: a}], dryRun: [{metricName: two}]}`, `[]`, `
			dryRun: [{metricName: two}, {metricName: one}]
			metrics: [{name: one, provider: {}}]`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Spec(given[v1alpha1.RolloutAnalysis](t, c.analysis), templates(t, dedent(c.templates)), given[[]v1alpha1.Argument](t, c.args))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, got, given[v1alpha1.AnalysisRunSpec](t, dedent(c.want)))
		})
	}
}

// The texts are those of the case analysis-template-clashes.
func TestSpecRefuses(t *testing.T) {
	for name, c := range map[string]struct{ templates, refs, want string }{
		"two metrics of one name": {
			`{one: {metrics: [{name: rate, provider: {}}]}, two: {metrics: [{name: rate, provider: {}}]}}`,
			`[{templateName: one}, {templateName: two}]`, `two metrics have the same name 'rate'`},
		"an argument with two defaults": {
			`{three: {args: [{name: x, value: "1"}]}, four: {args: [{name: x, value: "2"}]}}`,
			`[{templateName: three}, {templateName: four}]`, "Argument `x` specified multiple times with different values: '1', '2'"},
		"an argument without a value": {
			`{five: {args: [{name: host}]}}`, `[{templateName: five}]`, `args.host was not resolved`},
		"two dry-run rules of one name": {
			`{six: {dryRun: [{metricName: d}]}, seven: {dryRun: [{metricName: d}]}}`,
			`[{templateName: six}, {templateName: seven}]`, `two Dry-Run metric rules have the same name 'd'`},
		"two retention rules of one name": {
			`{six: {measurementRetention: [{metricName: d, limit: 1}]}, seven: {measurementRetention: [{metricName: d, limit: 2}]}}`,
			`[{templateName: six}, {templateName: seven}]`, `two Measurement Retention metric rules have the same name 'd'`},
		"a template that does not exist": {`{}`, `[{templateName: probe}]`, `AnalysisTemplate 'probe' not found`},
		"a nested one":                   {`{outer: {templates: [{templateName: inner}]}}`, `[{templateName: outer}]`, `AnalysisTemplate 'inner' not found`},
		"a cluster-wide one, not ours":   {`{wide: {}}`, `[{templateName: wide, clusterScope: true}]`, `ClusterAnalysisTemplate 'wide' not found`},
		"ours, where only a wide one is": {`{"*wide": {}}`, `[{templateName: wide}]`, `AnalysisTemplate 'wide' not found`},
		"the same default twice is no clash, but a nil value is": {
			`{a: {args: [{name: x}]}, b: {args: [{name: x}]}}`, `[{templateName: a}, {templateName: b}]`, `args.x was not resolved`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Spec(v1alpha1.RolloutAnalysis{Templates: given[[]v1alpha1.TemplateRef](t, c.refs)}, templates(t, c.templates), nil)
			if text(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	_, err := Spec(v1alpha1.RolloutAnalysis{Templates: []v1alpha1.TemplateRef{{TemplateName: "outer"}}}, templates(t, `{outer: {templates: [{templateName: inner}]}}`), nil)
	if missing := (NotFound{}); !errors.As(err, &missing) || !missing.Nested {
		t.Errorf("%v should say that a template names the missing one", err)
	}
}

func TestSpecIsACopy(t *testing.T) {
	all := templates(t, `{a: {args: [{name: x, value: "1"}], metrics: [{name: one, count: 2, provider: {}}]}}`)
	spec, err := Spec(v1alpha1.RolloutAnalysis{Templates: []v1alpha1.TemplateRef{{TemplateName: "a"}}}, all, nil)
	if err != nil {
		t.Fatal(err)
	}
	*spec.Args[0].Value, spec.Metrics[0].Count.IntVal = "2", 9
	equal(t, all.Namespaced["a"].Spec, given[v1alpha1.AnalysisTemplateSpec](t, `{args: [{name: x, value: "1"}], metrics: [{name: one, count: 2, provider: {}}]}`))
}
