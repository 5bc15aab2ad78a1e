package pass

import (
	"fmt"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
)

// Pause conditions (spec 3.10). The controller adds a condition and raises controllerPause; a person resumes by
// removing the conditions, which leaves controllerPause as the sign that it was a person.

// Waits reports whether a pause of the given reason stands.
func (p *Pass) Waits(reason v1alpha1.PauseReason) bool { return p.pause(reason) != nil }

func (p *Pass) pause(reason v1alpha1.PauseReason) *v1alpha1.PauseCondition {
	for i := range p.Status.PauseConditions {
		if p.Status.PauseConditions[i].Reason == reason {
			return &p.Status.PauseConditions[i]
		}
	}
	return nil
}

// PauseOf is the pause of the given reason, nil if there is none.
func (p *Pass) PauseOf(reason v1alpha1.PauseReason) *v1alpha1.PauseCondition { return p.pause(reason) }

// Pause adds a pause, once.
func (p *Pass) Pause(reason v1alpha1.PauseReason) {
	if p.Waits(reason) {
		return
	}
	p.Status.PauseConditions = append(p.Status.PauseConditions, v1alpha1.PauseCondition{Reason: reason, StartTime: *p.metaNow()})
	p.Status.ControllerPause = true
	p.paused = true
}

// PausedNow reports whether this pass has added a pause.
func (p *Pass) PausedNow() bool { return p.paused }

// Unpause takes the pause of one reason away.
func (p *Pass) Unpause(reason v1alpha1.PauseReason) {
	var left []v1alpha1.PauseCondition
	for _, c := range p.Status.PauseConditions {
		if c.Reason != reason {
			left = append(left, c)
		}
	}
	p.Status.PauseConditions = left
}

// ClearPauses takes every pause away.
func (p *Pass) ClearPauses() { p.Status.PauseConditions = nil }

// Resumed reports whether a person resumed: controllerPause stands, as stored, without any condition.
func (p *Pass) Resumed() bool { return p.resumed }

// Held reports whether a person or an inconclusive analysis holds the rollout still (spec 3.8: halted).
func (p *Pass) Held() bool {
	return p.Ro.Spec.Paused || p.Waits(v1alpha1.PauseReasonInconclusiveAnalysis)
}

// Abort ends the update in this pass, for a cause that is told; an empty cause leaves the message bare.
func (p *Pass) Abort(cause string) {
	p.Status.Abort = true
	if p.cause == "" {
		p.cause = cause
	}
}

// AbortedNow reports whether this pass aborts: that is told before anything is scaled.
func (p *Pass) AbortedNow() bool { return p.cause != "" }

// ClearAbort takes the abort back.
func (p *Pass) ClearAbort() {
	p.Status.Abort = false
	p.Status.AbortedAt = nil
}

// bookkeeping keeps the Progressing and Paused conditions in step with pauses, resumes and retries (spec 3.3); it
// reports whether something changed, which ends the pass.
func (p *Pass) bookkeeping() bool {
	if p.Status.ObservedGeneration != generationText(p.Ro) {
		return false
	}
	progressing := Condition(p.Status, v1alpha1.ConditionProgressing)
	reason := ""
	if progressing != nil {
		reason = progressing.Reason
	}
	paused := p.Ro.Spec.Paused || len(p.Status.PauseConditions) > 0
	changed := false
	switch {
	case !p.Status.Abort && reason == v1alpha1.ReasonRolloutAborted:
		changed = SetCondition(p.Status, p.condition(v1alpha1.ConditionProgressing, unknown, v1alpha1.ReasonRolloutRetry, v1alpha1.MessageRolloutRetry))
	case reason != v1alpha1.ReasonRolloutAborted && p.Status.StableRS != p.Status.CurrentPodHash && paused != (reason == v1alpha1.ReasonRolloutPaused):
		why, message := v1alpha1.ReasonRolloutPaused, v1alpha1.MessageRolloutPaused
		if !paused {
			why, message = v1alpha1.ReasonRolloutResumed, v1alpha1.MessageRolloutResumed
		}
		changed = SetCondition(p.Status, p.condition(v1alpha1.ConditionProgressing, unknown, why, message))
	}
	stands := Condition(p.Status, v1alpha1.ConditionPaused)
	if reason != v1alpha1.ReasonRolloutAborted && paused != (stands != nil && stands.Status == yes) {
		status := no
		if paused {
			status = yes
		}
		changed = SetCondition(p.Status, p.condition(v1alpha1.ConditionPaused, status, v1alpha1.ReasonRolloutPaused, v1alpha1.MessageRolloutPaused)) || changed
	}
	return changed
}

// Bookkeep is the pass that only keeps conditions in step with pauses and retries; done reports whether it was needed.
func (p *Pass) Bookkeep() (next plan.Plan, done bool) {
	if !p.bookkeeping() {
		return plan.Plan{}, false
	}
	p.duration()
	p.settlePhase()
	p.out.Status = p.Status
	return p.out, true
}

func generationText(r *v1alpha1.Rollout) string { return fmt.Sprint(r.Generation) }

// ForgetNeedlessAbort takes an abort back that came when the revision was stable already (spec 3.1).
func (p *Pass) ForgetNeedlessAbort() {
	if p.Status.Abort && p.Status.StableRS != "" && p.Status.StableRS == p.Status.CurrentPodHash {
		p.ClearAbort()
	}
}
