package canary

import (
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/pass"
	"github.com/sluice-delivery/sluice/rollout/replicas"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// done reports whether the current step is completed (spec 3.7).
func done(p *pass.Pass, now progress) bool {
	step := p.Step()
	if step == nil || p.Ro.Spec.Paused {
		return false
	}
	switch {
	case step.Pause != nil:
		return pauseOver(p, step.Pause)
	case step.SetWeight != nil:
		w := p.Status.Canary.Weights
		return now.sized && (w == nil || w.Verified == nil || *w.Verified)
	case step.SetCanaryScale != nil:
		return now.sized
	case step.Analysis != nil:
		run := p.Status.Canary.CurrentStepAnalysisRunStatus
		return run != nil && run.Status == v1alpha1.AnalysisPhaseSuccessful
	case step.SetHeaderRoute != nil && len(step.SetHeaderRoute.Match) > 0:
		return now.routed && pass.Available(p.New) > 0
	case step.SetHeaderRoute != nil, step.SetMirrorRoute != nil:
		return true
	}
	return false
}

// pause adds the pause of a pause step, and asks to be woken when it is over.
func pause(p *pass.Pass) {
	step := p.Step()
	if step == nil || step.Pause == nil || p.Aborted() || p.Promoted() || p.Status.PromoteFull {
		return
	}
	if !p.Waits(v1alpha1.PauseReasonCanaryPauseStep) {
		if p.Status.ControllerPause {
			return
		}
		p.Pause(v1alpha1.PauseReasonCanaryPauseStep)
	}
	if step.Pause.Duration != nil {
		p.WakeAt(pauseEnd(p, step.Pause).Add(time.Second))
	}
}

func pauseOver(p *pass.Pass, pause *v1alpha1.RolloutPause) bool {
	stands := p.PauseOf(v1alpha1.PauseReasonCanaryPauseStep)
	if stands == nil {
		return p.Resumed()
	}
	return pause.Duration != nil && p.Now.After(pauseEnd(p, pause))
}

func pauseEnd(p *pass.Pass, pause *v1alpha1.RolloutPause) time.Time {
	return p.PauseOf(v1alpha1.PauseReasonCanaryPauseStep).StartTime.Add(time.Duration(pause.DurationSeconds()) * time.Second)
}

// setWeight is the weight that the steps before end ask for: the nearest setWeight, 0 when there is none (spec 3.8).
func setWeight(steps []v1alpha1.CanaryStep, end int) int32 {
	for i := end - 1; i >= 0; i-- {
		if w := steps[i].SetWeight; w != nil {
			return *w
		}
	}
	return 0
}

// currentWeight is the canary's weight by the step being taken (spec 3.8): 0 when aborted, all when the steps are done.
func currentWeight(p *pass.Pass) int32 {
	switch {
	case p.Aborted():
		return 0
	case p.Step() == nil:
		return v1alpha1.MaxTrafficWeight(p.Ro)
	}
	return setWeight(p.Steps(), p.Index()+1)
}

// enough reports whether the progress threshold is met for all replicas.
func enough(p *pass.Pass) bool {
	return replicas.Met(p.Ro.Spec.Strategy.Canary.ReplicaProgressThreshold, set(p.New), p.Replicas())
}

// atDesired reports whether canary and stable have the pods that the current step wants (spec 3.7).
func atDesired(p *pass.Pass) bool {
	c := p.Ro.Spec.Strategy.Canary
	wantNew, wantStable := sizes(p)
	if !replicas.Met(c.ReplicaProgressThreshold, set(p.New), wantNew) {
		return false
	}
	follows := c.DynamicStableScale && c.TrafficRouting != nil
	if p.Stable != nil && p.Stable != p.New && !follows &&
		(revision.Size(p.Stable) != wantStable || p.Stable.Status.Replicas != wantStable) {
		return false
	}
	if c.TrafficRouting == nil {
		for _, rs := range p.Others {
			if pass.Available(rs) > 0 {
				return false
			}
		}
	}
	return true
}
