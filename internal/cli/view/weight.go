package view

import (
	"fmt"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Step is "index/number" of a canary, empty for a Rollout that has no steps or is at none.
func Step(r *v1alpha1.Rollout) string {
	if r.Spec.Strategy.Canary == nil || len(r.Spec.Strategy.Canary.Steps) == 0 || r.Status.CurrentStepIndex == nil {
		return ""
	}
	return fmt.Sprintf("%d/%d", *r.Status.CurrentStepIndex, len(r.Spec.Strategy.Canary.Steps))
}

// SetWeight is the weight that the steps up to the current one ask for (spec 3.8).
func SetWeight(r *v1alpha1.Rollout) int32 {
	if r.Status.Abort {
		return 0
	}
	steps, index, found := at(r)
	if !found {
		return v1alpha1.MaxTrafficWeight(r)
	}
	for i := index; i >= 0; i-- {
		if w := steps[i].SetWeight; w != nil {
			return *w
		}
	}
	return 0
}

// actualWeight is the share that the canary has: what routers were told, or, without routers, its share of the
// available pods (spec 9.3).
func actualWeight(r *v1alpha1.Rollout, canaryAvailable int32) int32 {
	routed := v1alpha1.HasTrafficRouting(r)
	_, _, found := at(r)
	switch {
	case !found:
		return v1alpha1.MaxTrafficWeight(r)
	case r.Status.AvailableReplicas == 0:
		return 0
	case routed && r.Status.Canary.Weights != nil:
		return r.Status.Canary.Weights.Canary.Weight
	case routed:
		return SetWeight(r)
	}
	return int32(int64(canaryAvailable) * int64(v1alpha1.MaxTrafficWeight(r)) / int64(r.Status.AvailableReplicas))
}

// at is the current step; none is found when there are no steps, all are done, or none was begun.
func at(r *v1alpha1.Rollout) (steps []v1alpha1.CanaryStep, index int, found bool) {
	if r.Spec.Strategy.Canary == nil || r.Status.CurrentStepIndex == nil {
		return nil, 0, false
	}
	steps, index = r.Spec.Strategy.Canary.Steps, int(*r.Status.CurrentStepIndex)
	return steps, index, index >= 0 && index < len(steps)
}
