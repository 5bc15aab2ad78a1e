package rollout

import (
	"fmt"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// routers are the kinds of traffic routing that this build carries out; internal/catalog has the adapters.
var routers = map[string]bool{"istio": true, "nginx": true, "alb": true}

// unbuilt names the first field of the spec that this build does not carry out; empty when there is none. The API has
// every field, so that manifests keep their meaning; what nobody would act on is refused, not ignored.
func unbuilt(r *v1alpha1.Rollout) string {
	const text = "%s: not part of this build of Sluice"
	if r.Spec.WorkloadRef != nil {
		return fmt.Sprintf(text, "spec.workloadRef")
	}
	c := r.Spec.Strategy.Canary
	if c == nil {
		return ""
	}
	if c.TrafficRouting != nil {
		for _, choice := range v1alpha1.Chosen(c.TrafficRouting) {
			if !routers[choice.Name] {
				return fmt.Sprintf(text, "spec.strategy.canary.trafficRouting."+choice.Name)
			}
		}
	}
	for i, step := range c.Steps {
		switch {
		case step.Experiment != nil:
			return fmt.Sprintf(text, fmt.Sprintf("spec.strategy.canary.steps[%d].experiment", i))
		case step.Plugin != nil:
			return fmt.Sprintf(text, fmt.Sprintf("spec.strategy.canary.steps[%d].plugin", i))
		}
	}
	return ""
}
