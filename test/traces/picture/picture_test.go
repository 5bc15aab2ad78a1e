package picture

import (
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/test/traces/recording"
)

var names = Names{
	Namespace: "canary-x7k2p",
	Server:    "http://127.0.0.1:40001",
	UIDs: map[string]string{
		"0f0e0d0c-1111-2222-3333-444455556666": "analysisrun/demo-1",
		"aaaaaaaa-1111-2222-3333-444455556666": "job/0f0e0d0c-1111-2222-3333-444455556666.pass.1",
	},
	Random: map[string]string{
		"demo-abc-zx8kq": "demo-abc-",
		"0f0e0d0c-1111-2222-3333-444455556666.pass.1-chqnl": "0f0e0d0c-1111-2222-3333-444455556666.pass.1-",
	},
}

func TestTextLosesWhatDiffersFromRunToRun(t *testing.T) {
	for text, want := range map[string]string{
		"Rollout resource added to informer: canary-x7k2p/demo":       "Rollout resource added to informer: <namespace>/demo",
		"Get \"http://127.0.0.1:40001/ok\": refused":                  "Get \"<server>/ok\": refused",
		"dial tcp 127.0.0.1:40001: refused":                           "dial tcp <server>: refused",
		"0f0e0d0c-1111-2222-3333-444455556666.pass.1":                 "<uid of analysisrun/demo-1>.pass.1",
		"aaaaaaaa-1111-2222-3333-444455556666":                        "<uid of job/<uid of analysisrun/demo-1>.pass.1>",
		"Pod 0f0e0d0c-1111-2222-3333-444455556666.pass.1-chqnl, x":    "Pod <uid of analysisrun/demo-1>.pass.1-<random>, x",
		"uid 0f0e0d0c-1111-2222-3333-444455556667":                    "uid <uid>",
		"until 2026-11-21T13:00:00Z or 2026-11-21T13:00:00.123+01:00": "until <time> or <time>",
		"at 2026-11-21 13:00:00.5 +0000 UTC m=+0.25":                  "at <time>",
		"to headerRoute '&{0xc000a1b2c3 []}'":                         "to headerRoute '&{<pointer> []}'",
		"to headerRoute '[{beta 15419082779408}]'":                    "to headerRoute '[{beta <pointer>}]'",
		"evicted pod demo-abc-zx8kq":                                  "evicted pod demo-abc-<random>",
		"Created ReplicaSet demo-6cf78c66c5 (revision 1)":             "Created ReplicaSet demo-6cf78c66c5 (revision 1)",
		"": "",
	} {
		if got := names.Text(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func object(t *testing.T, text string) Object {
	t.Helper()
	var o Object
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestFlattenNamesEveryScalar(t *testing.T) {
	got := Flatten(object(t, `
a: {b: text, c: 3, d: true, empty: {}, none: null, list: []}
annotations: {example.com/x: "1"}
conditions: [{type: Healthy, status: "True"}, {type: Progressing, status: "False"}]
http: [{name: primary, weight: 10}, {name: primary, weight: 90}]
args: [x, z]
half: 0.5
`))
	want := recording.Facts{
		".a.b": "text", ".a.c": int64(3), ".a.d": true,
		`.annotations["example.com/x"]`: "1",
		".conditions[Healthy].type":     "Healthy", ".conditions[Healthy].status": "True",
		".conditions[Progressing].type": "Progressing", ".conditions[Progressing].status": "False",
		".http[0].name": "primary", ".http[0].weight": int64(10), ".http[1].name": "primary", ".http[1].weight": int64(90),
		".args[0]": "x", ".args[1]": "z", ".half": 0.5,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("facts = %#v\nwant %#v", got, want)
	}
}

func TestRolloutKeepsStatusButNoTimesAndGenerations(t *testing.T) {
	taken := Take(names, map[string]map[string]Object{"rollout": {"demo": object(t, `
metadata:
  name: demo
  uid: 0f0e0d0c-1111-2222-3333-444455556666
  generation: 4
  resourceVersion: "77"
  annotations: {rollout.argoproj.io/revision: "2", kubectl.kubernetes.io/last-applied-configuration: "{}"}
spec: {replicas: 3, selector: {matchLabels: {app: demo}}, template: {}}
status:
  observedGeneration: "4"
  phase: Paused
  abortedAt: "2026-11-21T13:00:00Z"
  blueGreen: {}
  abort: false
  currentStepIndex: 0
  duration: {totalManualPauseDurationSeconds: 3}
`)}})
	want := map[string]recording.Facts{"rollout/demo": {
		`.metadata.annotations["rollout.argoproj.io/revision"]`: "2",
		".spec.replicas":                                   int64(3),
		".status.observedGeneration":                       "<generation, as a string>",
		".status.phase":                                    "Paused",
		".status.abortedAt":                                "<time>",
		".status.currentStepIndex":                         int64(0),
		".status.duration.totalManualPauseDurationSeconds": "<seconds>",
	}}
	if !reflect.DeepEqual(taken, want) {
		t.Errorf("taken = %#v\nwant %#v", taken, want)
	}
}

func TestObservedGenerationThatLagsIsShown(t *testing.T) {
	taken := Take(names, map[string]map[string]Object{"rollout": {"demo": object(t, "{metadata: {generation: 4}, status: {observedGeneration: '3'}}")}})
	if got := taken["rollout/demo"][".status.observedGeneration"]; got != "3" {
		t.Errorf("observedGeneration = %v", got)
	}
}

func TestJobIsNamedAfterItsRun(t *testing.T) {
	taken := Take(names, map[string]map[string]Object{"job": {"0f0e0d0c-1111-2222-3333-444455556666.pass.1": object(t, `
metadata:
  labels: {analysisrun.argoproj.io/uid: 0f0e0d0c-1111-2222-3333-444455556666}
  ownerReferences: [{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, name: demo-1, controller: true, uid: x}]
`)}})
	facts := taken["job/<uid of analysisrun/demo-1>.pass.1"]
	if got := facts[`.metadata.labels["analysisrun.argoproj.io/uid"]`]; got != "<uid of analysisrun/demo-1>" {
		t.Errorf("label = %v in %v", got, taken)
	}
	if got := facts[".metadata.owner"]; got != "argoproj.io/v1alpha1 analysisrun/demo-1 controller" {
		t.Errorf("owner = %v", got)
	}
}

func TestPodsAreCountedByHash(t *testing.T) {
	pod := func(hash, role, ready string, more string) Object {
		return object(t, "{metadata: {labels: {app: demo, role: "+role+", rollouts-pod-template-hash: "+hash+"}"+more+"}, status: {conditions: [{type: Ready, status: '"+ready+"'}]}}")
	}
	taken := Take(names, map[string]map[string]Object{"pod": {
		"a": pod("abc", "stable", "True", ""), "b": pod("abc", "canary", "False", ""), "c": pod("xyz", "canary", "True", ""),
		"d": pod("xyz", "canary", "True", ", deletionTimestamp: '2026-11-21T13:00:00Z'"),
	}})
	want := map[string]recording.Facts{
		"pods/abc": {".count": int64(2), ".ready": int64(1), ".labels.app": "demo", ".labels.role": "canary (1 of 2), stable (1 of 2)"},
		"pods/xyz": {".count": int64(1), ".ready": int64(1), ".labels.app": "demo", ".labels.role": "canary"},
	}
	if !reflect.DeepEqual(taken, want) {
		t.Errorf("taken = %#v\nwant %#v", taken, want)
	}
}

func TestEveryKindOfPictureHasParts(t *testing.T) {
	for kind, parts := range seen {
		for _, part := range parts {
			if strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".") || part == "" {
				t.Errorf("%s: odd part %q", kind, part)
			}
		}
	}
}
