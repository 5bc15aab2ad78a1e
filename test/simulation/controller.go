package simulation

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
)

// look is the first half of a pass: fence, observe, decide. It is false when the picture is older than the
// controller's own last write.
func (w *World) look() (plan.Snapshot, plan.Plan, bool) {
	if !w.fresh() && !w.noFence || get[*v1alpha1.Rollout](w.cache, "Rollout", w.Name) == nil {
		return plan.Snapshot{}, plan.Plan{}, false
	}
	w.passes++
	snap := w.observe()
	p := w.checkedDecide(snap)
	if w.fault != nil {
		p = w.fault(p, snap)
	}
	w.checkPlan(snap, p)
	return snap, p, true
}

// pass is one reconcile. Limit is the number of effects after which the controller crashes; negative: it does not.
// It reports whether the cluster changed.
func (w *World) pass(limit int) bool {
	snap, p, ok := w.look()
	if !ok {
		return false
	}
	w.due, w.wake = false, p.Wake
	w.last, w.lastSeen = &p, snap
	if w.crashAfter != nil && w.crashAfter(p) {
		w.apply(snap, p, len(p.Effects), false)
		w.say("cluster", "the controller crashes, for five seconds")
		w.crash()
		w.downUntil = w.Now.Add(5 * time.Second)
		return true
	}
	changed := w.apply(snap, p, limit, false)
	if p.Retry != "" {
		w.retries++
		if again := w.Now.Add(min(10*time.Second, time.Millisecond<<min(w.retries, 20))); w.wake.IsZero() || again.Before(w.wake) {
			w.wake = again
		}
	} else {
		w.retries = 0
	}
	return changed
}

// crash ends the controller and starts another one, which knows nothing but what it lists.
func (w *World) crash() {
	w.restart()
	w.due, w.wake, w.retries = true, time.Time{}, 0
}

// idle reports whether a plan changes nothing.
func idle(p plan.Plan, stored *v1alpha1.RolloutStatus) bool {
	return p.Rest(stored, func(a, b *v1alpha1.RolloutStatus) bool { return equality.Semantic.DeepEqual(a, b) })
}

// deliverAll lets the cache catch up; it reports whether there was anything to see.
func (w *World) deliverAll() bool {
	changed := false
	for _, kind := range w.lagging() {
		changed = w.deliver(kind, 1<<30) || changed
	}
	w.due = w.due || changed
	return changed
}

// settle lets the controller and the cluster take turns, without lag, until nothing happens at this instant any more.
// It is false when that does not come to an end.
func (w *World) settle() bool {
	for range 2000 {
		w.deliverAll()
		if w.wakes() {
			w.pass(-1)
			continue
		}
		if !w.cluster() && len(w.lagging()) == 0 {
			return true
		}
	}
	return false
}

// wakes reports whether the controller has a reason to look: something changed, or it asked to be woken.
func (w *World) wakes() bool {
	if w.Now.Before(w.downUntil) {
		return false
	}
	return w.due || !w.wake.IsZero() && !w.wake.After(w.Now)
}

// Run lets time pass, without lag, for a while or until nothing is left to happen. It is false when the world does
// not settle.
func (w *World) Run(span time.Duration) bool {
	end := w.Now.Add(span)
	for {
		if !w.settle() {
			w.problem("a world comes to rest", "it still changes at one instant after 2000 turns; last plan: %s", describe(w.last))
			return false
		}
		next := w.alarm()
		if next.IsZero() || next.After(end) {
			return true
		}
		w.Now = next
	}
}

// Wait is Run that also lets the clock arrive at the end of the span.
func (w *World) Wait(span time.Duration) {
	end := w.Now.Add(span)
	w.Run(span)
	if w.Now.Before(end) {
		w.Now = end
	}
}
