package pass

import (
	"fmt"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
)

// Invalidate notes that the spec cannot be carried out, and why (spec 12.1).
func (p *Pass) Invalidate(why string) {
	message := fmt.Sprintf(v1alpha1.MessageInvalidSpec, p.Ro.Name, why)
	if c := Condition(p.Status, v1alpha1.ConditionInvalidSpec); c != nil && c.Message == message {
		return
	}
	if c := Condition(&p.Rollout.Status, v1alpha1.ConditionInvalidSpec); c != nil && c.Message == message {
		p.Status.Conditions = append(p.Status.Conditions, *c) // still so: no news, and no new time
		return
	}
	replaceCondition(p.Status, p.condition(v1alpha1.ConditionInvalidSpec, yes, v1alpha1.ReasonInvalidSpec, message))
}

// Valid takes the InvalidSpec condition away.
func (p *Pass) Valid() { removeCondition(p.Status, v1alpha1.ConditionInvalidSpec) }

// Refuse is the pass over an invalid spec: it says so, and nothing else is done. The outside may heal it.
func (p *Pass) Refuse(why string) plan.Plan {
	p.Invalidate(why)
	p.Status.ObservedGeneration = generationText(p.Ro)
	p.settlePhase()
	p.out.Status = p.Status
	p.out.Retry = why
	p.out.Waiting = "a valid spec: " + why
	return p.out
}
