// Package bluegreen takes a rollout from one revision to the next in one switch: the new one stands beside the old,
// can be looked at through the preview Service, and gets all traffic at once. It answers what the next pass does; what
// both strategies share is in package pass.
package bluegreen

import (
	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/pass"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// A view is a pass with what the Services select.
type view struct {
	*pass.Pass
	spec   *v1alpha1.BlueGreenStrategy
	active string // hash in the active Service's selector, as seen
}

func look(p *pass.Pass) view {
	v := view{Pass: p, spec: p.Ro.Spec.Strategy.BlueGreen}
	v.active = pass.SelectorHash(p.Services[v.spec.ActiveService])
	p.Status.BlueGreen.ActiveSelector = v.active
	p.Status.BlueGreen.PreviewSelector = pass.SelectorHash(p.Services[v.spec.PreviewService])
	return v
}

// Decide is one pass over a blue-green (spec 3.12).
func Decide(p *pass.Pass) plan.Plan {
	v := look(p)
	v.repair()
	v.preview()
	if p.TemplateChanged() {
		p.Reset()
		v.count()
		return p.Finish()
	}
	if p.Restart() {
		return p.Stop("restarted pods")
	}
	p.CleanHistory()
	if Resize(p) {
		return v.finish(false)
	}
	completed := v.pause()
	v.activate(completed)
	v.analyse()
	p.Metadata()
	return v.finish(completed)
}

// repair gives the active Service back what somebody took from it: the hash that it selected when this rollout last
// looked. Without it the Service would count as one to take over, and a pause or an analysis would be skipped.
func (v *view) repair() {
	last := v.Rollout.Status.BlueGreen.ActiveSelector
	if v.active != "" || last == "" || v.Services[v.spec.ActiveService] == nil || pass.Available(revision.WithHash(v.All(), last)) == 0 {
		return
	}
	v.PointAnyway(v.spec.ActiveService, last, "the active Service lost its hash")
	v.active, v.Status.BlueGreen.ActiveSelector = last, last
}

// Rescale is the pass that only follows a change of spec.replicas (spec 3.4).
func Rescale(p *pass.Pass) plan.Plan {
	Resize(p)
	v := look(p)
	v.count()
	return p.Scaled()
}

// preview points the preview Service at the new revision at once.
func (v view) preview() {
	if v.spec.PreviewService == "" || v.Held() {
		return
	}
	v.PointAnyway(v.spec.PreviewService, revision.HashOf(v.New), "the revision to look at")
	if v.Services[v.spec.PreviewService] != nil {
		v.Status.BlueGreen.PreviewSelector = revision.HashOf(v.New)
	}
}

// finish promotes what serves, and writes the status.
func (v view) finish(completed bool) plan.Plan {
	v.count()
	if v.Status.PromoteFull || v.WithinWindow() {
		v.ClearPauses()
		v.ClearAbort()
	}
	v.checkpoint(completed)
	if reason := v.promotion(); reason != "" {
		v.Promote(reason)
	}
	if v.Resumed() && v.Status.BlueGreen.ActiveSelector != revision.HashOf(v.New) && !v.Status.BlueGreen.ScaleUpPreviewCheckPoint && !v.Waits(v1alpha1.PauseReasonInconclusiveAnalysis) && !v.begun() {
		v.KeepResumed()
	}
	return v.Finish()
}

// begun reports whether a new analysis answers the resume.
func (v view) begun() bool {
	pre := v.Status.BlueGreen.PrePromotionAnalysisRunStatus
	return pre != nil && !pre.Status.Completed()
}

// promotion is the reason for which the current revision becomes stable now; empty: it does not yet.
func (v view) promotion() string {
	active := v.Status.BlueGreen.ActiveSelector
	post := v.Status.BlueGreen.PostPromotionAnalysisRunStatus
	switch {
	case active == "":
		return "Initial deploy"
	case active != v.Status.CurrentPodHash:
		return ""
	case v.Status.StableRS == "": // a crash came between the first status and the first switch
		return "Initial deploy"
	case v.Status.PromoteFull:
		return "Full promotion requested"
	case v.FastRollback() && v.WithinWindow():
		return "Rollback within window"
	case v.FastRollback():
		return "Fast rollback"
	case v.Aborted():
		return ""
	case v.spec.PostPromotionAnalysis != nil && (post == nil || post.Status != v1alpha1.AnalysisPhaseSuccessful):
		return ""
	}
	return "Completed blue-green update"
}

// checkpoint lets a small preview grow to its full size once it was looked at (spec 3.12).
func (v view) checkpoint(completed bool) {
	if v.spec.PreviewReplicaCount == nil || v.Status.BlueGreen.ScaleUpPreviewCheckPoint || !completed || !v.analysed() && !v.fastTracked() || v.Aborted() {
		return
	}
	if v.active != revision.HashOf(v.New) && pass.Available(v.New) == *v.spec.PreviewReplicaCount {
		v.Status.BlueGreen.ScaleUpPreviewCheckPoint = true
	}
}

// count fills the counters of the status: an autoscaler sees the active revision only (spec 1.3, 3.12).
func (v view) count() {
	s := v.Status
	s.CurrentPodHash, s.CurrentStepHash, s.CurrentStepIndex = revision.HashOf(v.New), "", nil
	s.Canary = v1alpha1.CanaryStatus{}
	s.UpdatedReplicas = v.New.Status.Replicas
	s.Replicas, s.ReadyReplicas, s.AvailableReplicas = 0, 0, 0
	for _, rs := range v.All() {
		s.Replicas += rs.Status.Replicas
		s.ReadyReplicas += rs.Status.ReadyReplicas
		s.AvailableReplicas += rs.Status.AvailableReplicas
	}
	s.HPAReplicas = s.Replicas
	s.Selector = pass.SelectorText(v.Ro.Spec.Selector)
	if rs := v.Active(); rs != nil {
		s.ReadyReplicas, s.AvailableReplicas, s.HPAReplicas = rs.Status.ReadyReplicas, rs.Status.AvailableReplicas, rs.Status.Replicas
		s.Selector = pass.SelectorText(rs.Spec.Selector)
	}
}

func (v view) isActive(rs *appsv1.ReplicaSet) bool {
	return v.active != "" && revision.HashOf(rs) == v.active
}
