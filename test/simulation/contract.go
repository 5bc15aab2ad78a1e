package simulation

import (
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// The status contract: what every status has to fulfil that the planner writes. The names are what a failing world says.
const (
	phaseIsRight       = "status: the phase follows from the status"
	conditionsAreSound = "status: conditions are sound"
	countersAreTrue    = "status: counters are those of the ReplicaSets"
	pausesAreSound     = "status: pause and abort agree"
	indexIsSound       = "status: the step index is one of the steps"
)

// checkStatus holds a planned status to the contract.
func (w *World) checkStatus(snap plan.Snapshot, p plan.Plan) {
	s := p.Status
	w.checkPhase(snap.Rollout, s)
	w.checkConditions(snap, s)
	w.checkCounters(snap, s)
	for i, c := range s.PauseConditions {
		for _, other := range s.PauseConditions[:i] {
			if other.Reason == c.Reason {
				w.problem(pausesAreSound, "two pauses for %s", c.Reason)
			}
		}
	}
	if len(s.PauseConditions) > 0 && !s.ControllerPause && !snap.Rollout.Status.ControllerPause && len(snap.Rollout.Status.PauseConditions) == 0 {
		w.problem(pausesAreSound, "paused for %s without controllerPause", s.PauseConditions[0].Reason)
	}
	if s.AbortedAt != nil && !s.Abort && snap.Rollout.Status.AbortedAt == nil {
		w.problem(pausesAreSound, "abortedAt without an abort")
	}
	steps := 0
	if c := snap.Rollout.Spec.Strategy.Canary; c != nil {
		steps = len(c.Steps)
	}
	if i := s.CurrentStepIndex; i != nil && (*i < 0 || int(*i) > steps) && (snap.Rollout.Status.CurrentStepIndex == nil || *i != *snap.Rollout.Status.CurrentStepIndex) {
		w.problem(indexIsSound, "step %d of %d", *i, steps)
	}
	if s.ObservedGeneration != snap.Rollout.Status.ObservedGeneration && s.ObservedGeneration != strconv.FormatInt(snap.Rollout.Generation, 10) {
		w.problem(phaseIsRight, "observedGeneration %s of %d", s.ObservedGeneration, snap.Rollout.Generation)
	}
}

// checkPhase computes the phase a second time, from the words of spec 4.1 and not from our own code. A pass that only
// made a ReplicaSet, or only scaled, leaves phase and message as they were (spec 3.4).
func (w *World) checkPhase(r *v1alpha1.Rollout, s *v1alpha1.RolloutStatus) {
	if s.Phase == r.Status.Phase && s.Message == r.Status.Message && s.ObservedGeneration == r.Status.ObservedGeneration {
		return
	}
	phase, message := expectedPhase(r, s)
	if string(s.Phase) != phase || s.Message != message {
		w.problem(phaseIsRight, "it says %s %q, the status amounts to %s %q", s.Phase, s.Message, phase, message)
	}
}

func expectedPhase(r *v1alpha1.Rollout, s *v1alpha1.RolloutStatus) (phase, message string) {
	for _, c := range s.Conditions { // rules 1 and 2, in the order of the list
		if c.Type == "InvalidSpec" {
			return "Degraded", "InvalidSpec: " + c.Message
		}
		if c.Reason == "RolloutAborted" || c.Reason == "ProgressDeadlineExceeded" {
			return "Degraded", c.Reason + ": " + c.Message
		}
	}
	wanted := int32(1)
	if r.Spec.Replicas != nil {
		wanted = *r.Spec.Replicas
	}
	canary, bg := r.Spec.Strategy.Canary, r.Spec.Strategy.BlueGreen
	unstable := s.StableRS == "" || s.StableRS != s.CurrentPodHash
	switch {
	case r.Spec.Paused:
		return "Paused", "manually paused"
	case len(s.PauseConditions) > 0:
		return "Paused", string(s.PauseConditions[0].Reason)
	case r.Spec.RestartAt != nil && (s.RestartedAt == nil || !r.Spec.RestartAt.Equal(s.RestartedAt)):
		return "Progressing", "rollout is restarting"
	case s.UpdatedReplicas < wanted:
		return "Progressing", "more replicas need to be updated"
	case s.AvailableReplicas < s.UpdatedReplicas:
		return "Progressing", "updated replicas are still becoming available"
	case bg != nil && (s.BlueGreen.ActiveSelector == "" || s.BlueGreen.ActiveSelector != s.CurrentPodHash):
		return "Progressing", "active service cutover pending"
	case bg != nil && unstable && bg.PostPromotionAnalysis != nil && (s.BlueGreen.PostPromotionAnalysisRunStatus == nil || !s.BlueGreen.PostPromotionAnalysisRunStatus.Status.Completed()):
		return "Progressing", "waiting for analysis to complete"
	case bg != nil && unstable:
		return "Progressing", "waiting for post-promotion verification to complete"
	case canary != nil && canary.TrafficRouting == nil && s.Replicas > s.UpdatedReplicas:
		return "Progressing", "old replicas are pending termination"
	case canary != nil && unstable:
		return "Progressing", "waiting for all steps to complete"
	}
	return "Healthy", ""
}

// checkConditions: one of each type, with texts and times, and none that contradicts the rest of the status.
func (w *World) checkConditions(snap plan.Snapshot, s *v1alpha1.RolloutStatus) {
	seen := map[v1alpha1.RolloutConditionType]v1alpha1.RolloutCondition{}
	for _, c := range s.Conditions {
		if _, twice := seen[c.Type]; twice {
			w.problem(conditionsAreSound, "two of type %s", c.Type)
		}
		seen[c.Type] = c
		if c.Reason == "" || c.Message == "" || c.LastUpdateTime.IsZero() || c.LastTransitionTime.IsZero() || c.LastTransitionTime.After(c.LastUpdateTime.Time) || c.LastUpdateTime.After(w.Now) {
			w.problem(conditionsAreSound, "%+v", c)
		}
	}
	for _, c := range snap.Rollout.Status.Conditions { // the transition time changes with the status, and only then
		if now, still := seen[c.Type]; still && (now.Status == c.Status) != now.LastTransitionTime.Equal(&c.LastTransitionTime) && w.Now.Sub(c.LastTransitionTime.Time) >= time.Second {
			w.problem(conditionsAreSound, "%s went from %s to %s and its transition from %s to %s", c.Type, c.Status, now.Status, clock(c.LastTransitionTime.Time), clock(now.LastTransitionTime.Time))
		}
	}
	if s.ObservedGeneration == "" || scaleOnly(snap.Rollout, s) {
		return
	}
	contradicts := func(t v1alpha1.RolloutConditionType, holds bool) {
		if c, there := seen[t]; there && (c.Status == corev1.ConditionTrue) != holds {
			w.problem(conditionsAreSound, "%s is %s, which contradicts the rest of the status", t, c.Status)
		}
	}
	if _, invalid := seen[v1alpha1.ConditionInvalidSpec]; invalid {
		return
	}
	contradicts(v1alpha1.ConditionCompleted, s.StableRS != "" && s.StableRS == s.CurrentPodHash)
	// The predicate behind Healthy (spec 4.2) asks blue-green for the Service alone, not for stable: it is True while
	// an analysis after the switch goes on, and after it failed.
	if healthy := seen[v1alpha1.ConditionHealthy]; healthy.Status == corev1.ConditionTrue && s.Phase != v1alpha1.RolloutPhaseHealthy && snap.Rollout.Spec.Strategy.BlueGreen == nil {
		// Bookkeeping writes (spec 3.3) leave Healthy to the next pass.
		if progressing := seen[v1alpha1.ConditionProgressing]; progressing.Status != corev1.ConditionUnknown && s.Phase != v1alpha1.RolloutPhasePaused {
			w.problem(conditionsAreSound, "Healthy is True in phase %s %s", s.Phase, s.Message)
		}
	}
	if s.Abort && seen[v1alpha1.ConditionProgressing].Reason != v1alpha1.ReasonRolloutAborted && s.AbortedAt != nil {
		w.problem(conditionsAreSound, "aborted, and Progressing says %s", seen[v1alpha1.ConditionProgressing].Reason)
	}
}

// scaleOnly reports whether a status is that of a pass that only refreshed what an autoscaler reads, or only made a
// ReplicaSet (spec 3.1, 3.4): everything else is left for the next pass.
func scaleOnly(r *v1alpha1.Rollout, s *v1alpha1.RolloutStatus) bool {
	a := r.Status // a shallow copy is enough: nothing below is written to
	a.HPAReplicas, a.AvailableReplicas, a.Conditions, a.CollisionCount = s.HPAReplicas, s.AvailableReplicas, s.Conditions, s.CollisionCount
	return equality.Semantic.DeepEqual(&a, s)
}

// checkCounters: a counter is left alone, or it is what the ReplicaSets said in the picture.
func (w *World) checkCounters(snap plan.Snapshot, s *v1alpha1.RolloutStatus) {
	was := snap.Rollout.Status
	var all int32
	for _, rs := range snap.ReplicaSets {
		all += rs.Status.Replicas
	}
	counted := [][]*appsv1.ReplicaSet{snap.ReplicaSets}
	if bg := snap.Rollout.Spec.Strategy.BlueGreen; bg != nil { // the active one, as recorded or as its Service stands
		for _, hash := range []string{s.BlueGreen.ActiveSelector, selected(snap.Services[bg.ActiveService])} {
			if active := revision.WithHash(snap.ReplicaSets, hash); active != nil {
				counted = append(counted, []*appsv1.ReplicaSet{active})
			}
		}
	}
	sums := func(of func(*appsv1.ReplicaSet) int32) (possible []int32) {
		for _, rss := range counted {
			sum := int32(0)
			for _, rs := range rss {
				sum += of(rs)
			}
			possible = append(possible, sum)
		}
		return possible
	}
	pods := sums(func(rs *appsv1.ReplicaSet) int32 { return rs.Status.Replicas })
	available := sums(func(rs *appsv1.ReplicaSet) int32 { return rs.Status.AvailableReplicas })
	updated := int32(0)
	if rs := revision.WithHash(snap.ReplicaSets, s.CurrentPodHash); rs != nil {
		updated = rs.Status.Replicas
	}
	check := func(name string, got, before int32, want ...int32) {
		if got != before && !slices.Contains(want, got) {
			w.problem(countersAreTrue, "%s went from %d to %d, the ReplicaSets say %d", name, before, got, want)
		}
	}
	check("replicas", s.Replicas, was.Replicas, all)
	check("HPAReplicas", s.HPAReplicas, was.HPAReplicas, pods...)
	check("availableReplicas", s.AvailableReplicas, was.AvailableReplicas, available...)
	check("updatedReplicas", s.UpdatedReplicas, was.UpdatedReplicas, updated)
}

// afterStatus looks at what a written status says about the cluster.
func (w *World) afterStatus(a *application) {
	s := w.Rollout().Status
	w.sayStatus(&s)
	// After a crash between route and status the record is old, and the next pass finds that out: only news has to be true.
	was := a.snap.Rollout.Status.Canary.Weights
	if now, said := w.split(), s.Canary.Weights; said != nil && !a.late && mustJSON(said) != mustJSON(was) {
		if now == nil || int64(said.Canary.Weight) != now.canary || int64(said.Stable.Weight) != now.stable {
			w.problem(recordedIsTrue, "weights %d/%d are recorded, the router carries %v", said.Canary.Weight, said.Stable.Weight, now)
		}
	}
	bg := a.snap.Rollout.Spec.Strategy.BlueGreen
	if bg == nil || a.late || s.BlueGreen.ActiveSelector == a.snap.Rollout.Status.BlueGreen.ActiveSelector {
		return
	}
	if service := get[*corev1.Service](w.truth, "Service", bg.ActiveService); service != nil {
		if has := service.Spec.Selector[v1alpha1.DefaultRolloutUniqueLabelKey]; has != s.BlueGreen.ActiveSelector {
			w.problem(recordedIsTrue, "the active selector is recorded as %q, the Service has %q", s.BlueGreen.ActiveSelector, has)
		}
	}
}

func selected(s *corev1.Service) string {
	if s == nil {
		return ""
	}
	return s.Spec.Selector[v1alpha1.DefaultRolloutUniqueLabelKey]
}
