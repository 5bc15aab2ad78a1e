package v1alpha1

import (
	"math"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// What an absent field means (spec 1.2 to 1.6). Durations are in seconds.
const (
	DefaultReplicas                int32 = 1
	DefaultRevisionHistoryLimit    int32 = 10
	DefaultProgressDeadlineSeconds int32 = 600
	DefaultRunHistoryLimit         int32 = 5
	DefaultScaleDownDelaySeconds   int32 = 30
	DefaultAbortDelaySeconds       int32 = 30
	DefaultMaxTrafficWeight        int32 = 100
	DefaultConsecutiveErrorLimit   int32 = 4
	DefaultMeasurementRetention    int32 = 10
	DefaultMaxSurge                      = "25%"
	DefaultMaxUnavailable                = "25%"
	// Unlimited stands for a limit that was not set.
	Unlimited int32 = math.MaxInt32
)

// The prefixes of the annotations that the two ingress controllers read, where the spec names none.
const (
	DefaultNginxAnnotationPrefix = "nginx.ingress.kubernetes.io"
	DefaultALBAnnotationPrefix   = "alb.ingress.kubernetes.io"
)

func or[T any](p *T, absent T) T {
	if p == nil {
		return absent
	}
	return *p
}

// ReplicasOrDefault is the number of pods wanted.
func ReplicasOrDefault(r *Rollout) int32 { return or(r.Spec.Replicas, DefaultReplicas) }

// RevisionHistoryLimitOrDefault is the number of old ReplicaSets without pods that are kept.
func RevisionHistoryLimitOrDefault(r *Rollout) int32 {
	return or(r.Spec.RevisionHistoryLimit, DefaultRevisionHistoryLimit)
}

// ProgressDeadlineSecondsOrDefault is how long an update may go without progress.
func ProgressDeadlineSecondsOrDefault(r *Rollout) int32 {
	return or(r.Spec.ProgressDeadlineSeconds, DefaultProgressDeadlineSeconds)
}

// SuccessfulRunHistoryLimitOrDefault is the number of successful AnalysisRuns and Experiments that are kept.
func SuccessfulRunHistoryLimitOrDefault(r *Rollout) int32 {
	if r.Spec.Analysis == nil {
		return DefaultRunHistoryLimit
	}
	return or(r.Spec.Analysis.SuccessfulRunHistoryLimit, DefaultRunHistoryLimit)
}

// UnsuccessfulRunHistoryLimitOrDefault is the number of other finished AnalysisRuns and Experiments that are kept.
func UnsuccessfulRunHistoryLimitOrDefault(r *Rollout) int32 {
	if r.Spec.Analysis == nil {
		return DefaultRunHistoryLimit
	}
	return or(r.Spec.Analysis.UnsuccessfulRunHistoryLimit, DefaultRunHistoryLimit)
}

// HasTrafficRouting says that a router steers the canary's traffic.
func HasTrafficRouting(r *Rollout) bool {
	return r.Spec.Strategy.Canary != nil && r.Spec.Strategy.Canary.TrafficRouting != nil
}

// MaxTrafficWeight is the weight that means all traffic (W in the spec).
func MaxTrafficWeight(r *Rollout) int32 {
	if !HasTrafficRouting(r) {
		return DefaultMaxTrafficWeight
	}
	return or(r.Spec.Strategy.Canary.TrafficRouting.MaxTrafficWeight, DefaultMaxTrafficWeight)
}

// MaxSurge is the number of extra pods there may be: maxSurge of the replicas, rounded up (spec 3.8.1).
// A blue-green strategy has none. A text that is no percentage counts as 0.
func MaxSurge(r *Rollout) int32 {
	if r.Spec.Strategy.Canary == nil {
		return 0
	}
	return share(r.Spec.Strategy.Canary.MaxSurge, DefaultMaxSurge, ReplicasOrDefault(r), true)
}

// MaxUnavailable is the number of pods that may be missing: maxUnavailable of the replicas, rounded down and never more
// than there are; for a canary at least 1 when there is no surge either (spec 3.8.1).
// A text that is no percentage counts as 0.
func MaxUnavailable(r *Rollout) int32 {
	replicas := ReplicasOrDefault(r)
	var n int32
	switch s := r.Spec.Strategy; {
	case s.BlueGreen != nil:
		n = share(s.BlueGreen.MaxUnavailable, DefaultMaxUnavailable, replicas, false)
	case s.Canary != nil:
		n = share(s.Canary.MaxUnavailable, DefaultMaxUnavailable, replicas, false)
		if n == 0 && MaxSurge(r) == 0 {
			n = 1
		}
	}
	return min(n, replicas)
}

func share(v *intstr.IntOrString, absent string, of int32, up bool) int32 {
	if v == nil {
		d := intstr.FromString(absent)
		v = &d
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(v, int(of), up)
	if err != nil || n < 0 { // validation refuses both
		return 0
	}
	return int32(n)
}

// ScaleDownDelaySeconds is how long an old revision lives after it was replaced (spec 1.2.1, 1.2.2).
// Without traffic routing a canary has no such delay.
func ScaleDownDelaySeconds(r *Rollout) int32 {
	switch s := r.Spec.Strategy; {
	case s.BlueGreen != nil:
		return or(s.BlueGreen.ScaleDownDelaySeconds, DefaultScaleDownDelaySeconds)
	case HasTrafficRouting(r):
		return or(s.Canary.ScaleDownDelaySeconds, DefaultScaleDownDelaySeconds)
	}
	return 0
}

// ScaleDownDelayRevisionLimit is the number of old revisions that may live inside that delay, or Unlimited.
func ScaleDownDelayRevisionLimit(r *Rollout) int32 {
	switch s := r.Spec.Strategy; {
	case s.BlueGreen != nil:
		return or(s.BlueGreen.ScaleDownDelayRevisionLimit, Unlimited)
	case s.Canary != nil:
		return or(s.Canary.ScaleDownDelayRevisionLimit, Unlimited)
	}
	return Unlimited
}

// AbortScaleDownDelay is how long the new revision lives after an abort. Never says that it is never scaled down (an
// explicit 0); explicit says that a person wrote the delay, which dynamicStableScale wants to know (spec 3.8.3).
// For a canary without traffic routing it has no meaning.
func AbortScaleDownDelay(r *Rollout) (seconds int32, never, explicit bool) {
	var set *int32
	switch s := r.Spec.Strategy; {
	case s.BlueGreen != nil:
		set = s.BlueGreen.AbortScaleDownDelaySeconds
	case s.Canary != nil:
		set = s.Canary.AbortScaleDownDelaySeconds
	}
	seconds = or(set, DefaultAbortDelaySeconds)
	return seconds, seconds == 0, set != nil
}

// AutoPromotionEnabled says whether a blue-green switch happens without a person.
func AutoPromotionEnabled(r *Rollout) bool {
	return r.Spec.Strategy.BlueGreen == nil || or(r.Spec.Strategy.BlueGreen.AutoPromotionEnabled, true)
}

// PreviewReplicaCountOrDefault is the size of a blue-green's new revision until it is promoted.
func PreviewReplicaCountOrDefault(r *Rollout) int32 {
	if r.Spec.Strategy.BlueGreen == nil {
		return ReplicasOrDefault(r)
	}
	return or(r.Spec.Strategy.BlueGreen.PreviewReplicaCount, ReplicasOrDefault(r))
}

// StartingStepOrDefault is the index of the step from which on a background analysis measures.
func StartingStepOrDefault(a *RolloutAnalysisBackground) int32 { return or(a.StartingStep, 0) }

// DurationSeconds is the length of the pause in whole seconds: 0 when a person has to resume, -1 when the text is
// neither digits nor a duration (spec 1.2.4).
func (p *RolloutPause) DurationSeconds() int32 {
	if p.Duration == nil {
		return 0
	}
	if p.Duration.Type == intstr.Int {
		return p.Duration.IntVal
	}
	if n, err := strconv.ParseInt(p.Duration.StrVal, 10, 32); err == nil {
		return int32(n)
	}
	d, err := time.ParseDuration(p.Duration.StrVal)
	if err != nil || d/time.Second > math.MaxInt32 {
		return -1
	}
	return int32(d / time.Second)
}

// Duration parses the text.
func (d DurationString) Duration() (time.Duration, error) { return time.ParseDuration(string(d)) }

// ExperimentReplicasOrDefault is the number of pods of an experiment's template.
func ExperimentReplicasOrDefault(t *TemplateSpec) int32 { return or(t.Replicas, DefaultReplicas) }

// ExperimentProgressDeadlineSecondsOrDefault is how long an experiment's template may go without progress.
func ExperimentProgressDeadlineSecondsOrDefault(e *Experiment) int32 {
	return or(e.Spec.ProgressDeadlineSeconds, DefaultProgressDeadlineSeconds)
}

// ExperimentScaleDownDelaySecondsOrDefault is how long an experiment's pods live after it ended.
func ExperimentScaleDownDelaySecondsOrDefault(e *Experiment) int32 {
	return or(e.Spec.ScaleDownDelaySeconds, DefaultScaleDownDelaySeconds)
}
