package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func TestEmptyObjectsSayNothing(t *testing.T) {
	for want, o := range map[string]any{
		`{"metadata":{},"spec":{}}`:                                                                             v1alpha1.Rollout{},
		`{"metadata":{},"spec":{"metrics":null}}`:                                                               v1alpha1.AnalysisRun{},
		`{"metadata":{},"spec":{"templates":null}}`:                                                             v1alpha1.Experiment{},
		`{"metadata":{},"spec":{"workloadRef":{"name":"web"}}}`:                                                 v1alpha1.Rollout{Spec: v1alpha1.RolloutSpec{WorkloadRef: &v1alpha1.ObjectRef{Name: "web"}}},
		`{"phase":"Running","dryRunSummary":{}}`:                                                                v1alpha1.AnalysisRunStatus{Phase: "Running", DryRunSummary: &v1alpha1.RunSummary{}},
		`{"canary":{"weight":0},"stable":{"weight":0}}`:                                                         v1alpha1.TrafficWeights{},
		`{"type":"A","status":"True","lastUpdateTime":null,"lastTransitionTime":null,"reason":"","message":""}`: v1alpha1.RolloutCondition{Type: "A", Status: "True"},
	} {
		text, err := json.Marshal(o)
		if err != nil || string(text) != want {
			t.Errorf("%T is %s (%v), want %s", o, text, err, want)
		}
	}
}

func TestWhatWasReadFromAWorkloadIsNeverWritten(t *testing.T) {
	r := v1alpha1.Rollout{Spec: v1alpha1.RolloutSpec{
		WorkloadRef:             &v1alpha1.ObjectRef{Name: "web"},
		Selector:                &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
		Template:                corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}},
		SelectorResolvedFromRef: true, TemplateResolvedFromRef: true,
	}}
	text, err := json.Marshal(&r)
	if err != nil || strings.Contains(string(text), "app") {
		t.Errorf("JSON: %s (%v)", text, err)
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&r)
	if err != nil || strings.Contains(fmt.Sprint(object), "app") {
		t.Errorf("unstructured: %v (%v)", object, err)
	}
	if r.Spec.Selector == nil || r.Spec.Template.Labels["app"] != "web" {
		t.Error("writing took the template away from the reader")
	}
}

func TestAnyJSONComesBackAsItWas(t *testing.T) {
	const spec = `{"strategy":{"canary":{"steps":[{"plugin":{"name":"p","config":[1,{"a":null}]}}],"trafficRouting":{"plugins":{"a/b":{"c":1.5},"d":"e"}}}}}`
	r := rollout(t, spec)
	text, err := json.Marshal(r.DeepCopy().Spec)
	if err != nil || string(text) != spec {
		t.Errorf("got %s (%v), want %s", text, err, spec)
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(r)
	if err != nil {
		t.Fatal(err)
	}
	var back v1alpha1.Rollout
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, &back); err != nil {
		t.Fatal(err)
	}
	if text, err := json.Marshal(back.Spec); err != nil || string(text) != spec {
		t.Errorf("by way of unstructured: got %s (%v), want %s", text, err, spec)
	}
}

// The status holds a hash of the steps' JSON, so that the order of fields, and what is left out, is part of the wire
// format. The hashes are the recorded ones (cases experiment-step-failing-pods, experiment-step and
// workloadref-never) and the one of spec 2.3.
func TestStepsKeepTheirRecordedHashes(t *testing.T) {
	for hash, steps := range map[string]string{
		"54649b9f5c": `[{setWeight: 20}, {pause: {}}]`,
		"77f6fb7554": `[{experiment: {duration: 30s, scaleDownDelaySeconds: 0, templates: [{name: candidate, specRef: canary}]}}, {pause: {}}]`,
		"649bdcfb7d": `[{setWeight: 50}, {experiment: {duration: 6s, scaleDownDelaySeconds: 0, templates: [{name: baseline, specRef: stable},
			{name: candidate, specRef: canary, replicas: 2, metadata: {labels: {lane: fast}, annotations: {note: hello}}}]}}, {pause: {}}]`,
		"757f5f97b": `[{setWeight: 50}, {pause: {}}]`,
	} {
		r := rollout(t, "{strategy: {canary: {steps: "+steps+"}}}")
		text, err := json.Marshal(r.Spec.Strategy.Canary.Steps)
		if err != nil {
			t.Fatal(err)
		}
		sum := fnv.New32a()
		sum.Write(text)
		if got := rand.SafeEncodeString(fmt.Sprint(sum.Sum32())); got != hash {
			t.Errorf("%s: hash %s, want %s", text, got, hash)
		}
	}
}

func TestSchemeKnowsAllKinds(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"Rollout", "AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun", "Experiment"} {
		for _, kind := range []string{kind, kind + "List"} {
			o, err := scheme.New(v1alpha1.SchemeGroupVersion.WithKind(kind))
			if err != nil || o.DeepCopyObject() == nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
}
