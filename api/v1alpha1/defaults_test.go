package v1alpha1_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func rollout(t *testing.T, spec string) *v1alpha1.Rollout {
	t.Helper()
	return decode[v1alpha1.Rollout](t, "metadata: {name: demo}\nspec: "+spec)
}

func TestDefaults(t *testing.T) {
	type numbers struct {
		replicas, history, deadline, weight, surge, unavailable, delay, abort int32
		never, explicit                                                       bool
	}
	for name, tc := range map[string]struct {
		spec string
		want numbers
	}{
		"a canary of which nothing is said surges by one of one, and nothing may be missing": {
			`{strategy: {canary: {}}}`,
			numbers{1, 10, 600, 100, 1, 0, 0, 30, false, false},
		},
		"a surge rounds up and a lack rounds down": {
			`{replicas: 5, strategy: {canary: {}}}`,
			numbers{5, 10, 600, 100, 2, 1, 0, 30, false, false},
		},
		"one pod may be missing when surge and lack both come to zero": {
			`{replicas: 3, strategy: {canary: {maxSurge: 0, maxUnavailable: 10%}}}`,
			numbers{3, 10, 600, 100, 0, 1, 0, 30, false, false},
		},
		"no more can be missing than there are": {
			`{replicas: 2, strategy: {canary: {maxUnavailable: 5}}}`,
			numbers{2, 10, 600, 100, 1, 2, 0, 30, false, false},
		},
		"zero replicas are a size": {
			`{replicas: 0, strategy: {canary: {maxSurge: 0}}}`,
			numbers{0, 10, 600, 100, 0, 0, 0, 30, false, false},
		},
		"a text that is no percentage is zero": {
			`{replicas: 4, strategy: {canary: {maxSurge: many, maxUnavailable: 2}}}`,
			numbers{4, 10, 600, 100, 0, 2, 0, 30, false, false},
		},
		"with a router the old revision lives for half a minute": {
			`{replicas: 4, strategy: {canary: {trafficRouting: {nginx: {stableIngress: i}}}}}`,
			numbers{4, 10, 600, 100, 1, 1, 30, 30, false, false},
		},
		"with a router all is as written": {
			`{replicas: 4, revisionHistoryLimit: 2, progressDeadlineSeconds: 9, strategy: {canary: {scaleDownDelaySeconds: 0,
			 abortScaleDownDelaySeconds: 7, trafficRouting: {maxTrafficWeight: 1000, nginx: {stableIngress: i}}}}}`,
			numbers{4, 2, 9, 1000, 1, 1, 0, 7, false, true},
		},
		"a delay of zero after an abort means for ever": {
			`{replicas: 4, strategy: {blueGreen: {activeService: a, abortScaleDownDelaySeconds: 0}}}`,
			numbers{4, 10, 600, 100, 0, 1, 30, 0, true, true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := rollout(t, tc.spec)
			abort, never, explicit := v1alpha1.AbortScaleDownDelay(r)
			got := numbers{
				v1alpha1.ReplicasOrDefault(r), v1alpha1.RevisionHistoryLimitOrDefault(r), v1alpha1.ProgressDeadlineSecondsOrDefault(r),
				v1alpha1.MaxTrafficWeight(r), v1alpha1.MaxSurge(r), v1alpha1.MaxUnavailable(r), v1alpha1.ScaleDownDelaySeconds(r), abort,
				never, explicit,
			}
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestBlueGreenDefaults(t *testing.T) {
	silent := rollout(t, `{replicas: 3, strategy: {blueGreen: {activeService: a}}}`)
	if !v1alpha1.AutoPromotionEnabled(silent) || v1alpha1.PreviewReplicaCountOrDefault(silent) != 3 ||
		v1alpha1.ScaleDownDelayRevisionLimit(silent) != v1alpha1.Unlimited {
		t.Error("a blue-green of which nothing is said promotes by itself, has a full preview and no limit of revisions")
	}
	written := rollout(t, `{replicas: 3, strategy: {blueGreen: {activeService: a, autoPromotionEnabled: false, previewReplicaCount: 1, scaleDownDelayRevisionLimit: 0}}}`)
	if v1alpha1.AutoPromotionEnabled(written) || v1alpha1.PreviewReplicaCountOrDefault(written) != 1 ||
		v1alpha1.ScaleDownDelayRevisionLimit(written) != 0 {
		t.Error("a blue-green does not do as it is written")
	}
}

func TestHistoryOfRuns(t *testing.T) {
	for name, tc := range map[string]struct {
		spec       string
		good, poor int32
	}{
		"five of each are kept":         {`{}`, 5, 5},
		"an empty object changes none":  {`{analysis: {}}`, 5, 5},
		"a limit of zero keeps nothing": {`{analysis: {successfulRunHistoryLimit: 0, unsuccessfulRunHistoryLimit: 2}}`, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := rollout(t, tc.spec)
			if good, poor := v1alpha1.SuccessfulRunHistoryLimitOrDefault(r), v1alpha1.UnsuccessfulRunHistoryLimitOrDefault(r); good != tc.good || poor != tc.poor {
				t.Errorf("got %d and %d, want %d and %d", good, poor, tc.good, tc.poor)
			}
		})
	}
}

func TestPauseDuration(t *testing.T) {
	for name, tc := range map[string]struct {
		duration *intstr.IntOrString
		want     int32
	}{
		"none waits for a person":           {nil, 0},
		"a number is seconds":               {new(intstr.FromInt32(90)), 90},
		"digits are seconds too":            {new(intstr.FromString("90")), 90},
		"a unit":                            {new(intstr.FromString("90s")), 90},
		"several units":                     {new(intstr.FromString("1h30m")), 5400},
		"parts of a second are cut off":     {new(intstr.FromString("1500ms")), 1},
		"words are no duration":             {new(intstr.FromString("5 minutes")), -1},
		"a negative number is passed on":    {new(intstr.FromInt32(-1)), -1},
		"nothing at all is no duration":     {new(intstr.FromString("")), -1},
		"longer than can be counted is bad": {new(intstr.FromString("2000000h")), -1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (&v1alpha1.RolloutPause{Duration: tc.duration}).DurationSeconds(); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

// The zero corner and the rounding of spec 3.8.1.
func TestLimitsAreResolved(t *testing.T) {
	text, number := intstr.FromString, func(n int) intstr.IntOrString { return intstr.FromInt32(int32(n)) }
	for name, c := range map[string]struct {
		surge, unavailable     *intstr.IntOrString
		replicas               int32
		wantSurge, wantMissing int32
	}{
		"a quarter each, up and down":         {nil, nil, 10, 3, 2},
		"four pods by default, spec 19.1":     {nil, nil, 4, 1, 1},
		"zero and zero lets one be missing":   {new(number(0)), new(number(0)), 5, 0, 1},
		"percentages that come to zero too":   {new(text("0%")), new(text("10%")), 5, 0, 1},
		"surge alone":                         {new(number(1)), new(number(0)), 5, 1, 0},
		"never more missing than there are":   {new(number(0)), new(number(9)), 5, 0, 5},
		"nothing can be missing of nothing":   {new(number(0)), new(number(0)), 0, 0, 0},
		"what is no number counts as nothing": {new(text("many")), new(text("few")), 5, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := &v1alpha1.Rollout{Spec: v1alpha1.RolloutSpec{Replicas: &c.replicas}}
			r.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{MaxSurge: c.surge, MaxUnavailable: c.unavailable}
			if surge, missing := v1alpha1.MaxSurge(r), v1alpha1.MaxUnavailable(r); surge != c.wantSurge || missing != c.wantMissing {
				t.Errorf("got %d/%d, want %d/%d", surge, missing, c.wantSurge, c.wantMissing)
			}
		})
	}
}
