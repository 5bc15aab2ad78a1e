// Package canary takes a rollout from one revision to the next in steps: a share of the pods, or of the traffic, at a
// time. It answers what the next pass does; what both strategies share is in package pass, arithmetic in replicas.
package canary

import (
	"fmt"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/pass"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// Decide is one pass over a canary (spec 3.5). Pods grow before traffic is sent to them and traffic leaves before they
// go: the routers are looked at before the sizes, and weights follow only pods that are there.
func Decide(p *pass.Pass) plan.Plan {
	if p.TemplateChanged() || p.StepsChanged() {
		return reset(p)
	}
	if p.Restart() {
		return p.Stop("restarted pods")
	}
	p.Metadata()
	p.CleanHistory()
	services(p)
	now := progress{routed: route(p), sized: atDesired(p)}
	analyse(p)
	if !p.PausedNow() && !p.AbortedNow() && !Resize(p) {
		pause(p)
	}
	return finish(p, now)
}

// Rescale is the pass that only follows a change of spec.replicas (spec 3.4).
func Rescale(p *pass.Pass) plan.Plan {
	Resize(p)
	count(p)
	return p.Scaled()
}

// progress is what the current step has by the time its sizes are looked at: the routers told, the pods there.
type progress struct{ routed, sized bool }

// reset starts the steps anew for another template or other steps (spec 3.7). Going back to stable skips them.
func reset(p *pass.Pass) plan.Plan {
	p.Reset()
	count(p)
	p.SetIndex(0)
	if steps := len(p.Steps()); steps > 0 {
		switch {
		case p.Promoted():
			p.SetIndex(steps)
			p.Tell(v1alpha1.EventSkipSteps, "Rollback to stable ReplicaSets")
		case p.WithinWindow() && revision.Size(p.New) > 0:
			p.SetIndex(steps)
			p.Tell(v1alpha1.EventSkipSteps, "Rollback to active ReplicaSets within RollbackWindow")
		}
	}
	return p.Finish()
}

// finish promotes, gives up or takes the next step, and writes the status (spec 3.7).
func finish(p *pass.Pass, now progress) plan.Plan {
	count(p)
	if p.Status.PromoteFull || p.WithinWindow() {
		p.ClearPauses()
		p.ClearAbort()
		p.SetIndex(len(p.Steps()))
	} else {
		p.SetIndex(p.Index())
	}
	switch reason := promotion(p); {
	case reason != "":
		p.Promote(reason)
	case p.Aborted():
		p.SetIndex(0)
		if p.Status.StableRS == p.Status.CurrentPodHash {
			p.SetIndex(len(p.Steps()))
		}
	case !p.Status.PromoteFull && !p.WithinWindow() && done(p, now):
		advance(p)
	}
	return p.Finish()
}

// promotion is the reason for which the current revision becomes stable now; empty: it does not yet.
func promotion(p *pass.Pass) string {
	switch {
	case p.Status.StableRS == "":
		return "Initial deploy"
	case p.Aborted():
		return ""
	case pass.Available(p.New) < p.Replicas() && !enough(p):
		return ""
	case p.Status.PromoteFull:
		return "Full promotion requested"
	case p.FastRollback() && p.WithinWindow():
		return "Rollback within window"
	case p.FastRollback():
		return "Fast rollback"
	case p.Index() == len(p.Steps()):
		return fmt.Sprintf("Completed all %d canary steps", len(p.Steps()))
	}
	return ""
}

// advance takes the next step.
func advance(p *pass.Pass) {
	i := p.Index()
	p.SetIndex(i + 1)
	p.Status.Canary.CurrentStepAnalysisRunStatus = nil
	p.Unpause(v1alpha1.PauseReasonCanaryPauseStep)
	p.Tell(v1alpha1.EventRolloutStepCompleted, fmt.Sprintf("Rollout step %d/%d completed (%s)", i+1, len(p.Steps()), pass.StepText(p.Steps()[i])))
}

// count fills the counters of the status: all pods of all revisions count (spec 1.3).
func count(p *pass.Pass) {
	s := p.Status
	s.Replicas, s.ReadyReplicas, s.AvailableReplicas, s.UpdatedReplicas = 0, 0, 0, 0
	for _, rs := range p.All() {
		s.Replicas += rs.Status.Replicas
		s.ReadyReplicas += rs.Status.ReadyReplicas
		s.AvailableReplicas += rs.Status.AvailableReplicas
	}
	s.HPAReplicas = s.Replicas
	s.UpdatedReplicas = p.New.Status.Replicas
	s.Selector = pass.SelectorText(p.Ro.Spec.Selector)
	s.CurrentPodHash = revision.HashOf(p.New)
	s.CurrentStepHash = p.StepHash()
	s.BlueGreen = v1alpha1.BlueGreenStatus{}
}
