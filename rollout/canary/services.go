package canary

import (
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/pass"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// services points the Services at their revisions (spec 8.1), stable before canary.
func services(p *pass.Pass) {
	c := p.Ro.Spec.Strategy.Canary
	if c.PingPong != nil && !p.Promoted() && !p.Aborted() {
		side, _ := sides(p)
		p.PointAnyway(side, revision.HashOf(p.New), "the canary's side of ping-pong")
	}
	if c.StableService != "" && p.Stable != nil {
		p.Point(c.StableService, p.Stable, "the stable revision")
	}
	if c.CanaryService == "" {
		return
	}
	switch {
	case !p.Aborted() || p.Stable == nil:
		if c.TrafficRouting == nil || !dynamicRollback(p) {
			p.Point(c.CanaryService, p.New, "the new revision")
		}
	case c.TrafficRouting == nil:
		p.Point(c.CanaryService, p.Stable, "the update was aborted")
	case !c.DynamicStableScale || abortWeight(p) == 0 && stableCarries(p, v1alpha1.MaxTrafficWeight(p.Ro)):
		p.PointAnyway(c.CanaryService, revision.HashOf(p.Stable), "the update was aborted")
	}
}
