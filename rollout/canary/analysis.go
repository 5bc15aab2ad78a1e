package canary

import (
	"strconv"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/pass"
)

// analyse keeps the run of an analysis step and the one in the background going (spec 3.9).
func analyse(p *pass.Pass) {
	if why, none := p.NoAnalysis(); none {
		p.CeaseCurrent(why)
		p.Status.Canary.CurrentStepAnalysisRunStatus = nil
		p.Status.Canary.CurrentBackgroundAnalysisRunStatus = nil
		p.TidyRuns()
		return
	}
	if len(p.Status.PauseConditions) == 0 {
		stepAnalysis(p)
	}
	background(p)
	p.TidyRuns()
}

func stepAnalysis(p *pass.Pass) {
	ref := &p.Status.Canary.CurrentStepAnalysisRunStatus
	step := p.Step()
	run := p.Current(*ref)
	if run != nil && run.Labels[v1alpha1.StepIndexLabel] != strconv.Itoa(p.Index()) || step == nil || step.Analysis == nil {
		p.Cease(run, "the step that it belonged to is left")
		*ref = nil
	}
	if step != nil && step.Analysis != nil {
		p.Follow(p.StepAnalysis(p.Index()))
	}
}

func background(p *pass.Pass) {
	ref := &p.Status.Canary.CurrentBackgroundAnalysisRunStatus
	analysis := p.Ro.Spec.Strategy.Canary.Analysis
	if analysis == nil || len(analysis.Templates) == 0 || p.Index() < int(v1alpha1.StartingStepOrDefault(analysis)) && len(p.Steps()) > 0 {
		p.Cease(p.Current(*ref), "no background analysis is wanted")
		*ref = nil
		return
	}
	p.Follow(p.Background())
}
