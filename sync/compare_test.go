package sync

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func given(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	if text == "" {
		return nil
	}
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

// rollout is a live Rollout at generation 4 with the given status and annotations.
func rollout(t *testing.T, annotations, status string) *unstructured.Unstructured {
	t.Helper()
	return given(t, `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: p, namespace: shop, generation: 4, annotations: {rollout.argoproj.io/revision: "3"`+annotations+`}},
spec: {template: {spec: {containers: [{name: c, image: "p:1.4.4"}]}}, strategy: {canary: {steps: [{setWeight: 5}, {pause: {}}, {setWeight: 50}]}}}, status: `+status+`}`)
}

const annotation = `, sluice.dev/rollback: '{"wanted":{"images":["p:1.4.4"],"hash":"bad","revision":"3"},"serving":{"images":["p:1.4.3"],"hash":"good","revision":"2"},"analysisRun":"p-bad-3-7","metric":"success-rate","value":"[0.8]","condition":"result[0] >= 0.99","since":"2026-11-20T09:30:00Z"}'`

func TestCompare(t *testing.T) {
	service := given(t, `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}}`)
	tolerated := given(t, `{apiVersion: v1, kind: Service, metadata: {name: s, annotations: {argocd.argoproj.io/compare-options: IgnoreExtraneous}}}`)
	const aborted = `{observedGeneration: "4", currentPodHash: bad, stableRS: good, abort: true, abortedAt: "2026-11-20T09:30:00Z", phase: Degraded, message: "RolloutAborted: gone"}`
	cases := map[string]struct {
		object  Object
		status  Status
		reason  Reason
		message string
	}{
		"Git and the cluster agree":               {Object{Desired: service, Live: service}, Synced, "", ""},
		"a field differs":                         {Object{Desired: service, Live: service, Changes: []string{"spec.ports"}}, OutOfSync, Drift, "differs from Git in spec.ports"},
		"many fields differ":                      {Object{Desired: service, Live: service, Changes: strings.Split("abcdefg", "")}, OutOfSync, Drift, "differs from Git in a, b, c, d, e and 2 more"},
		"the cluster lacks it":                    {Object{Desired: service}, OutOfSync, Missing, "is in Git and not in the cluster"},
		"Git lacks it":                            {Object{Live: service}, OutOfSync, Extraneous, "is in the cluster and not in Git any more"},
		"Git lacks it and nobody minds":           {Object{Live: tolerated}, Synced, Extraneous, "is in the cluster and not in Git any more"},
		"what Git wants serves":                   {same(rollout(t, "", `{observedGeneration: "4", currentPodHash: bad, stableRS: bad, phase: Healthy}`)), Synced, "", ""},
		"a rollout was not observed yet":          {same(rollout(t, "", `{observedGeneration: "3", currentPodHash: good, stableRS: good, phase: Healthy}`)), Synced, RollingOut, "rolling out: step 0 of 3"},
		"a rollout is on its way":                 {same(rollout(t, "", `{observedGeneration: "4", currentPodHash: bad, stableRS: good, currentStepIndex: 1, phase: Paused}`)), Synced, RollingOut, "rolling out: step 1 of 3"},
		"a rollout never served":                  {same(rollout(t, "", `{observedGeneration: "4", currentPodHash: bad, phase: Progressing}`)), Synced, RollingOut, "rolling out: step 0 of 3"},
		"a rollout has no status":                 {same(rollout(t, "", `{}`)), Synced, RollingOut, "rolling out: step 0 of 3"},
		"a deadline was missed without a abort":   {same(rollout(t, "", `{observedGeneration: "4", currentPodHash: bad, stableRS: good, phase: Degraded, conditions: [{type: Progressing, reason: ProgressDeadlineExceeded}]}`)), Synced, RollingOut, "rolling out: step 0 of 3"},
		"it was aborted and field drift hides it": {Object{Desired: service, Live: rollout(t, annotation, aborted), Changes: []string{"spec.replicas"}}, OutOfSync, Drift, "differs from Git in spec.replicas"},
		"it was rolled back, with details": {same(rollout(t, annotation, aborted)), OutOfSync, RolledBack,
			"rolled back: p:1.4.4 (bad, revision 3) is wanted, p:1.4.3 (good, revision 2) serves; AnalysisRun p-bad-3-7: metric success-rate measured [0.8], condition result[0] >= 0.99; since 2026-11-20T09:30:00Z; Git wants it in commit c0ffee"},
		"it was rolled back by a controller without details": {same(rollout(t, "", aborted)), OutOfSync, RolledBack,
			"rolled back: p:1.4.4 (bad, revision 3) is wanted, good serves; RolloutAborted: gone; since 2026-11-20T09:30:00Z; Git wants it in commit c0ffee"},
		"it was rolled back and the abort is only a condition": {same(rollout(t, "", `{observedGeneration: "4", currentPodHash: bad, stableRS: good, phase: Degraded, message: gone, conditions: [{type: Progressing, reason: RolloutAborted}]}`)), OutOfSync, RolledBack,
			"rolled back: p:1.4.4 (bad, revision 3) is wanted, good serves; gone; Git wants it in commit c0ffee"},
		"details of another revision are a leftover": {same(rollout(t, strings.ReplaceAll(annotation, `"bad"`, `"old"`), aborted)), OutOfSync, RolledBack,
			"rolled back: p:1.4.4 (bad, revision 3) is wanted, good serves; RolloutAborted: gone; since 2026-11-20T09:30:00Z; Git wants it in commit c0ffee"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v := Compare(c.object, "c0ffee")
			if v.Status != c.status || v.Reason != c.reason || v.Message() != c.message {
				t.Errorf("got  %s %s %q\nwant %s %s %q", v.Status, v.Reason, v.Message(), c.status, c.reason, c.message)
			}
		})
	}
}

func same(obj *unstructured.Unstructured) Object { return Object{Desired: obj, Live: obj} }

func TestSum(t *testing.T) {
	synced, drift := Verdict{Status: Synced}, Verdict{Status: OutOfSync, Reason: Drift}
	rolling, back := Verdict{Status: Synced, Reason: RollingOut}, Verdict{Status: OutOfSync, Reason: RolledBack}
	cases := map[string]struct {
		verdicts []Verdict
		status   Status
		reason   Reason
	}{
		"nothing":                              {nil, Synced, ""},
		"one that drifts":                      {[]Verdict{synced, drift}, OutOfSync, Drift},
		"a rollback matters more than a drift": {[]Verdict{drift, back}, OutOfSync, RolledBack},
		"on its way":                           {[]Verdict{synced, rolling}, Synced, RollingOut},
		"a drift beside one on its way":        {[]Verdict{rolling, drift}, OutOfSync, Drift},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if status, reason := Sum(c.verdicts); status != c.status || reason != c.reason {
				t.Errorf("got %s %s, want %s %s", status, reason, c.status, c.reason)
			}
		})
	}
}

func TestFields(t *testing.T) {
	a := given(t, `{kind: A, spec: {same: 1, changed: 2, gone: 3, list: [{image: a}, {image: b}], shorter: [1, 2], deep: {only: here}}}`)
	b := given(t, `{kind: A, spec: {same: 1, changed: 4, list: [{image: a}, {image: c}], shorter: [1], new: {x: 1}}}`)
	got := strings.Join(Fields(a.Object, b.Object), " ")
	if want := "spec.changed spec.deep spec.gone spec.list[1].image spec.new spec.shorter"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if same := Fields(a.Object, a.DeepCopy().Object); same != nil {
		t.Errorf("an object differs from itself in %v", same)
	}
}
