package simulation

import (
	"fmt"
	"math/rand/v2"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

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
			w.pass(-1)
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
			w.somePerson(random)
			w.pass(-1)
			w.deliverAll()
		}
		w.apply(snap, p, len(p.Effects), true)
		return
	}
	w.apply(snap, p, random.IntN(len(p.Effects)+1), true)
	w.crash()
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

// peace takes the chaos away: every hand off, all pods well, all pauses resumed, aborts retried, and time to finish.
func (w *World) peace() {
	w.say("cluster", "peace")
	w.measure = func(*v1alpha1.AnalysisRun) []any { return []any{0.0} }
	w.crash()
	for round := range 80 {
		if !w.Run(2*time.Hour) || len(w.problems) > 0 {
			return
		}
		r := w.Rollout()
		switch {
		case r.Status.Phase == v1alpha1.RolloutPhaseHealthy:
			w.checkRest()
			return
		case r.Spec.Paused || len(r.Status.PauseConditions) > 0:
			if round%4 == 3 {
				w.Promote()
			} else {
				w.Resume()
			}
		case r.Status.Abort:
			w.checkAborted(r)
			w.Retry()
		default:
			w.problem(comesToRest, "nothing is left to happen, and it is %s: %s; last plan: %s", r.Status.Phase, r.Status.Message, describe(w.last))
			return
		}
	}
	r := w.Rollout()
	w.problem(comesToRest, "it is still %s: %s", r.Status.Phase, r.Status.Message)
}

// checkAborted: what was taken back carries nothing any more once the world has come to rest.
func (w *World) checkAborted(r *v1alpha1.Rollout) {
	if of, most := w.shares(r); most > 0 && r.Status.StableRS != "" && v1alpha1.ReplicasOrDefault(r) > 0 && of[r.Status.StableRS] != most {
		w.problem(comesToRest, "aborted, and stable %s carries %v of %d", r.Status.StableRS, of, most)
	}
}

// someRollout is a random Rollout with what belongs to it.
func (w *World) someRollout(random *rand.Rand, kind string) []object {
	n := int32(random.IntN(8) + 1)
	r := &v1alpha1.Rollout{}
	r.Name, w.Name = "shop", "shop"
	r.UID, r.Generation = "rollout", 1
	w.birth(r)
	r.Spec.Replicas = &n
	r.Spec.Selector = labelSelector("shop")
	r.Spec.Template.Labels = map[string]string{"app": "shop"}
	r.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "shop:1"}}
	if random.IntN(3) == 0 {
		r.Spec.MinReadySeconds = int32(random.IntN(5))
	}
	if random.IntN(4) == 0 {
		limit := int32(random.IntN(3))
		r.Spec.RevisionHistoryLimit = &limit
	}
	if random.IntN(4) == 0 {
		r.Spec.RollbackWindow = &v1alpha1.RollbackWindowSpec{Revisions: int32(1 + random.IntN(2))}
	}
	analysed := random.IntN(3) == 0
	if analysed {
		outcome := []any{0.0, 0.0, 0.0}
		for i := range outcome {
			outcome[i] = []any{0.0, 0.0, 0.0, 0.2, 0.9}[random.IntN(5)]
		}
		w.measure = func(*v1alpha1.AnalysisRun) []any { return outcome }
		w.templates["errors"] = someTemplate()
	}
	var objects []object
	if kind == "bluegreen" {
		r.Spec.Strategy.BlueGreen = someBlueGreen(random, analysed)
		objects = append(objects, w.service("active"), w.service("preview"))
	} else {
		r.Spec.Strategy.Canary = someCanary(random, kind == "routed", analysed)
		if kind == "routed" {
			objects = append(objects, w.service("canary"), w.service("stable"))
			w.ingresses["shop"] = ingress("shop", "stable")
		}
	}
	w.routers = w.recorderFor(r)
	return append(objects, r)
}

func someBlueGreen(random *rand.Rand, analysed bool) *v1alpha1.BlueGreenStrategy {
	b := &v1alpha1.BlueGreenStrategy{ActiveService: "active", PreviewService: "preview"}
	coin := func() bool { return random.IntN(2) == 0 }
	if coin() {
		b.AutoPromotionEnabled = new(bool)
	} else if coin() {
		b.AutoPromotionSeconds = int32(1 + random.IntN(20))
	}
	if random.IntN(3) == 0 {
		b.PreviewReplicaCount = new(int32(1))
	}
	if coin() {
		b.ScaleDownDelaySeconds = new(int32(random.IntN(40)))
	}
	if random.IntN(3) == 0 {
		b.AbortScaleDownDelaySeconds = new(int32(random.IntN(3) * 10))
	}
	if analysed {
		run := &v1alpha1.RolloutAnalysis{Templates: []v1alpha1.TemplateRef{{TemplateName: "errors"}}}
		if coin() {
			b.PrePromotionAnalysis = run
		}
		if coin() {
			b.PostPromotionAnalysis = run
		}
	}
	return b
}

func someCanary(random *rand.Rand, routed, analysed bool) *v1alpha1.CanaryStrategy {
	c := &v1alpha1.CanaryStrategy{Steps: someSteps(random, routed, analysed)}
	coin := func() bool { return random.IntN(2) == 0 }
	if coin() {
		surge, missing := intstr.FromInt32(int32(random.IntN(3))), intstr.FromInt32(int32(random.IntN(3)))
		if surge.IntVal+missing.IntVal == 0 {
			surge.IntVal = 1 // both at 0 are refused
		}
		c.MaxSurge, c.MaxUnavailable = &surge, &missing
	}
	if analysed && coin() {
		c.Analysis = &v1alpha1.RolloutAnalysisBackground{RolloutAnalysis: v1alpha1.RolloutAnalysis{Templates: []v1alpha1.TemplateRef{{TemplateName: "errors"}}}}
	}
	if !routed {
		return c
	}
	c.CanaryService, c.StableService = "canary", "stable"
	c.TrafficRouting = &v1alpha1.RolloutTrafficRouting{Nginx: &v1alpha1.NginxTrafficRouting{StableIngress: "shop"}}
	if random.IntN(3) == 0 {
		c.DynamicStableScale = true
	} else if coin() {
		c.ScaleDownDelaySeconds = new(int32(random.IntN(40)))
	}
	if random.IntN(3) == 0 {
		c.AbortScaleDownDelaySeconds = new(int32(random.IntN(3) * 10))
	}
	if random.IntN(4) == 0 {
		c.MinPodsPerReplicaSet = new(int32(2))
	}
	return c
}

func someSteps(random *rand.Rand, routed, analysed bool) []v1alpha1.CanaryStep {
	var steps []v1alpha1.CanaryStep
	for range random.IntN(5) {
		switch n := random.IntN(8); {
		case n < 4:
			steps = append(steps, v1alpha1.CanaryStep{SetWeight: new(int32(random.IntN(21) * 5))})
		case n < 5:
			steps = append(steps, v1alpha1.CanaryStep{Pause: &v1alpha1.RolloutPause{}})
		case n < 6:
			wait := intstr.FromInt32(int32(1 + random.IntN(30)))
			steps = append(steps, v1alpha1.CanaryStep{Pause: &v1alpha1.RolloutPause{Duration: &wait}})
		case n < 7 && routed:
			steps = append(steps, v1alpha1.CanaryStep{SetCanaryScale: someScale(random)})
		case analysed:
			steps = append(steps, v1alpha1.CanaryStep{Analysis: &v1alpha1.RolloutAnalysis{Templates: []v1alpha1.TemplateRef{{TemplateName: "errors"}}}})
		}
	}
	return steps
}

func someScale(random *rand.Rand) *v1alpha1.SetCanaryScale {
	switch random.IntN(3) {
	case 0:
		return &v1alpha1.SetCanaryScale{Weight: new(int32(random.IntN(101)))}
	case 1:
		return &v1alpha1.SetCanaryScale{Replicas: new(int32(1 + random.IntN(4)))}
	}
	return &v1alpha1.SetCanaryScale{MatchTrafficWeight: true}
}

var _ = appsv1.SchemeGroupVersion
