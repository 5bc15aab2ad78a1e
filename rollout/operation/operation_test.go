package operation

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// say writes patches as a person would list them: the subresource, if any, and the body.
func say(c Change) string {
	var lines []string
	for _, p := range c.Patches {
		lines = append(lines, strings.TrimSpace(p.Subresource+" "+string(p.Body)))
	}
	return strings.Join(append(lines, c.Output), "\n")
}

func rollout(change ...func(*v1alpha1.Rollout)) *v1alpha1.Rollout {
	r := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", UID: "7", Generation: 3}}
	for _, c := range change {
		c(r)
	}
	return r
}

func canaryAt(index, steps int32) func(*v1alpha1.Rollout) {
	return func(r *v1alpha1.Rollout) {
		r.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{Steps: make([]v1alpha1.CanaryStep, steps)}
		r.Status.CurrentStepIndex = &index
		r.Status.StableRS, r.Status.CurrentPodHash = "old", "new"
	}
}

func blueGreen(r *v1alpha1.Rollout) { r.Spec.Strategy.BlueGreen = &v1alpha1.BlueGreenStrategy{} }

func byHand(r *v1alpha1.Rollout) { r.Spec.Paused = true }

func waiting(reason v1alpha1.PauseReason) func(*v1alpha1.Rollout) {
	return func(r *v1alpha1.Rollout) {
		r.Status.PauseConditions = []v1alpha1.PauseCondition{{Reason: reason}}
		r.Status.ControllerPause = true
	}
}

func undecided(r *v1alpha1.Rollout) {
	r.Status.Canary.CurrentStepAnalysisRunStatus = &v1alpha1.RolloutAnalysisRunStatus{Status: v1alpha1.AnalysisPhaseInconclusive}
}

func TestPromote(t *testing.T) {
	for name, tc := range map[string]struct {
		in   *v1alpha1.Rollout
		skip Skip
		want string
	}{
		"ends a pause step by clearing the conditions": {
			in:   rollout(canaryAt(1, 4), waiting(v1alpha1.PauseReasonCanaryPauseStep)),
			want: `status {"status":{"pauseConditions":null}}` + "\nrollout 'web' promoted"},
		"ends a manual pause and the pause step in two patches": {
			in:   rollout(canaryAt(1, 4), byHand, waiting(v1alpha1.PauseReasonCanaryPauseStep)),
			want: `{"spec":{"paused":false}}` + "\n" + `status {"status":{"pauseConditions":null}}` + "\nrollout 'web' promoted"},
		"goes past the current step when nothing is paused": {
			in:   rollout(canaryAt(2, 4)),
			want: `status {"status":{"currentStepIndex":3,"pauseConditions":null}}` + "\nrollout 'web' promoted"},
		"stays at the end when all steps are done": {
			in:   rollout(canaryAt(4, 4)),
			want: `status {"status":{"currentStepIndex":4,"pauseConditions":null}}` + "\nrollout 'web' promoted"},
		"leaves an inconclusive analysis behind": {
			in:   rollout(canaryAt(1, 4), waiting(v1alpha1.PauseReasonInconclusiveAnalysis), undecided),
			want: `status {"status":{"controllerPause":false,"currentStepIndex":2,"pauseConditions":null}}` + "\nrollout 'web' promoted"},
		"ends the pause of a blue-green rollout": {
			in:   rollout(blueGreen, waiting(v1alpha1.PauseReasonBlueGreenPause)),
			want: `status {"status":{"pauseConditions":null}}` + "\nrollout 'web' promoted"},
		"finds nothing to do at a blue-green rollout that does not wait": {
			in: rollout(blueGreen), want: "rollout 'web' promoted"},
		"skips the current step": {
			in: rollout(canaryAt(1, 4)), skip: Skip{Current: true},
			want: `status {"status":{"currentStepIndex":2}}` + "\nrollout 'web' promoted"},
		"skips all steps": {
			in: rollout(canaryAt(1, 4)), skip: Skip{All: true},
			want: `status {"status":{"currentStepIndex":4}}` + "\nrollout 'web' promoted"},
		"refuses both ways of skipping at once": {
			in: rollout(canaryAt(1, 4)), skip: Skip{Current: true, All: true},
			want: "error: Cannot use skip-current-step and skip-all-steps flags at the same time"},
		"refuses to skip where there is blue-green": {
			in: rollout(blueGreen), skip: Skip{Current: true},
			want: "error: Cannot skip steps of a bluegreen rollout. Run without a flags"},
		"refuses to skip where there are no steps": {
			in: rollout(canaryAt(0, 0)), skip: Skip{All: true},
			want: "error: Cannot skip steps of a rollout without steps"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Promote(tc.in, tc.skip)
			said := say(got)
			if err != nil {
				said = "error: " + err.Error()
			}
			if said != tc.want {
				t.Errorf("got\n%s\nwant\n%s", said, tc.want)
			}
		})
	}
}

func TestWhatNeedsNoLook(t *testing.T) {
	noon := time.Date(2026, 3, 1, 13, 0, 0, 0, time.FixedZone("", 3600))
	restart := func(in string) Change {
		c, err := Restart("web", noon, in)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, tc := range map[string]struct {
		got  Change
		want string
	}{
		"abort":                   {Abort("web"), `status {"status":{"abort":true}}` + "\nrollout 'web' aborted"},
		"retry":                   {Retry("web"), `status {"status":{"abort":false}}` + "\nrollout 'web' retried"},
		"terminate a run":         {TerminateRun("run"), `{"spec":{"terminate":true}}` + "\nanalysisRun 'run' terminated"},
		"terminate an experiment": {TerminateExperiment("exp"), `{"spec":{"terminate":true}}` + "\nexperiment 'exp' retried"},
		"retry an experiment":     {RetryExperiment("exp"), `{"status":null}` + "\nexperiment 'exp' retried"},
		"pause":                   {Pause("web"), `{"spec":{"paused":true}}` + "\nrollout 'web' paused"},
		"restart now":             {restart(""), `{"spec":{"restartAt":"2026-03-01T12:00:00Z"}}` + "\nrollout 'web' restarts in 0s"},
		"restart later":           {restart("90s"), `{"spec":{"restartAt":"2026-03-01T12:01:30Z"}}` + "\nrollout 'web' restarts in 90s"},
		"promote fully, in the middle of an update": {PromoteFull(rollout(canaryAt(1, 4), byHand)),
			`{"spec":{"paused":false}}` + "\n" + `status {"status":{"promoteFull":true}}` + "\nrollout 'web' fully promoted"},
		"promote fully what is stable": {PromoteFull(rollout(byHand)), `{"spec":{"paused":false}}` + "\nrollout 'web' fully promoted"},
		"resume a pause step": {Resume(rollout(canaryAt(1, 4), waiting(v1alpha1.PauseReasonCanaryPauseStep))),
			`status {"status":{"pauseConditions":null}}` + "\nrollout 'web' resumed"},
		"resume what was paused by hand": {Resume(rollout(byHand)), `{"spec":{"paused":false}}` + "\nrollout 'web' resumed"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := say(tc.got); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestRestartRefusesWhatIsNoDuration(t *testing.T) {
	if _, err := Restart("web", time.Time{}, "soon"); err == nil {
		t.Error("soon was taken for a duration")
	}
}

func TestCombinedSaysAllInOnePatch(t *testing.T) {
	got, err := PromoteFull(rollout(canaryAt(1, 4), byHand)).Combined()
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"spec":{"paused":false},"status":{"promoteFull":true}}`; string(got.Body) != want || got.Subresource != "" {
		t.Errorf("got %q %s, want %s", got.Subresource, got.Body, want)
	}
	if !json.Valid(got.Body) {
		t.Error("not JSON")
	}
}
