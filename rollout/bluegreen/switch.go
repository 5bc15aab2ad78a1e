package bluegreen

import (
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/pass"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// ready reports whether the new revision has the pods that it should have before the switch.
func (v view) ready() bool {
	want := v.newSize()
	return revision.Size(v.New) == want && pass.Available(v.New) == want
}

// fastTracked reports whether the switch needs neither pause nor analysis: back to what served a moment ago, by
// request, or where nothing is switched away from.
func (v view) fastTracked() bool {
	return v.FastRollback() || v.Status.PromoteFull || v.active == "" || v.Status.StableRS == "" || v.isActive(v.New)
}

// pause holds the switch until a person or the clock lets it go. It reports whether the pause is over (spec 3.12).
func (v view) pause() (completed bool) {
	if !v.ready() || v.Held() || v.Aborted() {
		return false
	}
	auto, seconds := v1alpha1.AutoPromotionEnabled(v.Ro), v.spec.AutoPromotionSeconds
	if v.fastTracked() || v.Status.BlueGreen.ScaleUpPreviewCheckPoint || auto && seconds == 0 {
		v.Unpause(v1alpha1.PauseReasonBlueGreenPause)
		return true
	}
	if !v.analysed() {
		return false
	}
	stands := v.PauseOf(v1alpha1.PauseReasonBlueGreenPause)
	switch {
	case stands == nil && v.Status.ControllerPause:
		return true
	case stands == nil:
		v.Pause(v1alpha1.PauseReasonBlueGreenPause)
		stands = v.PauseOf(v1alpha1.PauseReasonBlueGreenPause)
	}
	if !auto || seconds == 0 {
		return false
	}
	end := stands.StartTime.Add(time.Duration(seconds) * time.Second)
	if v.Now.After(end) {
		v.Unpause(v1alpha1.PauseReasonBlueGreenPause)
		return true
	}
	v.WakeAt(end.Add(time.Second))
	return false
}

// analysed reports whether the analysis before the switch, if there is one, succeeded.
func (v view) analysed() bool {
	if v.spec.PrePromotionAnalysis == nil {
		return true
	}
	pre := v.Status.BlueGreen.PrePromotionAnalysisRunStatus
	if run := v.Current(pre); run != nil {
		return run.Status.Phase == v1alpha1.AnalysisPhaseSuccessful
	}
	return pre != nil && pre.Status == v1alpha1.AnalysisPhaseSuccessful
}

// activate switches the active Service: to the new revision when everything before the switch is done, back to stable
// when the update is aborted.
func (v view) activate(completed bool) {
	if v.Held() {
		return
	}
	target, why := "", "the new revision is ready to serve"
	switch {
	case v.Aborted() && v.Status.StableRS != "" && !v.Promoted():
		target, why = v.Status.StableRS, "the update was aborted"
	case !v.ready() || !v.Saturated(v.New):
		v.WaitFor("all pods of " + v.New.Name)
		return
	case v.fastTracked() || completed && v.analysed():
		target = revision.HashOf(v.New)
	default:
		return
	}
	v.PointAnyway(v.spec.ActiveService, target, why)
	if v.Services[v.spec.ActiveService] != nil {
		v.Status.BlueGreen.ActiveSelector = target
	}
}

// analyse keeps the analyses before and after the switch going (spec 3.9).
func (v view) analyse() {
	pre, post := &v.Status.BlueGreen.PrePromotionAnalysisRunStatus, &v.Status.BlueGreen.PostPromotionAnalysisRunStatus
	if why, none := v.NoAnalysis(); none {
		v.CeaseCurrent(why)
		v.Note(v.PrePromotion())
		v.Note(v.PostPromotion())
		v.TidyRuns()
		return
	}
	switch {
	case v.spec.PrePromotionAnalysis == nil || v.active == "" || v.isActive(v.New):
		v.Cease(v.Current(*pre), "no analysis before the switch is wanted any more")
	case *pre != nil || v.ready():
		v.Follow(v.PrePromotion())
	}
	switch {
	case v.spec.PostPromotionAnalysis == nil || !v.isActive(v.New):
		v.Cease(v.Current(*post), "no analysis after the switch is wanted any more")
	case *post != nil || v.Saturated(v.New):
		v.Follow(v.PostPromotion())
	}
	v.TidyRuns()
}
