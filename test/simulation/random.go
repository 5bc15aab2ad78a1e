package simulation

import (
	"fmt"
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Chaos says what a random world deals out. The zero value deals out nothing but lag.
type Chaos struct {
	Flaps, Crashes, Late, People, Scaling bool
	// Lag is how seldom the cache sees a change: one in Lag turns. 1 is hardly any.
	Lag int
}

// Wild is a world with everything.
func Wild(random *rand.Rand) Chaos {
	coin := func() bool { return random.IntN(2) == 0 }
	return Chaos{Flaps: coin(), Crashes: coin(), Late: coin(), People: random.IntN(4) > 0, Scaling: coin(), Lag: 1 + random.IntN(6)}
}

// Torture runs a world for a number of random turns, then leaves it in peace and looks whether it comes to rest.
func (w *World) Torture(random *rand.Rand, chaos Chaos, turns int) {
	w.random = random
	w.due = true
	for range turns {
		if len(w.problems) > 0 {
			return
		}
		switch n := random.IntN(40); {
		case n < 10:
			for range 1 + 6/chaos.Lag {
				if kinds := w.lagging(); len(kinds) > 0 {
					w.due = w.deliver(kinds[random.IntN(len(kinds))], 1+random.IntN(4)) || w.due
				}
			}
		case n < 22:
			if w.pass(-1) && chaos.People && random.IntN(4) == 0 {
				w.someHurry(random)
			}
		case n < 30:
			w.someCluster(random)
		case n < 34:
			w.someTime(random)
		case n < 35 && chaos.Flaps:
			w.someFlap(random)
		case n < 36 && chaos.Crashes:
			w.someCrash(random)
		case n < 37 && chaos.Late:
			w.someLate(random)
		case n < 38 && chaos.Scaling:
			w.ScaleTo(int32(random.IntN(11)))
		case n < 40 && chaos.People:
			w.somePerson(random)
		}
	}
	if len(w.problems) == 0 {
		w.peace()
	}
}

// someCluster lets one part of the cluster do its work: pods, one ReplicaSet, measurements.
func (w *World) someCluster(random *rand.Rand) {
	sets := w.sets()
	if n := random.IntN(len(sets) + 1); n < len(sets) {
		w.syncReplicaSet(sets[n])
		return
	}
	w.collect()
	w.tick()
}

// someTime lets the clock go on: to the next thing that is due, or a little.
func (w *World) someTime(random *rand.Rand) {
	if next := w.alarm(); !next.IsZero() && random.IntN(3) > 0 {
		w.Now = next
	} else {
		w.Now = w.Now.Add(time.Duration(1+random.IntN(4)) * time.Second)
	}
	w.tick()
}

func (w *World) someFlap(random *rand.Rand) {
	if pods := list[*corev1.Pod](w.truth, "Pod"); len(pods) > 0 {
		if p := pods[random.IntN(len(pods))]; ready(p) {
			w.say("cluster", "pod %s loses its readiness", p.Name)
			w.flap(p, time.Duration(1+random.IntN(20))*time.Second)
		}
	}
}

// someCrash ends the controller in the middle of a plan: only a prefix happened, and no status was written.
func (w *World) someCrash(random *rand.Rand) {
	if w.pass(random.IntN(3)) || random.IntN(2) == 0 {
		w.say("cluster", "the controller crashes")
		w.crash()
	}
}

// someLate is a change of leaders. Every effect is checked against the lease, and no request outlives the time between
// the last leader's deadline and the lease's end: so what is left of its plan is cut off, and the one request that was
// on its way arrives before the next leader, which has been listing all the while, decides anything.
func (w *World) someLate(random *rand.Rand) {
	snap, p, ok := w.look()
	if !ok {
		return
	}
	w.say("cluster", "another controller becomes the leader")
	if w.noLease {
		w.crash()
		for range 1 + random.IntN(3) { // the new leader acts, and only then the old one's plan arrives
			w.someHurry(random)
			w.deliverAll()
		}
		w.apply(snap, p, len(p.Effects), true)
		return
	}
	w.apply(snap, p, random.IntN(len(p.Effects)+1), true)
	w.crash()
}

// someHurry is a person who changes his mind at once: the controller sees that, and nothing yet of what it has written
// itself. Only the fence keeps it from deciding now.
func (w *World) someHurry(random *rand.Rand) {
	switch random.IntN(3) {
	case 0:
		w.Abort()
	case 1:
		w.Retry()
	case 2:
		w.SetImage(fmt.Sprint("shop:", 1+random.IntN(4)))
	}
	w.deliver("Rollout", 1<<30)
	w.pass(-1)
}

// somePerson wants something.
func (w *World) somePerson(random *rand.Rand) {
	r := w.Rollout()
	switch random.IntN(9) {
	case 0, 1:
		w.SetImage(fmt.Sprint("shop:", 1+random.IntN(4)))
	case 2:
		w.Promote()
	case 3:
		w.Abort()
	case 4:
		w.Retry()
	case 5:
		if r.Spec.Paused {
			w.Resume()
		} else if random.IntN(3) == 0 {
			w.Pause()
		}
	case 6:
		w.Resume()
	case 7:
		if random.IntN(2) == 0 {
			w.PromoteFull()
		}
	case 8:
		if random.IntN(2) == 0 && r.Spec.Strategy.Canary != nil {
			w.Edit("edit steps", func(r *v1alpha1.Rollout) {
				r.Spec.Strategy.Canary.Steps = someSteps(random, v1alpha1.HasTrafficRouting(r), false)
			})
		} else {
			w.Edit("edit an annotation", func(r *v1alpha1.Rollout) {
				if r.Annotations == nil {
					r.Annotations = map[string]string{}
				}
				r.Annotations["team"] = fmt.Sprint(random.IntN(5))
			})
		}
	}
}
