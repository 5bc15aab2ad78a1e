package pass

import (
	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// Rollback detection (spec 3.13).

// Rollback reports whether the update goes back: to the stable revision, or to one made before it.
func (p *Pass) Rollback() bool {
	return p.Stable != nil && (p.Promoted() || p.olderThanStable())
}

func (p *Pass) olderThanStable() bool {
	return p.Stable != nil && p.New != nil && p.Stable != p.New && p.New.CreationTimestamp.Before(&p.Stable.CreationTimestamp)
}

// WithinWindow reports whether the update goes back so few revisions that it need not be tried step by step again.
func (p *Pass) WithinWindow() bool {
	window := p.Ro.Spec.RollbackWindow
	if window == nil || window.Revisions <= 0 || !p.olderThanStable() {
		return false
	}
	between := int32(0)
	for _, rs := range p.Others {
		if rs.Annotations[v1alpha1.ExperimentNameAnnotation] == "" && p.New.CreationTimestamp.Before(&rs.CreationTimestamp) && rs.CreationTimestamp.Before(&p.Stable.CreationTimestamp) {
			between++
		}
	}
	return between < window.Revisions
}

// FastRollback reports whether the update goes back to what serves or served a moment ago.
func (p *Pass) FastRollback() bool {
	return p.Rollback() && (p.WithinWindow() || p.Promoted() || p.Ro.Spec.Strategy.BlueGreen != nil && p.delayed)
}

// Active is the ReplicaSet that a blue-green's active Service selects, as the status being written knows; nil if none.
func (p *Pass) Active() *appsv1.ReplicaSet {
	if p.Status.BlueGreen.ActiveSelector == "" {
		return nil
	}
	return revision.WithHash(p.All(), p.Status.BlueGreen.ActiveSelector)
}

// Saturated reports whether a ReplicaSet has its full, up-to-date size and all pods are available (spec 3.12).
func (p *Pass) Saturated(rs *appsv1.ReplicaSet) bool {
	desired, ok := revision.Desired(rs)
	return rs != nil && ok && revision.Size(rs) == desired && Available(rs) == desired && desired == p.Replicas()
}
