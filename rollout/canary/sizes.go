package canary

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/pass"
	"github.com/sluice-delivery/sluice/rollout/replicas"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// Resize brings the ReplicaSets nearer to the sizes that the current step wants: stable, then the new one, then the
// others (spec 3.8). It reports whether any size changed.
func Resize(p *pass.Pass) bool {
	if p.Held() {
		return false
	}
	wantNew, wantStable := sizes(p)
	if uncertain(p) {
		wantNew, wantStable = max(wantNew, revision.Size(p.New)), max(wantStable, revision.Size(p.Stable))
	}
	if w := p.Status.Canary.Weights; w != nil && canaryScale(p) == nil && !p.Promoted() {
		// Traffic that could not be moved yet, because stable lacks pods, still needs its own.
		wantNew = max(wantNew, replicas.Share(p.Replicas(), weightOf(w, p.New), v1alpha1.MaxTrafficWeight(p.Ro)))
	}
	delayed := delaysOnAbort(p)
	if !delayed {
		p.DropDeadline(p.New)
	}
	if p.Stable != nil && p.Stable != p.New {
		p.DropDeadline(p.Stable)
		if p.Scale(p.Stable, wantStable, why(p, "stable")) {
			return true
		}
	}
	if delayed {
		if w := p.Status.Canary.Weights; w != nil && weightOf(w, p.New) > 0 {
			p.WaitFor("traffic to leave the canary before its pods go")
			return p.Scale(p.New, revision.Size(p.New), "") || resizeOthers(p)
		}
		return p.LetGo() || resizeOthers(p)
	}
	return p.Scale(p.New, wantNew, why(p, "canary")) || resizeOthers(p)
}

func why(p *pass.Pass, who string) string {
	switch {
	case p.Stable == nil || p.Promoted():
		return "every pod is of the stable revision"
	case p.Aborted():
		return who + " follows the abort"
	case p.Status.PromoteFull:
		return "a full promotion was requested"
	case p.Step() == nil:
		return "every step is done"
	}
	return fmt.Sprintf("step %d/%d (%s) wants weight %d", p.Index()+1, len(p.Steps()), pass.StepText(*p.Step()), currentWeight(p))
}

func set(rs *appsv1.ReplicaSet) replicas.Set {
	return replicas.Set{Spec: revision.Size(rs), Available: pass.Available(rs)}
}

// sizes are what new and stable should have now; for a basic canary, as far as surge and unavailability let them go.
func sizes(p *pass.Pass) (wantNew, wantStable int32) {
	if p.Ro.Spec.Strategy.Canary.TrafficRouting != nil {
		return routedSizes(p)
	}
	return basicSizes(p)
}

func basicSizes(p *pass.Pass) (wantNew, wantStable int32) {
	b := bounds(p)
	var stable replicas.Set
	if p.Stable == nil || p.Stable == p.New {
		wantNew = b.Replicas // within the same bounds: pods of other revisions may still be there
	} else {
		stable = set(p.Stable)
		weight := currentWeight(p)
		if p.Status.PromoteFull {
			weight = v1alpha1.MaxTrafficWeight(p.Ro)
		}
		wantNew, wantStable = replicas.Split(b.Replicas, weight, v1alpha1.MaxTrafficWeight(p.Ro), b.Surge)
	}
	var others replicas.Set
	for _, rs := range p.Others {
		others.Spec += revision.Size(rs)
		others.Available += pass.Available(rs)
	}
	return b.Basic(wantNew, wantStable, set(p.New), stable, others)
}

func bounds(p *pass.Pass) replicas.Bounds {
	return replicas.Bounds{Replicas: p.Replicas(), Surge: v1alpha1.MaxSurge(p.Ro), Unavailable: v1alpha1.MaxUnavailable(p.Ro)}
}

func routedSizes(p *pass.Pass) (wantNew, wantStable int32) {
	c := p.Ro.Spec.Strategy.Canary
	r := replicas.Routed{Replicas: p.Replicas(), Max: v1alpha1.MaxTrafficWeight(p.Ro), Dynamic: c.DynamicStableScale, Aborted: p.Aborted()}
	if c.MinPodsPerReplicaSet != nil {
		r.MinPods = *c.MinPodsPerReplicaSet
	}
	if w := p.Status.Canary.Weights; w != nil {
		r.RecordedCanary = &w.Canary.Weight
	}
	had := carriedBy(p, p.Stable)
	for _, w := range []*v1alpha1.TrafficWeights{p.Rollout.Status.Canary.Weights, p.Status.Canary.Weights} {
		if w != nil { // its own share on either side, and that of the side that it is to take over
			had = max(had, weightOf(w, p.Stable), w.Stable.Weight)
		}
	}
	r.RecordedStable = &had
	explicit := false
	r.Weight, r.Exact, explicit = target(p)
	wantNew, wantStable = r.Canary(), r.Stable()
	if !explicit && wantNew == 0 && len(headerRoutes(p)) > 0 {
		wantNew = 1
	}
	return wantNew, wantStable
}

// target is what the canary's size follows from: a weight, or an exact number; explicit when setCanaryScale speaks.
func target(p *pass.Pass) (weight int32, exact *int32, explicit bool) {
	whole := v1alpha1.MaxTrafficWeight(p.Ro)
	if p.Status.PromoteFull || p.Stable == nil || p.Stable == p.New {
		return whole, nil, false
	}
	if scale := canaryScale(p); scale != nil {
		if scale.Replicas != nil {
			return currentWeight(p), scale.Replicas, true
		}
		return *scale.Weight, nil, true
	}
	if p.Aborted() && p.Ro.Spec.Strategy.Canary.DynamicStableScale {
		return dynamicAbortWeight(p), nil, false
	}
	return currentWeight(p), nil, false
}

// canaryScale is the nearest setCanaryScale that still speaks (spec 3.8).
func canaryScale(p *pass.Pass) *v1alpha1.SetCanaryScale {
	if _, never, _ := v1alpha1.AbortScaleDownDelay(p.Ro); p.Aborted() && !never {
		return nil
	}
	steps := p.Steps()
	if p.Step() == nil {
		return nil
	}
	for i := p.Index(); i >= 0; i-- {
		if scale := steps[i].SetCanaryScale; scale != nil {
			if scale.MatchTrafficWeight || scale.Replicas == nil && scale.Weight == nil {
				return nil
			}
			return scale
		}
	}
	return nil
}

func dynamicAbortWeight(p *pass.Pass) int32 {
	_, _, explicit := v1alpha1.AbortScaleDownDelay(p.Ro)
	return replicas.AbortWeight(p.Steps(), p.Replicas(), v1alpha1.MaxTrafficWeight(p.Ro), pass.Available(p.Stable), pass.Available(p.New), explicit)
}

// delaysOnAbort reports whether the pods of an aborted canary stay for a while (spec 3.8.3).
func delaysOnAbort(p *pass.Pass) bool {
	c := p.Ro.Spec.Strategy.Canary
	_, never, explicit := v1alpha1.AbortScaleDownDelay(p.Ro)
	return p.Aborted() && p.Stable != nil && p.Stable != p.New && c.TrafficRouting != nil && !never && (!c.DynamicStableScale || explicit)
}
