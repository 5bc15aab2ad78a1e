package v1alpha1

import "strconv"

// Phase is the controller's word for the state of a Rollout and the reason for it, from its spec and status
// (spec 4.1). It looks at neither status.phase nor status.observedGeneration.
func Phase(r *Rollout) (RolloutPhase, string) {
	for _, ask := range []func(*Rollout) (RolloutPhase, string){broken, waiting, growing} {
		if phase, message := ask(r); phase != "" {
			return phase, message
		}
	}
	switch {
	case r.Spec.Strategy.BlueGreen != nil:
		return switching(r)
	case r.Spec.Strategy.Canary != nil:
		return stepping(r)
	}
	return RolloutPhaseHealthy, ""
}

// ClientPhase is what a program other than the controller should show: the controller's word, unless the controller
// has not yet seen what a person asked for (spec 4.1).
func ClientPhase(r *Rollout) (RolloutPhase, string) {
	if seen, err := strconv.ParseInt(r.Status.ObservedGeneration, 10, 64); err == nil && seen < r.Generation {
		return RolloutPhaseProgressing, "waiting for rollout spec update to be observed"
	}
	if r.Status.ControllerPause && len(r.Status.PauseConditions) == 0 {
		return RolloutPhaseProgressing, "waiting for rollout to unpause"
	}
	if r.Spec.WorkloadRef != nil && r.Annotations[WorkloadGenerationAnnotation] != r.Status.WorkloadObservedGeneration {
		return RolloutPhaseProgressing, "waiting for rollout spec update to be observed for the reference workload"
	}
	if r.Status.Phase == "" {
		return Phase(r)
	}
	return r.Status.Phase, r.Status.Message
}

func broken(r *Rollout) (RolloutPhase, string) {
	for _, c := range r.Status.Conditions {
		switch {
		case c.Type == ConditionInvalidSpec:
			return RolloutPhaseDegraded, string(ConditionInvalidSpec) + ": " + c.Message
		case c.Reason == ReasonRolloutAborted || c.Reason == ReasonProgressDeadlineExceeded:
			return RolloutPhaseDegraded, c.Reason + ": " + c.Message
		}
	}
	return "", ""
}

func waiting(r *Rollout) (RolloutPhase, string) {
	if r.Spec.Paused {
		return RolloutPhasePaused, "manually paused"
	}
	for _, c := range r.Status.PauseConditions {
		return RolloutPhasePaused, string(c.Reason)
	}
	return "", ""
}

func growing(r *Rollout) (RolloutPhase, string) {
	switch {
	case r.Spec.RestartAt != nil && !r.Spec.RestartAt.Equal(r.Status.RestartedAt):
		return RolloutPhaseProgressing, "rollout is restarting"
	case r.Status.UpdatedReplicas < ReplicasOrDefault(r):
		return RolloutPhaseProgressing, "more replicas need to be updated"
	case r.Status.AvailableReplicas < r.Status.UpdatedReplicas:
		return RolloutPhaseProgressing, "updated replicas are still becoming available"
	}
	return "", ""
}

func switching(r *Rollout) (RolloutPhase, string) {
	s := r.Status
	switch {
	case s.BlueGreen.ActiveSelector == "" || s.BlueGreen.ActiveSelector != s.CurrentPodHash:
		return RolloutPhaseProgressing, "active service cutover pending"
	case s.StableRS == s.CurrentPodHash && s.StableRS != "":
		return RolloutPhaseHealthy, ""
	}
	post := s.BlueGreen.PostPromotionAnalysisRunStatus
	if r.Spec.Strategy.BlueGreen.PostPromotionAnalysis != nil && (post == nil || !post.Status.Completed()) {
		return RolloutPhaseProgressing, "waiting for analysis to complete"
	}
	return RolloutPhaseProgressing, "waiting for post-promotion verification to complete"
}

func stepping(r *Rollout) (RolloutPhase, string) {
	s := r.Status
	switch {
	case r.Spec.Strategy.Canary.TrafficRouting == nil && s.Replicas > s.UpdatedReplicas:
		return RolloutPhaseProgressing, "old replicas are pending termination"
	case s.StableRS == "" || s.StableRS != s.CurrentPodHash:
		return RolloutPhaseProgressing, "waiting for all steps to complete"
	}
	return RolloutPhaseHealthy, ""
}
