// Package rollout decides what happens to a Rollout. Decide is a function of its arguments alone: what was seen of the
// cluster, and the instant. It says what should be done next and why; doing it is the shell's.
package rollout

import (
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/bluegreen"
	"github.com/sluice-delivery/sluice/rollout/canary"
	"github.com/sluice-delivery/sluice/rollout/pass"
	"github.com/sluice-delivery/sluice/rollout/plan"
)

// Decide says what should happen next to the rollout in s, as of now. A rollout's life, in the order in which the
// questions are asked (spec 3.1):
//
//	Is it going away?            Nothing is done; what it owns goes with it.
//	Can its spec be carried out? If not, that is said, and nothing else is done.
//	Is there a ReplicaSet of the spec's pod template? If not, one is made, without pods.
//	Did somebody pause, resume, abort or retry? The conditions follow.
//	Is another number of pods wanted? All sizes follow, and nothing else.
//	Else the strategy takes its next step: canary by weights, blue-green by one switch.
func Decide(s plan.Snapshot, now time.Time) plan.Plan {
	if s.Rollout.DeletionTimestamp != nil {
		return plan.Plan{Waiting: "the rollout is being deleted"}
	}
	p := pass.Begin(s, now)
	if why := invalid(s); why != "" {
		return p.Refuse(why)
	}
	p.Valid()
	if p.New == nil {
		return p.Create()
	}
	if s.Rollout.Spec.Replicas == nil {
		return plan.Plan{Effects: []plan.Effect{plan.SetReplicas{Reason: plan.Reason{Text: "spec.replicas is absent, which means 1"}, To: 1}}}
	}
	p.ForgetNeedlessAbort()
	if next, done := p.Bookkeep(); done {
		return next
	}
	next, resize := canary.Decide, canary.Rescale
	if s.Rollout.Spec.Strategy.BlueGreen != nil {
		next, resize = bluegreen.Decide, bluegreen.Rescale
	}
	p.Sync()
	// A canary that is held still cannot be resized: its status says so (case op-scale-while-paused-by-hand). And a new
	// revision starts at its first step before anything is resized, or it would get the size of the last one's last step.
	held := p.Held() && s.Rollout.Spec.Strategy.Canary != nil
	if p.Resized() && !held && !p.TemplateChanged() && !(s.Rollout.Spec.Strategy.Canary != nil && p.StepsChanged()) {
		return resize(p)
	}
	return next(p)
}

// invalid is the first thing that is wrong with the spec, or with what it refers to; empty when nothing is.
func invalid(s plan.Snapshot) string {
	if errs := v1alpha1.ValidateObserved(s.Rollout, s.References); len(errs) > 0 {
		return v1alpha1.ErrorText(errs[0])
	}
	if why := unbuilt(s.Rollout); why != "" {
		return why
	}
	if errs := v1alpha1.ValidateReferences(s.Rollout, s.References); len(errs) > 0 {
		return v1alpha1.ErrorText(errs[0])
	}
	return ""
}
