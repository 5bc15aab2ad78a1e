// Package simulation is a cluster in memory: it tortures rollout.Decide with everything that happens to a controller —
// caches that lag, crashes in the middle of a plan, pods that come and go, people who change their minds — and checks
// after every step what must never be broken (invariants.go, contract.go).
//
// Stories (story_test.go) run in a fixed order and become timelines that a person can read, in testdata/timelines.
// Worlds (worlds_test.go) run in an order dealt out by a seed. Faults (faults_test.go) show that both can fail.
//
// What the simulation leaves out: the network, real routers' data planes, and the shell itself (internal/controller),
// whose order of things it follows: fence, observe, decide, apply with compare-and-swap, status last, then publish.
package simulation

import (
	"fmt"
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/traffic"
)

// Namespace of everything in a world.
const Namespace = "production"

// Start is the instant at which every world begins.
var Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Decide is rollout.Decide, or something that pretends to be.
type Decide func(plan.Snapshot, time.Time) plan.Plan

// A World is a cluster with one Rollout and one controller.
type World struct {
	*store
	Now  time.Time
	Name string // of the Rollout

	decide  Decide
	fault   func(plan.Plan, plan.Snapshot) plan.Plan
	routers []traffic.Router // the recording one comes first
	random  *rand.Rand       // nil in stories
	seed    uint64           // of a random world

	crashAfter func(plan.Plan) bool // in stories: whether the controller crashes before the status of this plan
	downUntil  time.Time            // it is back a few seconds later

	noFence bool // a fault of the shell: decide from any picture
	noLease bool // another one: a leader that was replaced goes on applying its plan
	lenient bool // pods have been broken, evicted or scaled by others: the truth about availability is not ours alone

	real func(*v1alpha1.Rollout) []traffic.Router // routers beside the recording one; nil: none

	// How the cluster behaves.
	startup   func(*corev1.Pod) time.Duration       // from creation to ready; negative: never
	measure   func(*v1alpha1.AnalysisRun) []any     // results of a run's measurements, one after the other; the last one repeats
	answer    func(v1alpha1.Metric) (any, error)    // what a metric says now; nil: measure says it
	verified  func(w *World) *bool                  // what a data plane says
	templates map[string]*v1alpha1.AnalysisTemplate // by name
	ingresses map[string]*networkingv1.Ingress      // by name
	virtual   map[string]*unstructured.Unstructured // VirtualServices by name

	readyAt  map[string]time.Time // pods that become ready by themselves
	verdicts map[string]time.Time // runs and when to look at them again

	due      bool      // something happened: the controller should look
	wake     time.Time // when it wanted to look again
	retries  int
	routedAt time.Time // when traffic was last moved
	passes   int

	Timeline []string
	events   []string          // type, reason and message, as recordings write them
	names    map[string]string // hashes and the letters they go by
	seen     told              // what the timeline has told already
	problems []string
	last     *plan.Plan
	lastSeen plan.Snapshot
	trace    []traceEntry
}

// A traceEntry is what facts about a story are checked on.
type traceEntry struct {
	At   time.Duration
	Kind string // event, scale, route, point, status, amend, …
	Text string
}

// New makes an empty world around a planner.
func New(decide Decide) *World {
	return &World{
		store: newStore(), Now: Start, decide: decide,
		startup:   func(*corev1.Pod) time.Duration { return 3 * time.Second },
		measure:   func(*v1alpha1.AnalysisRun) []any { return nil },
		verified:  func(*World) *bool { return nil },
		templates: map[string]*v1alpha1.AnalysisTemplate{}, ingresses: map[string]*networkingv1.Ingress{},
		virtual: map[string]*unstructured.Unstructured{},
		readyAt: map[string]time.Time{}, verdicts: map[string]time.Time{}, names: map[string]string{},
	}
}

// Rollout as it really is.
func (w *World) Rollout() *v1alpha1.Rollout {
	return get[*v1alpha1.Rollout](w.truth, "Rollout", w.Name)
}

// problem notes that something is broken which must never be.
func (w *World) problem(invariant, format string, args ...any) {
	what := w.short(fmt.Sprintf(format, args...))
	w.problems = append(w.problems, fmt.Sprintf("%s: %s (at %s, pass %d)", invariant, what, clock(w.Now), w.passes))
	w.say("BROKEN", "%s: %s", invariant, what)
}

func (w *World) stamp() metav1.Time { return metav1.NewTime(w.Now) }

func clock(t time.Time) string {
	d := t.Sub(Start)
	if d >= time.Hour {
		return fmt.Sprintf("%02d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
	}
	return fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
