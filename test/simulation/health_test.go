package simulation

import (
	"context"
	"encoding/json"
	"io/fs"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/health"
	"github.com/sluice-delivery/sluice/health/lua"
	"github.com/sluice-delivery/sluice/rollout"
)

// assessors look at every version of every Rollout, AnalysisRun and Experiment that a world stores.
type assessors struct {
	*testing.T
	host    *lua.Host
	scripts map[string]lua.Script
	asked   map[string]bool // objects without what changes with every write
	answers map[health.Health]int
	said    map[health.Status]int
}

func newAssessors(t *testing.T) *assessors {
	a := &assessors{T: t, host: lua.New(lua.Limits{}), scripts: map[string]lua.Script{}, asked: map[string]bool{},
		answers: map[health.Health]int{}, said: map[health.Status]int{}}
	for _, kind := range []string{"Rollout", "AnalysisRun", "Experiment"} {
		text, err := fs.ReadFile(health.Customizations(), "argoproj.io/"+kind+"/health.lua")
		if err != nil {
			t.Fatal(err)
		}
		a.scripts[kind] = lua.Script{Text: string(text), OpenLibs: true}
	}
	return a
}

func (a *assessors) look(o object) {
	kind := ""
	switch o.(type) {
	case *v1alpha1.Rollout:
		kind = "Rollout"
	case *v1alpha1.AnalysisRun:
		kind = "AnalysisRun"
	case *v1alpha1.Experiment:
		kind = "Experiment"
	default:
		return
	}
	if o.GetDeletionTimestamp() != nil {
		return // is judged before any script
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		a.Fatal(err)
	}
	fields["apiVersion"], fields["kind"] = "argoproj.io/v1alpha1", kind
	delete(fields["metadata"].(map[string]any), "resourceVersion")
	text, err := json.Marshal(fields)
	if err != nil {
		a.Fatal(err)
	}
	if a.asked[string(text)] {
		return
	}
	a.asked[string(text)] = true
	want, err := health.Assess(&unstructured.Unstructured{Object: fields})
	if err != nil {
		a.Fatal(err)
	}
	got, err := a.host.Health(context.Background(), a.scripts[kind], fields, Start)
	if err != nil || got != want {
		a.Fatalf("%s\nLua %q %v\nGo  %q", text, got, err, want)
	}
	a.answers[want]++
	a.said[want.Status]++
}

// Whatever status a world produces, Argo CD's script and our binaries say the same of it.
func TestLuaAndGoAgreeOnWhateverHappens(t *testing.T) {
	a := newAssessors(t)
	for _, s := range all() {
		w := New(rollout.Decide)
		w.watch = a.look
		w.real = routers
		if s.world != nil {
			s.world(w)
		}
		if err := w.Apply(s.objects(t)...); err != nil {
			t.Fatal(err)
		}
		w.due = true
		w.Run(10 * time.Minute)
		s.tell(t, w)
	}
	told := len(a.asked)
	for seed := range uint64(150) {
		seeded(seed, rollout.Decide, func(w *World, _ *Chaos) { w.watch = a.look })
	}
	t.Logf("%d objects from stories, %d from worlds, %d different answers: %v", told, len(a.asked)-told, len(a.answers), a.said)
	for _, status := range []health.Status{health.Healthy, health.Progressing, health.Suspended, health.Degraded} {
		if a.said[status] < 10 {
			t.Errorf("only %d objects were %s", a.said[status], status)
		}
	}
}
