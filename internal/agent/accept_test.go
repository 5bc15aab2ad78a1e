package agent

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/sync"
	"github.com/sluice-delivery/sluice/sync/engine"
)

const head = `{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop, namespace: argocd}, `

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

// The Application of the user document, word for word.
const document = `
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: payments-api
  namespace: argocd
spec:
  source:
    repoURL: https://github.com/my-org/payments-api
    path: deploy/
    targetRevision: HEAD
  destination:
    server: https://kubernetes.default.svc
    namespace: production
  syncPolicy:
    automated:
      prune: true
      selfHeal: true
`

func TestAcceptTheUserDocument(t *testing.T) {
	r, err := accept(given(t, document))
	if err != nil {
		t.Fatal(err)
	}
	want := sync.Policy{Automated: true, Prune: true, SelfHeal: true, Retry: sync.DefaultRetry}
	if r.policy != want || r.app.Name != "argocd_payments-api" || r.app.Namespace != "production" || r.render.Path != "deploy/" || r.repository.URL != "https://github.com/my-org/payments-api" {
		t.Errorf("read as %+v", r)
	}
}

func TestAcceptReadsEveryField(t *testing.T) {
	r, err := accept(given(t, head+`spec: {project: p, revisionHistoryLimit: 3, info: [{name: a, value: b}],
source: {repoURL: "https://u:pw@h/r.git", path: a, targetRevision: v1, kustomize: {namePrefix: x, images: [a=b:1], replicas: [{name: web, count: 2}]}},
destination: {name: in-cluster, namespace: mall},
syncPolicy: {automated: {enabled: true, prune: false, allowEmpty: true}, syncOptions: [CreateNamespace=true, ServerSideApply=true, PruneLast=true, PrunePropagationPolicy=background],
retry: {limit: 2, backoff: {duration: "7", factor: 3, maxDuration: 2m}}},
ignoreDifferences: [{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}]}, operation: {sync: {prune: true}, initiatedBy: {username: ada}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if r.policy != (sync.Policy{Automated: true, AllowEmpty: true, Retry: sync.Retry{Limit: 2, Duration: 7 * time.Second, Factor: 3, Max: 2 * time.Minute}}) {
		t.Errorf("policy %+v", r.policy)
	}
	if s := r.settings; !s.CreateNamespace || !s.PruneLast || s.Propagation != "background" || !r.app.ServerSide {
		t.Errorf("settings %+v", s)
	}
	if r.repository.URL != "https://h/r.git" || r.repository.Password != "pw" || r.render.Kustomize.Replicas["web"] != 2 || r.history != 3 || len(r.app.Ignored) != 1 {
		t.Errorf("read as %+v", r)
	}
	if shown := string(comparedTo(r)); strings.Contains(shown, "pw") {
		t.Errorf("the status shows the password: %s", shown)
	}
}

func TestAcceptRefusesByName(t *testing.T) {
	const rest = `source: {repoURL: "https://h/r", path: a}, destination: {namespace: mall}`
	cases := map[string]struct{ spec, want string }{
		"fields of other tools":           {`{source: {repoURL: "https://h/r", helm: {values: x}, chart: c, kustomize: {forceCommonLabels: true}}, sources: [], destination: {namespace: mall}}`, "not supported: spec.source.chart, spec.source.helm, spec.source.kustomize.forceCommonLabels, spec.sources"},
		"a field in a list":               {`{` + rest + `, ignoreDifferences: [{kind: A}, {kind: B, jqPathExpressions: [.x]}]}`, "not supported: spec.ignoreDifferences[1].jqPathExpressions"},
		"a typing error":                  {`{` + rest + `, syncPolicy: {automated: {selfheal: true}}}`, "not supported: spec.syncPolicy.automated.selfheal"},
		"an option":                       {`{` + rest + `, syncPolicy: {syncOptions: [FailOnSharedResource=true]}}`, "not supported: spec.syncPolicy.syncOptions: FailOnSharedResource=true"},
		"another cluster":                 {`{source: {repoURL: "https://h/r"}, destination: {server: "https://other", namespace: mall}}`, "spec.destination: only the agent's own cluster is supported: server https://kubernetes.default.svc, or name in-cluster"},
		"no namespace":                    {`{source: {repoURL: "https://h/r"}, destination: {name: in-cluster}}`, "spec.destination.namespace is required"},
		"no source":                       {`{destination: {namespace: mall}}`, "spec.source.repoURL is required"},
		"a source by ssh":                 {`{source: {repoURL: "ssh://git@h/r"}, destination: {namespace: mall}}`, "repository ssh://h/r: only http and https are supported"},
		"a wrong type":                    {`{source: {repoURL: [1]}, destination: {namespace: mall}}`, "cannot unmarshal array into Go struct field Source.spec.source.repoURL of type string"},
		"a duration that is none":         {`{` + rest + `, syncPolicy: {retry: {backoff: {duration: soon}}}}`, `spec.syncPolicy.retry.backoff.duration: "soon" is no duration`},
		"a pointer that is none":          {`{` + rest + `, ignoreDifferences: [{kind: A, jsonPointers: [spec]}]}`, `spec.ignoreDifferences[0].jsonPointers: "spec" does not begin with a slash`},
		"a request that is not supported": {`{` + rest + `}, operation: {sync: {dryRun: true}}`, "not supported: operation.sync.dryRun"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := accept(given(t, head+`spec: `+c.spec+`}`)); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestForeign(t *testing.T) {
	cases := map[string]struct {
		rest    string
		foreign bool
	}{
		"a new one":                 {`metadata: {name: a}}`, false},
		"one with an empty status":  {`metadata: {name: a}, status: {}}`, false},
		"one of Argo CD":            {`metadata: {name: a}, status: {sync: {status: Synced}}}`, true},
		"one of ours":               {`metadata: {name: a, annotations: {sluice.dev/agent: "{}"}}, status: {sync: {status: Synced}}}`, false},
		"one of Argo CD, annotated": {`metadata: {name: a, annotations: {other: "{}"}}, status: {controllerNamespace: argocd}}`, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := foreign(given(t, `{apiVersion: argoproj.io/v1alpha1, kind: Application, `+c.rest)); (got != "") != c.foreign {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestSourceKey(t *testing.T) {
	key := func(source string) string {
		r, err := accept(given(t, head+`spec: {source: `+source+`, destination: {namespace: mall}}}`))
		if err != nil {
			t.Fatal(err)
		}
		return r.sourceKey()
	}
	base := key(`{repoURL: "https://h/r", path: a, targetRevision: main}`)
	if key(`{repoURL: "https://h/r", path: a, targetRevision: v1}`) != base || key(`{repoURL: "https://u:pw@h/r", path: a}`) != base {
		t.Error("what only names a commit, or a password, changes the source")
	}
	if key(`{repoURL: "https://h/r", path: b}`) == base || key(`{repoURL: "https://h/r", path: a, kustomize: {namePrefix: x}}`) == base {
		t.Error("other settings do not change the source")
	}
}

func TestAttempted(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	done := func(commit, phase string, heal, byHand bool) *running {
		return &running{Operation: engine.Operation{Commit: commit, Phase: phase}, heal: heal, byHand: byHand}
	}
	before := &sync.Attempt{Commit: "c1", Succeeded: true, Heals: 3, Failures: 0}
	failed := &sync.Attempt{Commit: "c1", Heals: 3, Failures: 2}
	cases := map[string]struct {
		before          *sync.Attempt
		done            *running
		heals, failures int
	}{
		"the first":                {nil, done("c1", "Succeeded", false, false), 0, 0},
		"a heal":                   {before, done("c1", "Succeeded", true, false), 4, 0},
		"a new commit":             {before, done("c2", "Succeeded", false, false), 0, 0},
		"a person":                 {before, done("c1", "Succeeded", false, true), 0, 0},
		"a failure":                {before, done("c1", "Failed", true, false), 4, 1},
		"another failure":          {failed, done("c1", "Error", false, false), 3, 3},
		"a failure of a new one":   {failed, done("c2", "Failed", false, false), 0, 1},
		"a success after failures": {failed, done("c1", "Succeeded", false, false), 3, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := attempted(c.before, c.done, now); got.Heals != c.heals || got.Failures != c.failures || !got.Finished.Equal(now) {
				t.Errorf("got %+v, want %d heals and %d failures", got, c.heals, c.failures)
			}
		})
	}
}
