package simulation

import (
	"flag"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout"
	"github.com/sluice-delivery/sluice/rollout/plan"
)

var (
	seed   = flag.Uint64("seed", 0, "the one world to run")
	number = flag.Int("worlds", 2000, "how many worlds to run; a short run (-short) takes a tenth")
	first  = flag.Uint64("first", 1, "the seed of the first world")
)

// seeded makes the world of a seed and runs it. The seed says everything: the Rollout, and what happens to it.
func seeded(seed uint64, decide Decide, change func(*World, *Chaos)) *World {
	random := rand.New(rand.NewPCG(seed, 1))
	w := New(decide)
	w.startup = func(p *corev1.Pod) time.Duration { return time.Duration(random.IntN(4)) * time.Second }
	kind := []string{"basic", "routed", "bluegreen"}[seed%3]
	for _, o := range w.someRollout(random, kind) {
		name := "Service"
		if _, ok := o.(*v1alpha1.Rollout); ok {
			name = "Rollout"
		}
		if _, err := w.put(name, o, 0); err != nil {
			panic(err)
		}
	}
	chaos := Wild(random)
	if change != nil {
		change(w, &chaos)
	}
	w.Torture(random, chaos, 170)
	return w
}

func TestWorlds(t *testing.T) {
	if *seed != 0 {
		w := seeded(*seed, rollout.Decide, nil)
		t.Log("\n" + strings.Join(w.Timeline, "\n"))
		for _, p := range w.problems {
			t.Error(p)
		}
		return
	}
	start, passes := time.Now(), 0
	if testing.Short() {
		*number /= 10
	}
	results := make(chan *World)
	for worker := range uint64(runtime.GOMAXPROCS(0)) {
		go func() {
			for i := worker; i < uint64(*number); i += uint64(runtime.GOMAXPROCS(0)) {
				w := seeded(*first+i, rollout.Decide, nil)
				w.seed = *first + i
				results <- w
			}
		}()
	}
	for range *number {
		w := <-results
		passes += w.passes
		if len(w.problems) > 0 {
			t.Errorf("world %d: %s\n\tgo test ./test/simulation -run TestWorlds$ -seed %d -v", w.seed, w.problems[0], w.seed)
		}
	}
	t.Logf("%d worlds, %d decisions, %s", *number, passes, time.Since(start).Round(time.Millisecond))
}

// A world is a function of its seed: otherwise no failure could be replayed.
func TestWorldsAreReproducible(t *testing.T) {
	for seed := range uint64(9) {
		a, b := seeded(seed, rollout.Decide, nil), seeded(seed, rollout.Decide, nil)
		if x, y := strings.Join(a.Timeline, "\n"), strings.Join(b.Timeline, "\n"); x != y {
			t.Fatalf("world %d went two ways:\n%s\n\n%s", seed, x, y)
		}
	}
}

// passive is a planner that never does anything; it shows that peace is not had for nothing.
func passive(plan.Snapshot, time.Time) plan.Plan { return plan.Plan{Waiting: "nothing"} }

func TestWorldsNoticeAPlannerThatDoesNothing(t *testing.T) {
	for seed := range uint64(3) {
		if w := seeded(seed, passive, nil); len(w.problems) == 0 || !strings.HasPrefix(w.problems[0], comesToRest) {
			t.Errorf("world %d: %v", seed, w.problems)
		}
	}
}
