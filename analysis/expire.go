package analysis

import (
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Expired reports whether a run has outlived its ttlStrategy, and if not yet, when it will have (zero: never).
// A run goes when more whole seconds than allowed have passed since it was completed (spec 5.3).
func Expired(run *v1alpha1.AnalysisRun, now time.Time) (bool, time.Time) {
	seconds := ttl(run)
	if seconds == nil || run.Status.CompletedAt == nil || !run.Status.Phase.Completed() {
		return false, time.Time{}
	}
	at := run.Status.CompletedAt.Add(time.Duration(*seconds+1) * time.Second)
	return !now.Before(at), at
}

// ttl is the number of seconds that a run with this outcome is kept; nil: for ever.
func ttl(run *v1alpha1.AnalysisRun) *int32 {
	strategy := run.Spec.TTLStrategy
	switch {
	case strategy == nil:
		return nil
	case run.Status.Phase == v1alpha1.AnalysisPhaseSuccessful && strategy.SecondsAfterSuccess != nil:
		return strategy.SecondsAfterSuccess
	case run.Status.Phase == v1alpha1.AnalysisPhaseFailed && strategy.SecondsAfterFailure != nil:
		return strategy.SecondsAfterFailure
	}
	return strategy.SecondsAfterCompletion
}
