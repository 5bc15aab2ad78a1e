package pass

import (
	"fmt"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// Steps are the canary's steps; none for blue-green.
func (p *Pass) Steps() []v1alpha1.CanaryStep {
	if p.Ro.Spec.Strategy.Canary == nil {
		return nil
	}
	return p.Ro.Spec.Strategy.Canary.Steps
}

// Index is the zero-based index of the step being taken, at most the number of steps.
func (p *Pass) Index() int {
	steps := p.Steps()
	if p.Rollout.Status.CurrentStepIndex == nil {
		return 0
	}
	return max(0, min(int(*p.Rollout.Status.CurrentStepIndex), len(steps)))
}

// Step is the step being taken; nil when there are none or all are done.
func (p *Pass) Step() *v1alpha1.CanaryStep {
	steps, i := p.Steps(), p.Index()
	if i >= len(steps) {
		return nil
	}
	return &steps[i]
}

// SetIndex writes a step index; there is none without steps.
func (p *Pass) SetIndex(i int) {
	p.Status.CurrentStepIndex = nil
	if len(p.Steps()) > 0 {
		n := int32(i)
		p.Status.CurrentStepIndex = &n
	}
}

// StepHash is the hash of the steps; empty for blue-green (spec 2.3).
func (p *Pass) StepHash() string {
	if p.Ro.Spec.Strategy.Canary == nil {
		return ""
	}
	return revision.StepHash(p.Steps())
}

// TemplateChanged reports whether the spec asks for another pod template than the stored status knew (spec 3.6).
func (p *Pass) TemplateChanged() bool {
	was := p.Rollout.Status.CurrentPodHash
	return was != "" && was != revision.HashOf(p.New)
}

// StepsChanged reports whether the steps are not those that the stored status knew.
func (p *Pass) StepsChanged() bool {
	was := p.Rollout.Status.CurrentStepHash
	return p.Ro.Spec.Strategy.Canary != nil && (was == "" || was != p.StepHash())
}

// Reset starts the update anew after a change of template or steps (spec 3.7). Steps are the canary's own matter.
func (p *Pass) Reset() {
	p.ClearPauses()
	p.ClearAbort()
	p.Status.RestartedAt = p.Ro.Spec.RestartAt
	p.Status.PromoteFull = false
	p.Status.BlueGreen.ScaleUpPreviewCheckPoint = false
	p.Status.BlueGreen.PrePromotionAnalysisRunStatus, p.Status.BlueGreen.PostPromotionAnalysisRunStatus = nil, nil
	p.Status.Canary.CurrentStepAnalysisRunStatus, p.Status.Canary.CurrentBackgroundAnalysisRunStatus = nil, nil
	p.Status.Canary.CurrentExperiment = ""
	p.Status.Canary.StepPluginStatuses = nil
	p.cause = ""
}

// Promote makes the current revision the stable one, for a reason that is told when it is news (spec 3.7).
func (p *Pass) Promote(reason string) {
	p.ClearPauses()
	p.ClearAbort()
	full := p.Status.PromoteFull
	p.Status.PromoteFull = false
	p.Status.BlueGreen.ScaleUpPreviewCheckPoint = false
	p.SetIndex(len(p.Steps()))
	hash := p.Status.CurrentPodHash
	if p.Status.StableRS == hash {
		return
	}
	p.togglePingPong()
	p.completed(full)
	p.Status.StableRS = hash
	p.Tell(v1alpha1.EventRolloutCompleted, fmt.Sprintf("Rollout completed update to revision %d (%s): %s", p.number(), hash, reason))
}

func (p *Pass) togglePingPong() {
	if c := p.Ro.Spec.Strategy.Canary; c == nil || c.PingPong == nil {
		return
	}
	side := v1alpha1.PingPongPing
	if p.Status.Canary.StablePingPong == v1alpha1.PingPongPing {
		side = v1alpha1.PingPongPong
	}
	p.Status.Canary.StablePingPong = side
}

// StepText is a step as events name it (spec 3.7).
func StepText(s v1alpha1.CanaryStep) string {
	switch {
	case s.SetWeight != nil:
		return fmt.Sprintf("setWeight: %d", *s.SetWeight)
	case s.Pause != nil && s.Pause.Duration != nil:
		return "pause: " + s.Pause.Duration.String()
	case s.Pause != nil:
		return "pause"
	case s.Experiment != nil:
		return "experiment"
	case s.Analysis != nil:
		return "analysis"
	case s.SetCanaryScale != nil:
		return "setCanaryScale" + scaleText(*s.SetCanaryScale)
	case s.Plugin != nil:
		return "plugin: " + s.Plugin.Name
	case s.SetHeaderRoute != nil:
		return "setHeaderRoute: " + s.SetHeaderRoute.Name
	case s.SetMirrorRoute != nil:
		return "setMirrorRoute: " + s.SetMirrorRoute.Name
	}
	return "invalid"
}

func scaleText(s v1alpha1.SetCanaryScale) string {
	switch {
	case s.Weight != nil:
		return fmt.Sprintf("{weight: %d}", *s.Weight)
	case s.Replicas != nil:
		return fmt.Sprintf("{replicas: %d}", *s.Replicas)
	}
	return fmt.Sprintf("{matchTrafficWeight: %t}", s.MatchTrafficWeight)
}
