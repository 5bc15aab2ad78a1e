package pass

import (
	"fmt"
	"maps"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// A Kind is one of the four uses of analysis in a rollout (spec 5.5).
type Kind struct {
	Type   string // the rollout-type label
	Suffix string // of the run's name, behind <rollout>-<hash>-<revision>
	Cause  string // why a failed run aborts
	Index  int    // of the step; only for step analysis
	Path   string // of the analysis in the spec, for messages
	Spec   *v1alpha1.RolloutAnalysis
	Status **v1alpha1.RolloutAnalysisRunStatus // where the Rollout's status keeps the run
}

// Step is the analysis of a canary step.
func (p *Pass) StepAnalysis(i int) Kind {
	return Kind{Type: v1alpha1.RolloutTypeStep, Suffix: "-" + strconv.Itoa(i), Cause: "Step-based analysis phase error/failed", Index: i,
		Path: fmt.Sprintf("spec.strategy.canary.steps[%d].analysis", i),
		Spec: p.Steps()[i].Analysis, Status: &p.Status.Canary.CurrentStepAnalysisRunStatus}
}

// Background is the analysis beside a canary's steps.
func (p *Pass) Background() Kind {
	return Kind{Type: v1alpha1.RolloutTypeBackground, Cause: "Background analysis phase error/failed", Path: "spec.strategy.canary.analysis",
		Spec: &p.Ro.Spec.Strategy.Canary.Analysis.RolloutAnalysis, Status: &p.Status.Canary.CurrentBackgroundAnalysisRunStatus}
}

// PrePromotion is the analysis before a blue-green switch.
func (p *Pass) PrePromotion() Kind {
	return Kind{Type: v1alpha1.RolloutTypePrePromotion, Suffix: "-pre", Cause: "Blue/green pre-promotion analysis phase error/failed",
		Path: "spec.strategy.blueGreen.prePromotionAnalysis",
		Spec: p.Ro.Spec.Strategy.BlueGreen.PrePromotionAnalysis, Status: &p.Status.BlueGreen.PrePromotionAnalysisRunStatus}
}

// PostPromotion is the analysis after a blue-green switch.
func (p *Pass) PostPromotion() Kind {
	return Kind{Type: v1alpha1.RolloutTypePostPromotion, Suffix: "-post", Cause: "Blue/green post-promotion analysis phase error/failed",
		Path: "spec.strategy.blueGreen.postPromotionAnalysis",
		Spec: p.Ro.Spec.Strategy.BlueGreen.PostPromotionAnalysis, Status: &p.Status.BlueGreen.PostPromotionAnalysisRunStatus}
}

// Current is the run that a status names, if it still exists.
func (p *Pass) Current(ref *v1alpha1.RolloutAnalysisRunStatus) *v1alpha1.AnalysisRun {
	if ref == nil {
		return nil
	}
	for _, run := range p.Runs {
		if run.Name == ref.Name {
			return run
		}
	}
	return nil
}

// Follow keeps the run of a kind going: begins it when one is needed, mirrors its phase, and draws the consequences:
// inconclusive pauses, failed and error abort (spec 3.9).
func (p *Pass) Follow(k Kind) {
	run := p.Current(*k.Status)
	if p.needsRun(run) {
		p.begin(k)
		return
	}
	if run == nil {
		return
	}
	was := v1alpha1.AnalysisPhase("")
	if *k.Status != nil {
		was = (*k.Status).Status
	}
	p.mirrorRun(k, run, was)
	switch run.Status.Phase {
	case v1alpha1.AnalysisPhaseInconclusive:
		p.Pause(v1alpha1.PauseReasonInconclusiveAnalysis)
	case v1alpha1.AnalysisPhaseFailed, v1alpha1.AnalysisPhaseError:
		cause := k.Cause
		if run.Status.Message != "" {
			cause += ": " + run.Status.Message
		}
		p.Abort(cause)
	case v1alpha1.AnalysisPhaseSuccessful:
	default:
		p.WaitFor("AnalysisRun " + run.Name)
	}
}

// Note refreshes what the status says of a kind's run, without consequences: the run is over for the update.
func (p *Pass) Note(k Kind) {
	if run := p.Current(*k.Status); run != nil {
		p.mirrorRun(k, run, (*k.Status).Status)
	}
}

// mirrorRun refreshes the recorded phase of a run and tells when it changed.
func (p *Pass) mirrorRun(k Kind, run *v1alpha1.AnalysisRun, was v1alpha1.AnalysisPhase) {
	phase := run.Status.Phase
	*k.Status = &v1alpha1.RolloutAnalysisRunStatus{Name: run.Name, Status: phase, Message: run.Status.Message}
	if phase == was || phase == "" {
		return
	}
	p.out.Events = append(p.out.Events, plan.Event{
		Reason:  v1alpha1.EventAnalysisRunPrefix + string(phase),
		Message: fmt.Sprintf("%s Analysis Run '%s' Status New: '%s' Previous: '%s'", k.Type, run.Name, phase, was),
		Warning: phase == v1alpha1.AnalysisPhaseFailed || phase == v1alpha1.AnalysisPhaseError,
	})
}

// needsRun is the rule of spec 3.9 for a new run.
func (p *Pass) needsRun(current *v1alpha1.AnalysisRun) bool {
	stored := &p.Rollout.Status
	switch {
	case p.Waits(v1alpha1.PauseReasonInconclusiveAnalysis):
		return false
	case current == nil:
		return true
	case stored.ControllerPause && !p.Waits(v1alpha1.PauseReasonCanaryPauseStep) && !p.Waits(v1alpha1.PauseReasonBlueGreenPause):
		return current.Status.Phase == v1alpha1.AnalysisPhaseInconclusive
	}
	return stored.AbortedAt != nil
}

// begin plans a new run. What cannot be made is told in the InvalidSpec condition, not kept silent.
func (p *Pass) begin(k Kind) {
	run, err := p.newRun(k)
	if err != nil {
		p.Invalidate(fmt.Sprintf("%s: %v", k.Path, err))
		return
	}
	// Bounded before it is looked for: the run that was made is stored like that.
	var unbounded []string
	if k.Type != v1alpha1.RolloutTypeBackground {
		unbounded = analysis.Unbounded(run.Spec)
		run.Spec = analysis.Bound(run.Spec)
	}
	name, reuse := analysis.Name(run.Name, run.Spec, p.Ro.UID, p.Runs, p.TakenRunNames)
	if reuse != nil {
		*k.Status = &v1alpha1.RolloutAnalysisRunStatus{Name: reuse.Name, Status: reuse.Status.Phase, Message: reuse.Status.Message}
		return
	}
	reason := plan.Reason{Text: k.Type + " analysis is due"}
	if len(unbounded) > 0 && name == run.Name && p.firstUnbounded() == k.Path {
		reason.Tell = append(reason.Tell, plan.Event{Warning: true, Reason: v1alpha1.EventAnalysisTemplateUnbounded,
			Message: fmt.Sprintf("%s: metrics %v have an interval and no count: the first success completes them, more failures than failureLimit fail them", k.Path, unbounded)})
	}
	run.Name = name
	p.Do(plan.Begin{Reason: reason, Run: run})
	*k.Status = &v1alpha1.RolloutAnalysisRunStatus{Name: name}
	p.WaitFor("AnalysisRun " + name)
}

// firstUnbounded is the path of the first inline analysis that has to be bounded: a revision tells of it once.
func (p *Pass) firstUnbounded() string {
	for _, k := range p.inline() {
		if run, err := p.newRun(k); err == nil && len(analysis.Unbounded(run.Spec)) > 0 {
			return k.Path
		}
	}
	return ""
}

// inline are the analyses of the spec that something waits for, in the order in which they come.
func (p *Pass) inline() []Kind {
	var kinds []Kind
	for i, step := range p.Steps() {
		if step.Analysis != nil {
			kinds = append(kinds, p.StepAnalysis(i))
		}
	}
	if bg := p.Ro.Spec.Strategy.BlueGreen; bg != nil {
		for _, k := range []Kind{p.PrePromotion(), p.PostPromotion()} {
			if k.Spec != nil {
				kinds = append(kinds, k)
			}
		}
	}
	return kinds
}

func (p *Pass) newRun(k Kind) (*v1alpha1.AnalysisRun, error) {
	hash := revision.HashOf(p.New)
	args, err := analysis.Arguments(*k.Spec, p.Ro, p.Status.StableRS, hash)
	if err != nil {
		return nil, err
	}
	spec, err := analysis.Spec(*k.Spec, p.Templates, args)
	if err != nil {
		return nil, err
	}
	run := &v1alpha1.AnalysisRun{Spec: spec, ObjectMeta: metav1.ObjectMeta{
		Name:            fmt.Sprintf("%s-%s-%d%s", p.Ro.Name, hash, revision.Number(p.New), k.Suffix),
		Namespace:       p.Ro.Namespace,
		Labels:          p.runLabels(k, hash),
		Annotations:     map[string]string{v1alpha1.RevisionAnnotation: strconv.FormatInt(revision.Number(p.New), 10)},
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(p.Ro, v1alpha1.RolloutGroupVersionKind)},
	}}
	maps.Copy(run.Annotations, k.Spec.AnalysisRunMetadata.Annotations)
	return run, nil
}

// runLabels are the labels of spec 2.5. The two that the controller finds its runs by cannot be overridden.
func (p *Pass) runLabels(k Kind, hash string) map[string]string {
	labels := map[string]string{v1alpha1.DefaultRolloutUniqueLabelKey: hash}
	if id, ok := p.Ro.Labels[v1alpha1.InstanceIDLabel]; ok {
		labels[v1alpha1.InstanceIDLabel] = id
	}
	maps.Copy(labels, k.Spec.AnalysisRunMetadata.Labels)
	if p.Ro.Spec.Selector != nil {
		maps.Copy(labels, p.Ro.Spec.Selector.MatchLabels)
	}
	labels[v1alpha1.RolloutTypeLabel] = k.Type
	delete(labels, v1alpha1.StepIndexLabel)
	if k.Type == v1alpha1.RolloutTypeStep {
		labels[v1alpha1.StepIndexLabel] = strconv.Itoa(k.Index)
	}
	return labels
}

// Cease asks a run to terminate, if it has not ended.
func (p *Pass) Cease(run *v1alpha1.AnalysisRun, why string) {
	if run == nil || run.Spec.Terminate || run.Status.Phase.Completed() {
		return
	}
	p.Do(plan.End{Reason: plan.Reason{Text: why}, Run: run})
}
