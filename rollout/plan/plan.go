// Package plan is the vocabulary between looking and acting: what was seen of a rollout (Snapshot), what should
// happen next and why (Plan), one change to the cluster (Effect) and what a person is told (Event).
// It decides nothing and does nothing.
package plan

import (
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// A Plan is what should happen next. Any prefix of Effects is safe to apply: pods grow before traffic is sent to
// them, traffic leaves before pods go, and the status is written last.
type Plan struct {
	// Effects are applied in order; the first that does not hold ends the pass.
	Effects []Effect
	// Status is the whole status to write after the effects, through the status subresource. Nil: leave it.
	// A status equal to the stored one is not written.
	Status *v1alpha1.RolloutStatus
	// Events tell of the change of status, in order; they are published once Status holds.
	Events []Event
	// Annotations of the Rollout to set, or to remove (nil), after the status held: mirrors, never a request.
	Annotations map[string]*string
	// Wake is when to look again if nothing changes; zero: never.
	Wake time.Time
	// Waiting names what the plan waits for; every plan without effects and without a change of status has one.
	Waiting string
	// Retry asks for another look with the queue's back-off, and says why: the outside has to change first.
	Retry string
}

// Rest reports whether the plan changes nothing, given the stored status.
func (p Plan) Rest(stored *v1alpha1.RolloutStatus, equal func(a, b *v1alpha1.RolloutStatus) bool) bool {
	return len(p.Effects) == 0 && len(p.Annotations) == 0 && (p.Status == nil || equal(p.Status, stored))
}

// An Event is one line for the people who watch a Rollout. Reasons and messages are those of spec section 4.5.
type Event struct {
	Reason  string
	Message string
	Warning bool
}
