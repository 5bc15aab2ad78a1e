package v1alpha1_test

import (
	"testing"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// The states of a canary of five, and what follows from each of them.
const (
	canary  = "spec: {replicas: 5, strategy: {canary: {}}}\n"
	routed  = "spec: {replicas: 5, strategy: {canary: {trafficRouting: {nginx: {}}}}}\n"
	green   = "spec: {replicas: 5, strategy: {blueGreen: {activeService: a}}}\n"
	checked = "spec: {replicas: 5, strategy: {blueGreen: {activeService: a, postPromotionAnalysis: {}}}}\n"
)

func TestPhase(t *testing.T) {
	for name, tc := range map[string]struct{ object, want string }{
		"an invalid spec comes before all": {
			"spec: {paused: true}\nstatus: {conditions: [{type: InvalidSpec, message: why}]}", "Degraded InvalidSpec: why"},
		"an abort is told with its cause": {
			canary + "status: {conditions: [{type: Progressing, reason: RolloutAborted, message: why}]}", "Degraded RolloutAborted: why"},
		"so is a deadline": {
			canary + "status: {conditions: [{type: Progressing, reason: ProgressDeadlineExceeded, message: why}]}", "Degraded ProgressDeadlineExceeded: why"},
		"the first bad condition counts": {
			canary + "status: {conditions: [{type: Available}, {reason: RolloutAborted, message: a}, {type: InvalidSpec, message: b}]}", "Degraded RolloutAborted: a"},
		"paused by hand":        {"spec: {paused: true, replicas: 5}\nstatus: {pauseConditions: [{reason: BlueGreenPause}]}", "Paused manually paused"},
		"paused at a step":      {canary + "status: {pauseConditions: [{reason: CanaryPauseStep}]}", "Paused CanaryPauseStep"},
		"undecided":             {canary + "status: {pauseConditions: [{reason: InconclusiveAnalysisRun}]}", "Paused InconclusiveAnalysisRun"},
		"a restart, even later": {"spec: {restartAt: 2040-01-01T00:00:00Z}\nstatus: {restartedAt: 2020-01-01T00:00:00Z, updatedReplicas: 1, availableReplicas: 1}", "Progressing rollout is restarting"},
		"a restart that is over": {
			"spec: {restartAt: 2020-01-01T00:00:00Z}\nstatus: {restartedAt: 2020-01-01T00:00:00Z}", "Progressing more replicas need to be updated"},
		"pods are missing":       {canary + "status: {updatedReplicas: 4}", "Progressing more replicas need to be updated"},
		"pods are not ready yet": {canary + "status: {updatedReplicas: 5, availableReplicas: 4}", "Progressing updated replicas are still becoming available"},
		"old pods are left": {
			canary + "status: {replicas: 6, updatedReplicas: 5, availableReplicas: 5, stableRS: b, currentPodHash: b}", "Progressing old replicas are pending termination"},
		"a router does not wait for old pods": {
			routed + "status: {replicas: 10, updatedReplicas: 5, availableReplicas: 10, stableRS: b, currentPodHash: b}", "Healthy "},
		"steps are left": {
			routed + "status: {replicas: 10, updatedReplicas: 5, availableReplicas: 10, stableRS: a, currentPodHash: b}", "Progressing waiting for all steps to complete"},
		"nothing was promoted ever": {
			canary + "status: {replicas: 5, updatedReplicas: 5, availableReplicas: 5}", "Progressing waiting for all steps to complete"},
		"a canary at rest": {
			canary + "status: {replicas: 5, updatedReplicas: 5, availableReplicas: 5, stableRS: b, currentPodHash: b}", "Healthy "},
		"the Service is not switched": {
			green + "status: {updatedReplicas: 5, availableReplicas: 5, stableRS: a, currentPodHash: b, blueGreen: {activeSelector: a}}", "Progressing active service cutover pending"},
		"there is no hash in the Service": {
			green + "status: {updatedReplicas: 5, availableReplicas: 5}", "Progressing active service cutover pending"},
		"an analysis runs after the switch": {
			checked + "status: {updatedReplicas: 5, availableReplicas: 5, stableRS: a, currentPodHash: b, blueGreen: {activeSelector: b, postPromotionAnalysisRunStatus: {status: Running}}}", "Progressing waiting for analysis to complete"},
		"an analysis has not begun": {
			checked + "status: {updatedReplicas: 5, availableReplicas: 5, stableRS: a, currentPodHash: b, blueGreen: {activeSelector: b}}", "Progressing waiting for analysis to complete"},
		"the analysis is over": {
			checked + "status: {updatedReplicas: 5, availableReplicas: 5, stableRS: a, currentPodHash: b, blueGreen: {activeSelector: b, postPromotionAnalysisRunStatus: {status: Successful}}}", "Progressing waiting for post-promotion verification to complete"},
		"switched, not promoted": {
			green + "status: {updatedReplicas: 5, availableReplicas: 5, stableRS: a, currentPodHash: b, blueGreen: {activeSelector: b}}", "Progressing waiting for post-promotion verification to complete"},
		"a blue-green at rest": {
			green + "status: {updatedReplicas: 5, availableReplicas: 5, stableRS: b, currentPodHash: b, blueGreen: {activeSelector: b}}", "Healthy "},
	} {
		t.Run(name, func(t *testing.T) {
			phase, message := v1alpha1.Phase(decode[v1alpha1.Rollout](t, tc.object))
			if got := string(phase) + " " + message; got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestClientPhase(t *testing.T) {
	const seen = "status: {phase: Healthy, observedGeneration: "
	for name, tc := range map[string]struct{ object, want string }{
		"a spec that was not looked at": {"metadata: {generation: 10}\n" + seen + `"9"}`, "Progressing waiting for rollout spec update to be observed"},
		"a spec that was":               {"metadata: {generation: 10}\n" + seen + `"10"}`, "Healthy "},
		"a number from before":          {"metadata: {generation: 10}\n" + seen + `"11"}`, "Healthy "},
		"a text from before":            {"metadata: {generation: 10}\n" + seen + `"7b8f"}`, "Healthy "},
		"nothing written":               {"metadata: {generation: 10}\nspec: {replicas: 0, strategy: {canary: {}}}", "Progressing waiting for all steps to complete"},
		"resumed, not yet gone on":      {"status: {phase: Paused, controllerPause: true}", "Progressing waiting for rollout to unpause"},
		"paused":                        {"status: {phase: Paused, message: CanaryPauseStep, controllerPause: true, pauseConditions: [{reason: CanaryPauseStep}]}", "Paused CanaryPauseStep"},
		"a workload that was not looked at": {
			"metadata: {annotations: {rollout.argoproj.io/workload-generation: \"2\"}}\nspec: {workloadRef: {name: d}}\nstatus: {phase: Healthy, workloadObservedGeneration: \"1\"}",
			"Progressing waiting for rollout spec update to be observed for the reference workload"},
		"a workload that was": {
			"metadata: {annotations: {rollout.argoproj.io/workload-generation: \"2\"}}\nspec: {workloadRef: {name: d}}\nstatus: {phase: Healthy, workloadObservedGeneration: \"2\"}",
			"Healthy "},
	} {
		t.Run(name, func(t *testing.T) {
			phase, message := v1alpha1.ClientPhase(decode[v1alpha1.Rollout](t, tc.object))
			if got := string(phase) + " " + message; got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
