package operation

import (
	"errors"
	"fmt"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Skip says which steps of a canary a promotion leaves out. The zero value leaves out none.
type Skip struct {
	Current, All bool
}

// Promote lets the rollout go on: past the pause it is in, past the current step, or past the steps that skip names
// (spec 9.7). A manual pause ends, too.
func Promote(r *v1alpha1.Rollout, skip Skip) (Change, error) {
	if err := skip.refuse(r); err != nil {
		return Change{}, err
	}
	c := Change{Output: fmt.Sprintf("rollout '%s' promoted", r.Name)}
	if skip == (Skip{}) {
		c.Patches = append(unpause(r), goOn(r)...)
		return c, nil
	}
	index := next(r)
	if skip.All {
		index = new(steps(r))
	}
	if index != nil {
		c.Patches = []Patch{status(fields{"currentStepIndex": *index})}
	}
	return c, nil
}

// PromoteFull skips all steps, pauses and analyses that are left. A rollout whose current revision is stable has
// none, and only its manual pause ends.
func PromoteFull(r *v1alpha1.Rollout) Change {
	c := Change{Patches: unpause(r), Output: fmt.Sprintf("rollout '%s' fully promoted", r.Name)}
	if r.Status.CurrentPodHash != r.Status.StableRS {
		c.Patches = append(c.Patches, status(fields{"promoteFull": true}))
	}
	return c
}

// Resume ends every pause that waits for a person, and nothing else: the step that was left is not skipped, it
// completes (spec 3.10).
func Resume(r *v1alpha1.Rollout) Change {
	c := Change{Patches: unpause(r), Output: fmt.Sprintf("rollout '%s' resumed", r.Name)}
	if len(r.Status.PauseConditions) > 0 {
		c.Patches = append(c.Patches, status(fields{"pauseConditions": nil}))
	}
	return c
}

func (s Skip) refuse(r *v1alpha1.Rollout) error {
	switch {
	case s == (Skip{}):
		return nil
	case s.Current && s.All:
		return errors.New("Cannot use skip-current-step and skip-all-steps flags at the same time") //nolint:staticcheck // literal, spec 9.7
	case r.Spec.Strategy.BlueGreen != nil:
		return errors.New("Cannot skip steps of a bluegreen rollout. Run without a flags") //nolint:staticcheck // literal, spec 9.7
	case steps(r) == 0:
		return errors.New("Cannot skip steps of a rollout without steps") //nolint:staticcheck // literal, spec 9.7
	}
	return nil
}

// goOn is the status patch of a plain promotion. The controller reads an emptied list of pause conditions as "a person
// resumed"; after an inconclusive analysis that would only measure again, so the step itself is left behind.
func goOn(r *v1alpha1.Rollout) []Patch {
	paused, index := len(r.Status.PauseConditions) > 0, next(r)
	switch {
	case inconclusive(r) && paused && r.Status.ControllerPause && index != nil:
		return []Patch{status(fields{"pauseConditions": nil, "controllerPause": false, "currentStepIndex": *index})}
	case paused:
		return []Patch{status(fields{"pauseConditions": nil})}
	case index != nil:
		return []Patch{status(fields{"pauseConditions": nil, "currentStepIndex": *index})}
	}
	return nil
}

func unpause(r *v1alpha1.Rollout) []Patch {
	if !r.Spec.Paused {
		return nil
	}
	return []Patch{spec(fields{"paused": false})}
}

func inconclusive(r *v1alpha1.Rollout) bool {
	run := r.Status.Canary.CurrentStepAnalysisRunStatus
	return run != nil && run.Status == v1alpha1.AnalysisPhaseInconclusive
}

// next is the index after the current one, at most the number of steps; nil for a rollout that is at no step.
func next(r *v1alpha1.Rollout) *int32 {
	if steps(r) == 0 || r.Status.CurrentStepIndex == nil {
		return nil
	}
	return new(min(*r.Status.CurrentStepIndex+1, steps(r)))
}

func steps(r *v1alpha1.Rollout) int32 {
	if r.Spec.Strategy.Canary == nil {
		return 0
	}
	return int32(len(r.Spec.Strategy.Canary.Steps))
}
