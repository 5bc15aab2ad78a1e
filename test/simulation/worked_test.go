package simulation

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The worked traces of spec 19, fact by fact. The golden timelines show the whole; these say what must not change.

func factsOfBasicCanary(t *testing.T, f facts) {
	want := strings.Fields(`RolloutUpdated NewReplicaSetCreated RolloutNotCompleted ScalingReplicaSet RolloutCompleted
		RolloutUpdated NewReplicaSetCreated RolloutNotCompleted ScalingReplicaSet ScalingReplicaSet RolloutStepCompleted RolloutPaused
		RolloutStepCompleted`)
	if got := f.reasons(); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("events %v\nwant   %v", got, want)
	}
	f.inOrder(t, "create a", "scale a 0→4", "status Progressing: more replicas need to be updated", "Initial deploy", "status Progressing: updated replicas are still becoming available", "status Healthy",
		"create b", "scale a 4→3", "scale b 0→1", "b 1 of 1 available", "step 1/2 completed (setWeight: 25)", "status Paused: CanaryPauseStep", "user promote",
		"step 2/2 completed (pause)", "b 4 of 4 available", "Completed all 2 canary steps")
	// Item 9: the old pods are gone before the completion is told.
	f.inOrder(t, "a 0 of 0 available", "Completed all 2 canary steps")
	f.after(t, "user promote"[5:]).never(t, "RolloutResumed")
}

func factsOfRoutedCanary(t *testing.T, f facts) {
	f.inOrder(t,
		"Initial deploy", "a 10 of 10 available", "TrafficWeightUpdated · Traffic weight updated to 0", // 1
		"create b", "TrafficWeightUpdated · Traffic weight updated", "scale b 0→1", // 2
		"b 1 of 1 available", "point canary", "route canary b 10, stable a 90", "Traffic weight updated from 0 to 10", "step 1/4 completed (setWeight: 10)", // 3
		"RolloutPaused", "step 2/4 completed (pause: 30s)", "RolloutResumed", // 4
		"scale b 1→5", "b 5 of 5 available", "route canary b 50, stable a 50", "Traffic weight updated from 10 to 50", "step 3/4 completed (setWeight: 50)", // 5
		"user promote", "step 4/4 completed (pause)", "scale b 5→10", "b 10 of 10 available", "route canary b 100, stable a 0", "from 50 to 100", "RolloutCompleted", // 6
		"point stable a→b", "from 100 to 0", "amend a", // 7
		"scale a 10→0") // 8
	var paused, resumed, deadline, gone time.Duration
	for _, e := range f {
		switch {
		case strings.Contains(e.Text, "RolloutPaused") && paused == 0:
			paused = e.At
		case strings.Contains(e.Text, "RolloutResumed"):
			resumed = e.At
		case e.Kind == "amend" && strings.HasPrefix(e.Text, "a: the revision no longer serves"):
			deadline = e.At
		case e.Kind == "scale" && strings.HasPrefix(e.Text, "a 10→0"):
			gone = e.At
		}
	}
	if wait := resumed - paused; wait < 30*time.Second || wait > 32*time.Second {
		t.Errorf("the timed pause took %s", wait)
	}
	if wait := gone - deadline; deadline == 0 || wait < 30*time.Second || wait > 32*time.Second {
		t.Errorf("the old pods went %s after their deadline was set", wait)
	}
	f.never(t, "scale a 10→9")
}

func factsOfAbort(t *testing.T, f facts) {
	after := f.after(t, "abort")
	after.inOrder(t, "route canary", "status Degraded: RolloutAborted: Rollout aborted update to revision 2", "scale b 5→0")
	after.inOrder(t, "point canary b→a")
	after.inOrder(t, "amend b", "scale b 5→0")
	after.never(t, "RolloutResumed")
	var at, gone time.Duration
	for _, e := range f {
		if e.Kind == "user" && e.Text == "abort" {
			at = e.At
		}
		if e.Kind == "scale" && strings.HasPrefix(e.Text, "b 5→0") {
			gone = e.At
		}
		if e.Kind == "route" && e.At >= at && at > 0 && !strings.Contains(e.Text, "a 100") {
			t.Errorf("weight after the abort: %s", e.Text)
		}
		if e.Kind == "route" && at > 0 && e.At > at && gone == 0 {
			t.Errorf("the weight changed late: %s", e.Text)
		}
	}
	if wait := gone - at; wait < 30*time.Second || wait > 32*time.Second {
		t.Errorf("the canary's pods went %s after the abort", wait)
	}
	if n := len(after.texts("point")); n != 1 {
		t.Errorf("%d switches after the abort, want one: the Service stays on stable (7.1 #3)", n)
	}
}

func factsOfRetry(t *testing.T, f facts) {
	f.after(t, "abort").inOrder(t, "point canary b→a", "RolloutAborted")
	retry := f.after(t, "retry")
	retry.inOrder(t, "amend b: the revision is needed again", "scale b 5→1", "step 1/4 completed (setWeight: 10)")
	retry.never(t, "SkipSteps")
}

func factsOfDynamicAbort(t *testing.T, f facts) {
	f.inOrder(t, "route canary b 50, stable a 50", "scale a 9→5", "user abort", "scale a 5→9", "a 9 of 9 available",
		"route canary b 10, stable a 90", "scale b 5→1", "a 10 of 10 available", "route canary b 0, stable a 100", "scale b 1→0")
}

func factsOfBlueGreen(t *testing.T, f facts) {
	f.inOrder(t,
		"create a", "point preview", "scale a 0→3", "Initial deploy", "a 3 of 3 available", "point active -→a", // 1
		"create b", "point preview a→b", "more replicas need to be updated", "RolloutNotCompleted", "scale b 0→3", "active service cutover pending", // 2
		"b 3 of 3 available", "begin AnalysisRun shop-b-2-pre", // 3
		"AnalysisRunSuccessful", "RolloutPaused · Rollout is paused (BlueGreenPause)", // 4
		"user promote", "point active a→b", "Completed blue-green update", // 5
		"amend a", "scale a 3→0") // 6
	if got := f.texts("begin"); len(got) != 1 {
		t.Errorf("analysis runs: %v", got)
	}
	var set, gone time.Duration
	for _, e := range f {
		if e.Kind == "amend" && strings.HasPrefix(e.Text, "a: the revision no longer serves") {
			set = e.At
		}
		if e.Kind == "scale" && strings.HasPrefix(e.Text, "a 3→0") {
			gone = e.At
		}
	}
	if wait := gone - set; set == 0 || wait < 30*time.Second || wait > 32*time.Second {
		t.Errorf("the old pods went %s after their deadline was set", wait)
	}
}
