package stage

import (
	"fmt"
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/test/traces/recording"
)

func scene() *Scene {
	return newScene("ns-1", &server{URL: "http://127.0.0.1:9", requests: recording.Facts{}})
}

func event(name, component, reason, message string, count int64) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"metadata":       map[string]any{"name": name},
		"involvedObject": map[string]any{"kind": "Rollout", "name": "demo"},
		"source":         map[string]any{"component": component},
		"type":           "Normal", "reason": reason, "message": message, "count": count,
	}}
}

func texts(list []recording.Entry) (all []string) {
	for _, entry := range list {
		if entry.When == recording.Sometimes {
			entry.Text += "?"
		}
		all = append(all, entry.Text)
	}
	return all
}

func TestEveryOccurrenceOfAnEventIsHeardInOrder(t *testing.T) {
	s := scene()
	s.see("event", event("1", "rollouts-controller", "A", "in ns-1", 1), false)
	s.see("event", event("2", "rollouts-controller", "B", "b", 1), false)
	s.see("event", event("3", "replicaset-controller", "C", "of a bystander", 1), false)
	s.see("event", event("1", "rollouts-controller", "A", "in ns-1", 2), false)
	s.see("event", event("2", "rollouts-controller", "B", "(combined from similar events): c", 3), false)
	s.see("event", event("2", "rollouts-controller", "B", "b", 3), true)
	got := texts(s.recording("x").Events["rollout/demo"])
	want := []string{"Normal A · in <namespace>", "Normal B · b", "Normal A · in <namespace>", "Normal B · c", "Normal B · c"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("events = %q, want %q", got, want)
	}
}

func TestListsAtTheRecordersLimitAreMarkedAsCut(t *testing.T) {
	for _, n := range []int{24, 25, 26} {
		s := scene()
		for i := range n {
			s.see("event", event(fmt.Sprint(i), "rollouts-controller", fmt.Sprint("R", i), "", 1), false)
		}
		got := s.recording("x").Events["rollout/demo"]
		if cut := got[len(got)-1].Text == recording.Cut; cut != (n == 25) {
			t.Errorf("%d events: cut = %v", n, cut)
		}
	}
}

func TestTheLimitIsPerType(t *testing.T) {
	s := scene()
	for i := range 26 {
		e := event(fmt.Sprint(i), "rollouts-controller", fmt.Sprint("R", i), "", 1)
		if i == 3 || i == 25 {
			e.Object["type"] = "Warning"
		}
		s.see("event", e, false)
	}
	if got := s.recording("x").Events["rollout/demo"]; len(got) != 26 {
		t.Errorf("24 normal events and 2 warnings were cut: %v", got)
	}
	s.see("event", event("26", "rollouts-controller", "R26", "", 1), false)
	e := event("27", "rollouts-controller", "R27", "", 1)
	e.Object["type"] = "Warning"
	s.see("event", e, false)
	if got := s.recording("x").Events["rollout/demo"]; len(got) != 29 || got[27].Text != recording.Cut {
		t.Errorf("25 normal events and 3 warnings: %v", got)
	}
}

func TestRepeatsOfEveryPassAreThinned(t *testing.T) {
	list := []recording.Entry{{Text: "a"}, {Text: "a"}, {Text: "b"}, {Text: "c"}, {Text: "c"}, {Text: "c"}, {Text: "c"}, {Text: "a"}}
	got := texts(thin(list))
	if want := []string{"a", "a", "b", "c", "c?", "a"}; !reflect.DeepEqual(got, want) {
		t.Errorf("thinned = %q, want %q", got, want)
	}
}

func TestPhasesAreListedWhenTheyChange(t *testing.T) {
	s := scene()
	for _, status := range []map[string]any{
		{}, {"phase": "Progressing", "message": "m"}, {"phase": "Progressing", "message": "m", "replicas": int64(1)},
		{"phase": "Healthy"}, {"phase": "Progressing", "message": "m"},
	} {
		s.see("rollout", &unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"name": "demo", "uid": "u"}, "status": status,
		}}, false)
	}
	got := texts(s.recording("x").Phases["rollout/demo"])
	if want := []string{"Progressing: m", "Healthy", "Progressing: m"}; !reflect.DeepEqual(got, want) {
		t.Errorf("phases = %q, want %q", got, want)
	}
}

func TestTheCurtainIsNoFact(t *testing.T) {
	s := scene()
	s.lower("curtain-1")
	e := event("1", "rollouts-controller", "A", "a", 1)
	s.see("event", e, false)
	if s.down() {
		t.Error("an event of another object let the curtain fall")
	}
	e = event("2", "rollouts-controller", "A", "a", 1)
	e.Object["involvedObject"] = map[string]any{"kind": "Rollout", "name": "curtain-1"}
	s.see("event", e, false)
	s.see("rollout", &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": "curtain-1"}, "status": map[string]any{"phase": "Healthy"},
	}}, false)
	r := s.recording("x")
	if !s.down() || len(r.Events) != 1 || len(r.Phases) != 0 {
		t.Errorf("down = %v, recording = %+v", s.down(), r)
	}
}
