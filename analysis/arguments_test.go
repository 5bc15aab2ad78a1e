package analysis

import (
	"strings"
	"testing"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// dedent lets YAML stand indented with tabs in a table.
func dedent(text string) string { return strings.ReplaceAll(text, "\t\t\t", "") }

const rollout = `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: demo, namespace: shop, uid: 4711, labels: {region: eu-1, app.kubernetes.io/name: pay}, annotations: {note: 'say "hi"'}}
spec:
  replicas: 3
  paused: true
  template:
    metadata: {annotations: {example.com/v: "7"}}
    spec: {containers: [{name: app, image: "app:2"}]}
status: {stableRS: 5bd75c6c5b}
`

// The first ones are those of the case analysis-args-from-rollout.
func TestArguments(t *testing.T) {
	for name, c := range map[string]struct{ arg, want, err string }{
		"a literal":                     {`{value: five}`, "five", ""},
		"the hash of the update":        {`{valueFrom: {podTemplateHashValue: Latest}}`, "new", ""},
		"the hash before it":            {`{valueFrom: {podTemplateHashValue: Stable}}`, "old", ""},
		"a label":                       {`{valueFrom: {fieldRef: {fieldPath: "metadata.labels['region']"}}}`, "eu-1", ""},
		"an image":                      {`{valueFrom: {fieldRef: {fieldPath: "spec.template.spec.containers[0].image"}}}`, "app:2", ""},
		"a status":                      {`{valueFrom: {fieldRef: {fieldPath: status.stableRS}}}`, "5bd75c6c5b", ""},
		"a label with dots":             {`{valueFrom: {fieldRef: {fieldPath: "metadata.labels['app.kubernetes.io/name']"}}}`, "pay", ""},
		"a label that is not there":     {`{valueFrom: {fieldRef: {fieldPath: "metadata.labels['absent']"}}}`, "", ""},
		"an annotation":                 {`{valueFrom: {fieldRef: {fieldPath: "metadata.annotations['note']"}}}`, `say "hi"`, ""},
		"all labels":                    {`{valueFrom: {fieldRef: {fieldPath: metadata.labels}}}`, "app.kubernetes.io/name=\"pay\"\nregion=\"eu-1\"", ""},
		"the name":                      {`{valueFrom: {fieldRef: {fieldPath: metadata.name}}}`, "demo", ""},
		"the namespace":                 {`{valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}`, "shop", ""},
		"the uid":                       {`{valueFrom: {fieldRef: {fieldPath: metadata.uid}}}`, "4711", ""},
		"a number":                      {`{valueFrom: {fieldRef: {fieldPath: spec.replicas}}}`, "3", ""},
		"a boolean":                     {`{valueFrom: {fieldRef: {fieldPath: spec.paused}}}`, "true", ""},
		"a key in brackets":             {`{valueFrom: {fieldRef: {fieldPath: "spec.template.metadata.annotations['example.com/v']"}}}`, "7", ""},
		"other metadata":                {`{valueFrom: {fieldRef: {fieldPath: metadata.generation}}}`, "", "unsupported fieldPath: metadata.generation"},
		"an index that is none":         {`{valueFrom: {fieldRef: {fieldPath: "spec.template.spec.containers[app].image"}}}`, "", "invalid index 'app'"},
		"an index beyond the end":       {`{valueFrom: {fieldRef: {fieldPath: "spec.template.spec.containers[1].image"}}}`, "", "index 1 out of range"},
		"an index before the beginning": {`{valueFrom: {fieldRef: {fieldPath: "spec.template.spec.containers[-1].image"}}}`, "", "index -1 out of range"},
		"a path that leads nowhere":     {`{valueFrom: {fieldRef: {fieldPath: spec.absent.deeper}}}`, "", "invalid path spec.absent.deeper in rollout"},
		"a path through a number":       {`{valueFrom: {fieldRef: {fieldPath: spec.replicas.deeper}}}`, "", "invalid path spec.replicas.deeper in rollout"},
		"a path that ends in an object": {`{valueFrom: {fieldRef: {fieldPath: spec.template}}}`, "", "path spec.template in rollout must terminate in a primitive value"},
	} {
		t.Run(name, func(t *testing.T) {
			arg := given[v1alpha1.AnalysisRunArgument](t, c.arg)
			got, err := value(arg, new(given[v1alpha1.Rollout](t, rollout)), "old", "new")
			if got != c.want || text(err) != c.err {
				t.Errorf("got %q, %v; want %q, %s", got, err, c.want, c.err)
			}
		})
	}
	all, err := Arguments(given[v1alpha1.RolloutAnalysis](t, `{args: [{name: a, value: x}, {name: b, valueFrom: {podTemplateHashValue: Latest}}]}`), &v1alpha1.Rollout{}, "old", "new")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, all, given[[]v1alpha1.Argument](t, `[{name: a, value: x}, {name: b, value: new}]`))
	_, err = Arguments(given[v1alpha1.RolloutAnalysis](t, `{args: [{name: b, valueFrom: {fieldRef: {fieldPath: status.stableRS}}}]}`), &v1alpha1.Rollout{}, "", "")
	if want := `argument "b": invalid path status.stableRS in rollout`; text(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestResolve(t *testing.T) {
	metric := `
name: "rate-{{args.path}}"
count: "{{args.times}}"
interval: "{{ args.pause }}"
successCondition: 'result == "{{args.quoted}}" && filter(result, {# > 0})'
provider: {web: {url: "http://x/{{ args.path }}", jsonPath: "{$.value}", headers: [{key: "{{args.path}}", value: "<{{args.path}}>"}], jsonBody: {"{{args.path}}": ["{{args.quoted}}"]}}}`
	args := `[{name: path, value: five}, {name: times, value: "2"}, {name: pause, value: 1s}, {name: quoted, value: "say \"five\"\n"}]`
	got, err := Resolve(given[v1alpha1.Metric](t, metric), given[[]v1alpha1.Argument](t, args))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, given[v1alpha1.Metric](t, `
name: rate-five
count: "2"
interval: 1s
successCondition: "result == \"say \"five\"\n\" && filter(result, {# > 0})"
provider: {web: {url: "http://x/five", jsonPath: "{$.value}", headers: [{key: five, value: "<five>"}], jsonBody: {five: ["say \"five\"\n"]}}}`))
}

// The texts are those of the case analysis-args-unresolved.
func TestResolveRefuses(t *testing.T) {
	for name, c := range map[string]struct{ url, args, want string }{
		"an argument without a value":              {"{{args.host}}", `[{name: host}]`, `argument "host" was not supplied`},
		"an argument that is not declared":         {"{{args.host}}", `[]`, `failed to resolve {{args.host}}`},
		"an argument without a value, not used":    {"x", `[{name: host}]`, `argument "host" was not supplied`},
		"braces of another kind":                   {"{{inputs.host}}", `[{name: host, value: five}]`, `failed to resolve {{inputs.host}}`},
		"braces that are not closed are no braces": {"{{args.host", `[]`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			metric := v1alpha1.Metric{Provider: v1alpha1.MetricProvider{Web: &v1alpha1.WebMetric{URL: c.url}}}
			got, err := Resolve(metric, given[[]v1alpha1.Argument](t, c.args))
			if text(err) != c.want || got.Provider.Web.URL != c.url {
				t.Errorf("got %q, %v; want %s", got.Provider.Web.URL, err, c.want)
			}
		})
	}
}

func TestSecretsStayHidden(t *testing.T) {
	args := given[[]v1alpha1.Argument](t, `[{name: a, value: x}, {name: b, value: ignored, valueFrom: {secretKeyRef: {name: s, key: k}}}]`)
	equal(t, Masked(args)[1].Value, Mask)
	equal(t, Supply(args, map[string]string{"b": "hush", "a": "no"}), given[[]v1alpha1.Argument](t, `[{name: a, value: x}, {name: b, value: hush, valueFrom: {secretKeyRef: {name: s, key: k}}}]`))
	if got := Supply(args, nil); got[1].Value != nil {
		t.Error("a secret that nobody read has a value")
	}
	for name, c := range map[string]struct {
		text    string
		secrets []string
		want    string
	}{
		"as it is":               {"Get http://x/hidden-path: refused", []string{"hidden-path"}, "Get http://x/*****: refused"},
		"escaped in a path":      {"Get http://x/a%20b", []string{"a b"}, "Get http://x/*****"},
		"escaped in a query":     {"Get http://x/?q=a+b%26c", []string{"a b&c"}, "Get http://x/?q=*****"},
		"in quotes":              {`parse "a\"b"`, []string{`a"b`}, `parse "*****"`},
		"in JSON":                {`{"x":"\u003ca\u003e"}`, []string{`<a>`}, `{"x":"*****"}`},
		"one inside another":     {"abcdef abc", []string{"abc", "abcdef"}, "***** *****"},
		"an empty one is none":   {"text", []string{""}, "text"},
		"several, several times": {"a1 b2 a1", []string{"a1", "b2"}, "***** ***** *****"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Hide(c.text, c.secrets); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
