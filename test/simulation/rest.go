package simulation

import (
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// What must hold when a world is left in peace.

// checkNumbers: no revision is newer than the current one. (Old ones may share a number: the last leader's last request
// may create one.)
func (w *World) checkNumbers(current string) {
	mine := revision.Number(revision.WithHash(w.sets(), current))
	for _, rs := range w.sets() {
		if revision.HashOf(rs) != current && revision.Number(rs) >= mine {
			w.problem(currentIsNewest, "%s is revision %d, the current %s only %d", rs.Name, revision.Number(rs), current, mine)
		}
	}
}

// checkRest looks at a world that was left in peace: its plan is empty, and if nobody holds the rollout and nothing
// failed, the revision of the spec serves alone.
func (w *World) checkRest() {
	snap, p, ok := w.look()
	if !ok {
		w.problem(comesToRest, "the cache does not catch up")
		return
	}
	if !idle(p, &snap.Rollout.Status) {
		w.problem(comesToRest, "at rest, the plan is %s", describe(&p))
	}
	r := snap.Rollout
	w.checkNumbers(r.Status.CurrentPodHash)
	if r.Status.Phase != v1alpha1.RolloutPhaseHealthy {
		return
	}
	wanted := v1alpha1.ReplicasOrDefault(r)
	for _, rs := range snap.ReplicaSets {
		want := int32(0)
		if revision.HashOf(rs) == r.Status.CurrentPodHash {
			want = wanted
		}
		if revision.Size(rs) != want || rs.Status.AvailableReplicas != want {
			w.problem(comesToRest, "%s has %s pods, %d wanted of %d", rs.Name, counts(rs), revision.Size(rs), want)
		}
	}
	if of, most := w.shares(r); most > 0 && wanted > 0 && of[r.Status.CurrentPodHash] != most {
		w.problem(comesToRest, "the current revision %s carries %v of %d", r.Status.CurrentPodHash, of, most)
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
