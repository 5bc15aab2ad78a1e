package bluegreen

import (
	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/pass"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// Resize brings the ReplicaSets to their sizes: stable, then the new one, then those that only wait to go
// (spec 3.12). A halted rollout is still resized. It reports whether any size changed.
func Resize(p *pass.Pass) bool {
	v := look(p)
	delayed := v.delaysOnAbort()
	if !delayed {
		p.DropDeadline(p.New)
	}
	if p.Stable != nil && p.Stable != p.New {
		p.DropDeadline(p.Stable)
		if p.Scale(p.Stable, p.Replicas(), "the stable revision has all pods") {
			return true
		}
	}
	if delayed {
		return p.LetGo() || v.retire()
	}
	return p.Scale(p.New, v.newSize(), "the revision to switch to") || v.retire()
}

// newSize is the size of the new revision: all pods, or fewer until it was looked at (spec 3.12, previewReplicaCount).
func (v view) newSize() int32 {
	count := v.spec.PreviewReplicaCount
	active := revision.WithHash(v.All(), v.active)
	switch {
	case count == nil, active == nil, v.isActive(v.New), v.Status.PromoteFull, v.Promoted():
		return v.Replicas()
	case revision.HashOf(v.New) != v.Rollout.Status.CurrentPodHash:
		return *count
	case v.Status.BlueGreen.ScaleUpPreviewCheckPoint && !v.Ro.Spec.Paused && len(v.Status.PauseConditions) == 0:
		return v.Replicas()
	}
	return *count
}

// delaysOnAbort reports whether the pods of an aborted preview stay for a while (spec 3.8.3).
func (v view) delaysOnAbort() bool {
	_, never, _ := v1alpha1.AbortScaleDownDelay(v.Ro)
	return v.Aborted() && v.Stable != nil && v.Stable != v.New && !never
}

// retire lets old revisions go after the scale-down delay. While an analysis after the switch may still take the
// switch back, or a person is asked, they stay.
func (v view) retire() bool {
	post := v.Status.BlueGreen.PostPromotionAnalysisRunStatus
	analysing := v.spec.PostPromotionAnalysis != nil && !v.Promoted() && (post == nil || !post.Status.Completed()) && v.isActive(v.New)
	if v.Waits(v1alpha1.PauseReasonInconclusiveAnalysis) || analysing && v.spec.ScaleDownDelaySeconds == nil {
		return v.refresh()
	}
	changed, kept := false, int32(0)
	for _, rs := range v.Others {
		size := revision.Size(rs)
		if size == 0 || v.referenced(rs) {
			continue
		}
		to, counted := v.Retire(rs, kept, v.Replicas())
		if counted {
			kept++
		}
		changed = v.Scale(rs, to, "the revision no longer serves") || changed
	}
	return changed
}

// refresh keeps the sizes but notes the number of replicas wanted, or every pass would only resize (spec 3.4).
func (v view) refresh() bool {
	changed := false
	for _, rs := range v.Others {
		if size := revision.Size(rs); size > 0 {
			changed = v.Scale(rs, size, "") || changed
		}
	}
	return changed
}

// referenced reports whether a Service still selects a revision.
func (v view) referenced(rs *appsv1.ReplicaSet) bool {
	hash := revision.HashOf(rs)
	s := v.Rollout.Status
	return hash == s.StableRS || hash == s.CurrentPodHash || hash == v.active || hash == pass.SelectorHash(v.Services[v.spec.PreviewService])
}
