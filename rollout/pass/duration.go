package pass

import (
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// duration keeps status.duration: when the update began, how long a person was waited for, how it ended (spec 3.18).
func (p *Pass) duration() {
	if Condition(p.Status, v1alpha1.ConditionInvalidSpec) != nil {
		return
	}
	p.startClock()
	d := p.Status.Duration
	if d == nil {
		return
	}
	p.countPause(d)
	switch {
	case d.FinishedAt != nil:
	case p.Status.Abort && !p.settled():
		d.FinishedAt, d.CompletionStatus = p.metaNow(), v1alpha1.CompletionAborted
	case p.settled():
		if d.CompletionStatus == "" {
			d.CompletionStatus = v1alpha1.CompletionPromoted
		}
		d.FinishedAt = p.metaNow()
	}
}

// startClock begins a new tracking where an update begins.
func (p *Pass) startClock() {
	stored, d := &p.Rollout.Status, p.Status.Duration
	changed := p.Status.CurrentPodHash != stored.CurrentPodHash || p.Status.CurrentStepHash != stored.CurrentStepHash
	retried := stored.AbortedAt != nil && !p.Status.Abort && p.Status.AbortedAt == nil && d != nil && d.FinishedAt != nil
	running := d != nil && d.FinishedAt == nil
	switch {
	case running && changed && (p.Promoted() || p.WithinWindow()):
		d.CompletionStatus = v1alpha1.CompletionFastRolledBack
	case d != nil && !changed && !retried, p.settled():
	case d != nil && d.CompletionStatus == v1alpha1.CompletionAborted && p.Promoted():
	case p.Status.CurrentPodHash != "":
		p.Status.Duration = &v1alpha1.RolloutDuration{RolloutStartedAt: p.metaNow()}
	}
}

// settled reports whether the current revision is stable and all its pods are available.
func (p *Pass) settled() bool {
	return p.Status.StableRS != "" && p.Status.StableRS == p.Status.CurrentPodHash && Available(p.New) >= p.Replicas()
}

// completed notes how an update that is promoted in this pass will have ended.
func (p *Pass) completed(full bool) {
	d := p.Status.Duration
	if d == nil || d.CompletionStatus != "" {
		return
	}
	d.CompletionStatus = v1alpha1.CompletionPromoted
	if full {
		d.CompletionStatus = v1alpha1.CompletionFastPromoted
	}
}

func (p *Pass) countPause(d *v1alpha1.RolloutDuration) {
	waiting := p.waitsForPerson()
	switch {
	case waiting && d.ManualPauseStartedAt == nil && d.FinishedAt == nil:
		d.ManualPauseStartedAt = p.metaNow()
	case !waiting && d.ManualPauseStartedAt != nil:
		d.TotalManualPauseDurationSeconds += int64(p.Now.Sub(d.ManualPauseStartedAt.Time).Seconds())
		d.ManualPauseStartedAt = nil
	}
}

// waitsForPerson reports whether only a person can go on: a pause without an end, an inconclusive analysis, a manual
// pause, a blue-green that does not promote by itself.
func (p *Pass) waitsForPerson() bool {
	if p.Ro.Spec.Paused {
		return true
	}
	for _, c := range p.Status.PauseConditions {
		switch c.Reason {
		case v1alpha1.PauseReasonInconclusiveAnalysis, v1alpha1.PauseReasonInconclusiveExperiment:
			return true
		case v1alpha1.PauseReasonCanaryPauseStep:
			if step := p.Step(); step != nil && step.Pause != nil && step.Pause.Duration == nil {
				return true
			}
		case v1alpha1.PauseReasonBlueGreenPause:
			if !v1alpha1.AutoPromotionEnabled(p.Ro) {
				return true
			}
		}
	}
	return false
}
