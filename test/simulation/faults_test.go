package simulation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// A Fault is a planner gone wrong, in one way: it changes the plan that the right planner made.
type Fault func(plan.Plan, plan.Snapshot) plan.Plan

// with is a plan with effects before its own.
func with(p plan.Plan, first ...plan.Effect) plan.Plan {
	p.Effects = append(append([]plan.Effect(nil), first...), p.Effects...)
	return p
}

func resized(rs *appsv1.ReplicaSet, size int32, r *v1alpha1.Rollout) *appsv1.ReplicaSet {
	c := rs.DeepCopy()
	c.Spec.Replicas = &size
	metav1.SetMetaDataAnnotation(&c.ObjectMeta, v1alpha1.DesiredReplicasAnnotation, fmt.Sprint(v1alpha1.ReplicasOrDefault(r)))
	return c
}

// scaled is the effect that scales the revision of a hash, if it is there and has another size.
func scaled(s plan.Snapshot, hash string, to int32) []plan.Effect {
	rs := revision.WithHash(s.ReplicaSets, hash)
	if rs == nil || revision.Size(rs) == to {
		return nil
	}
	return []plan.Effect{plan.Scale{Reason: plan.Reason{Text: "a fault"}, Want: resized(rs, to, s.Rollout), From: revision.Size(rs), To: to}}
}

// StableBeforeWeight scales stable down as soon as every step is done, before the traffic has left it.
func StableBeforeWeight(p plan.Plan, s plan.Snapshot) plan.Plan {
	r := s.Rollout
	if i := r.Status.CurrentStepIndex; i == nil || int(*i) < len(r.Spec.Strategy.Canary.Steps) || r.Status.StableRS == r.Status.CurrentPodHash || r.Status.StableRS == "" {
		return p
	}
	return with(p, scaled(s, r.Status.StableRS, 0)...)
}

// StatusFirst writes the status of a plan that moves traffic, and crashes before the traffic moves.
func StatusFirst(p plan.Plan, _ plan.Snapshot) plan.Plan {
	for _, e := range p.Effects {
		if _, ok := e.(plan.Route); ok && p.Status != nil {
			p.Effects = nil
			return p
		}
	}
	return p
}

// CanaryBeforeRoute takes the pods of an aborted canary before the traffic has left them.
func CanaryBeforeRoute(p plan.Plan, s plan.Snapshot) plan.Plan {
	if !s.Rollout.Status.Abort {
		return p
	}
	return with(p, scaled(s, s.Rollout.Status.CurrentPodHash, 0)...)
}

// NoGate gives the canary the weight of the current step whether it has pods or not.
func NoGate(p plan.Plan, s plan.Snapshot) plan.Plan {
	for i, e := range p.Effects {
		route, ok := e.(plan.Route)
		at := s.Rollout.Status.CurrentStepIndex
		if !ok || at == nil || int(*at) >= len(s.Rollout.Spec.Strategy.Canary.Steps) || s.Rollout.Status.StableRS == s.Rollout.Status.CurrentPodHash {
			continue
		}
		if w := s.Rollout.Spec.Strategy.Canary.Steps[*at].SetWeight; w != nil {
			route.Split.Weight = *w
			p.Effects = append([]plan.Effect(nil), p.Effects...)
			p.Effects[i] = route
		}
	}
	return p
}

// GreedySurge forgets maxSurge: the new revision gets all its pods at once.
func GreedySurge(p plan.Plan, s plan.Snapshot) plan.Plan {
	for i, e := range p.Effects {
		if scale, ok := e.(plan.Scale); ok && scale.To > scale.From && revision.HashOf(scale.Want) == s.Rollout.Status.CurrentPodHash {
			scale.To = v1alpha1.ReplicasOrDefault(s.Rollout)
			scale.Want = resized(scale.Want, scale.To, s.Rollout)
			p.Effects = append([]plan.Effect(nil), p.Effects...)
			p.Effects[i] = scale
		}
	}
	return p
}

// GoldfishStatus forgets that the rollout is paused.
func GoldfishStatus(p plan.Plan, _ plan.Snapshot) plan.Plan {
	if p.Status != nil && len(p.Status.PauseConditions) > 0 {
		p.Status = p.Status.DeepCopy()
		p.Status.PauseConditions, p.Status.ControllerPause = nil, false
	}
	return p
}

// Every fault has to be caught, and by the invariant that it is named with: a harness that cannot fail proves nothing.
// Where a story tells of the fault, the story has to fail, too. The last two are faults of the shell.
var faults = map[string]struct {
	fault  Fault
	world  func(*World, *Chaos)
	caught []string // at least one of these says so, in some world
	story  string   // and this story does
	from   uint64   // the seed to begin behind: rare faults would take long otherwise
}{
	"stable is scaled down before its weight has left":        {fault: onlyCanary(StableBeforeWeight), caught: []string{carriesTraffic, stableSurvives}, story: "canary-routed"},
	"the status is written before the traffic moves":          {fault: onlyCanary(StatusFirst), caught: []string{recordedIsTrue}, story: "canary-routed"},
	"the canary shrinks before its traffic has left":          {fault: onlyCanary(CanaryBeforeRoute), caught: []string{carriesTraffic}, story: "canary-routed-abort"},
	"the availability gate is skipped":                        {fault: onlyCanary(NoGate), caught: []string{noWeightOnNone}, story: "canary-routed"},
	"maxSurge is forgotten":                                   {fault: onlyCanary(GreedySurge), caught: []string{withinSurge}, story: "canary-basic"},
	"the pause is forgotten in the status":                    {fault: GoldfishStatus, caught: []string{phaseIsRight}, story: "canary-basic"},
	"decisions are made from pictures older than own writes":  {world: func(w *World, c *Chaos) { w.noFence, c.Lag = true, 6 }, from: 400, caught: []string{withinSurge, keepsAvailable, carriesTraffic}},
	"a leader that lost its lease finishes its plan later on": {world: func(w *World, c *Chaos) { w.noLease, c.Late, c.People = true, true, true }, caught: []string{withinSurge, keepsAvailable, carriesTraffic, stableSurvives}},
}

func onlyCanary(f Fault) Fault {
	return func(p plan.Plan, s plan.Snapshot) plan.Plan {
		if s.Rollout.Spec.Strategy.Canary == nil {
			return p
		}
		return f(p, s)
	}
}

func TestFaultsAreCaught(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			caught, tried := "", f.from
			for tried < f.from+1500 && caught == "" {
				tried++
				w := seeded(tried, rollout.Decide, func(w *World, c *Chaos) {
					w.fault = f.fault
					if f.world != nil {
						f.world(w, c)
					}
				})
				for _, p := range w.problems {
					for _, invariant := range f.caught {
						if strings.HasPrefix(p, invariant) {
							caught = p
						}
					}
				}
			}
			if caught == "" {
				t.Fatalf("no invariant noticed in %d worlds", tried)
			}
			if w := seeded(tried, rollout.Decide, nil); len(w.problems) > 0 {
				t.Errorf("world %d is broken without the fault, too: %s", tried, w.problems[0])
			}
			t.Logf("world %d: %s", tried, caught)
			if f.story != "" {
				t.Log(tellStory(t, f.story, f.fault))
			}
		})
	}
}

// tellStory tells a story with a fault in it and demands that it is noticed.
func tellStory(t *testing.T, name string, f Fault) string {
	s := stories[name]
	whole := s.world
	s.world = func(w *World) {
		w.fault = f
		if whole != nil {
			whole(w)
		}
	}
	w := s.begin(t)
	s.tell(t, w)
	if len(w.problems) > 0 {
		return "story " + name + ": " + w.problems[0]
	}
	want, err := os.ReadFile(filepath.Join("..", "..", "testdata", "timelines", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	told := "# " + s.about + "\n" + strings.Join(w.Timeline, "\n") + "\n"
	if told == string(want) {
		t.Errorf("the timeline of %s does not show it", name)
	}
	return "story " + name + ": the timeline differs"
}
