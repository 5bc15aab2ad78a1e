package pass

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

const (
	yes     = corev1.ConditionTrue
	no      = corev1.ConditionFalse
	unknown = corev1.ConditionUnknown
)

// Condition is the condition of a type, nil if there is none.
func Condition(s *v1alpha1.RolloutStatus, t v1alpha1.RolloutConditionType) *v1alpha1.RolloutCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == t {
			return &s.Conditions[i]
		}
	}
	return nil
}

// SetCondition puts a condition into the status. One of the same status and reason is left untouched; a changed one
// moves to the end and keeps its transition time when the status did not change (spec 4.2). It reports a change.
func SetCondition(s *v1alpha1.RolloutStatus, c v1alpha1.RolloutCondition) bool {
	old := Condition(s, c.Type)
	if old != nil && old.Status == c.Status && old.Reason == c.Reason {
		return false
	}
	replaceCondition(s, c)
	return true
}

// replaceCondition is SetCondition for a condition that is refreshed even when status and reason stay.
func replaceCondition(s *v1alpha1.RolloutStatus, c v1alpha1.RolloutCondition) {
	if old := Condition(s, c.Type); old != nil && old.Status == c.Status {
		c.LastTransitionTime = old.LastTransitionTime
	}
	removeCondition(s, c.Type)
	s.Conditions = append(s.Conditions, c)
}

func removeCondition(s *v1alpha1.RolloutStatus, t v1alpha1.RolloutConditionType) {
	var left []v1alpha1.RolloutCondition
	for _, c := range s.Conditions {
		if c.Type != t {
			left = append(left, c)
		}
	}
	s.Conditions = left
}

func (p *Pass) condition(t v1alpha1.RolloutConditionType, status corev1.ConditionStatus, reason, message string) v1alpha1.RolloutCondition {
	at := *p.metaNow()
	return v1alpha1.RolloutCondition{Type: t, Status: status, Reason: reason, Message: message, LastUpdateTime: at, LastTransitionTime: at}
}

func reasonIs(c *v1alpha1.RolloutCondition, reasons ...string) bool {
	if c == nil {
		return false
	}
	for _, r := range reasons {
		if c.Reason == r {
			return true
		}
	}
	return false
}

// settle computes the conditions of a status that is otherwise complete, in the order of spec 4.2.
func (p *Pass) settle() {
	paused := p.Ro.Spec.Paused || len(p.Status.PauseConditions) > 0
	was := Condition(&p.Rollout.Status, v1alpha1.ConditionHealthy)
	healthy := p.healthy()
	switch {
	case healthy && !paused:
		SetCondition(p.Status, p.condition(v1alpha1.ConditionHealthy, yes, v1alpha1.ReasonRolloutHealthy, v1alpha1.MessageRolloutHealthy))
	case was != nil:
		SetCondition(p.Status, p.unhealthy(was))
	}
	if p.Status.Abort {
		p.settleAborted()
	} else {
		p.settleProgress(healthy, was != nil && was.Status == yes)
	}
	p.settleAvailable()
	p.settleFailure()
	p.settleCompleted()
}

// unhealthy is the Healthy condition turned False. Status and reason rule over what counts as a change, and the
// reason never changes, so the message follows the status.
func (p *Pass) unhealthy(was *v1alpha1.RolloutCondition) v1alpha1.RolloutCondition {
	return p.condition(v1alpha1.ConditionHealthy, no, was.Reason, v1alpha1.MessageRolloutNotHealthy)
}

func (p *Pass) settleAborted() {
	message := fmt.Sprintf("Rollout aborted update to revision %d", p.number())
	if p.cause != "" {
		message += ": " + p.cause
	}
	if SetCondition(p.Status, p.condition(v1alpha1.ConditionProgressing, no, v1alpha1.ReasonRolloutAborted, message)) {
		p.Warn(v1alpha1.EventRolloutAborted, message)
	}
}

func (p *Pass) number() int64 {
	if p.New == nil {
		return 0
	}
	return revision.Number(p.New)
}

func (p *Pass) settleProgress(healthy, wasHealthy bool) {
	name := ""
	if p.New != nil {
		name = p.New.Name
	}
	stands := Condition(p.Status, v1alpha1.ConditionProgressing)
	switch {
	case healthy && !reasonIs(stands, v1alpha1.ReasonRolloutPaused):
		SetCondition(p.Status, p.condition(v1alpha1.ConditionProgressing, yes, v1alpha1.ReasonNewReplicaSetAvailable, fmt.Sprintf("ReplicaSet %q has successfully progressed.", name)))
	case wasHealthy && p.Status.StableRS == p.Status.CurrentPodHash && !healthy:
		replaceCondition(p.Status, p.condition(v1alpha1.ConditionProgressing, yes, v1alpha1.ReasonReplicaSetNotAvailable, v1alpha1.MessageNotAvailable))
	case p.progressed():
		replaceCondition(p.Status, p.condition(v1alpha1.ConditionProgressing, yes, v1alpha1.ReasonReplicaSetUpdated, fmt.Sprintf("ReplicaSet %q is progressing.", name)))
	case p.timedOut():
		SetCondition(p.Status, p.condition(v1alpha1.ConditionProgressing, no, v1alpha1.ReasonProgressDeadlineExceeded, p.timeoutMessage()))
	}
}

func (p *Pass) timeoutMessage() string {
	name := ""
	if p.New != nil {
		name = p.New.Name
	}
	return fmt.Sprintf("ReplicaSet %q has timed out progressing.", name)
}

// deadline is when the progress deadline passes; the zero time when it is not running (spec 3.14).
func (p *Pass) deadline() time.Time {
	c := Condition(p.Status, v1alpha1.ConditionProgressing)
	if c == nil || reasonIs(c, v1alpha1.ReasonRolloutAborted, v1alpha1.ReasonRolloutPaused) {
		return time.Time{}
	}
	if stands := Condition(p.Status, v1alpha1.ConditionPaused); stands != nil && stands.Status == yes {
		return time.Time{}
	}
	if p.stepWaits() {
		return time.Time{}
	}
	for _, rs := range p.Older() {
		if _, has := revision.Deadline(rs); has {
			return time.Time{}
		}
	}
	return c.LastUpdateTime.Add(time.Duration(v1alpha1.ProgressDeadlineSecondsOrDefault(p.Ro)) * time.Second)
}

func (p *Pass) timedOut() bool {
	at := p.deadline()
	return !at.IsZero() && p.Now.After(at)
}

// stepWaits reports whether the current step takes its time by design: pause, analysis, experiment.
func (p *Pass) stepWaits() bool {
	step := p.Step()
	return step != nil && (step.Pause != nil || step.Analysis != nil || step.Experiment != nil)
}

func (p *Pass) settleAvailable() {
	status, message := no, v1alpha1.MessageNotAvailable
	if p.available() {
		status, message = yes, v1alpha1.MessageAvailable
	}
	SetCondition(p.Status, p.condition(v1alpha1.ConditionAvailable, status, v1alpha1.ReasonAvailable, message))
}

// available is the predicate of the Available condition: canary: all pods count; blue-green: the active ReplicaSet
// is saturated.
func (p *Pass) available() bool {
	if p.Ro.Spec.Strategy.BlueGreen != nil {
		active := p.Active()
		return active != nil && p.Saturated(active)
	}
	sum := int32(0)
	for _, rs := range p.All() {
		sum += Available(rs)
	}
	return sum >= p.Replicas()
}

// settleFailure copies a ReplicaSet's ReplicaFailure condition, the new one's before others'.
func (p *Pass) settleFailure() {
	for _, rs := range p.All() {
		for _, c := range rs.Status.Conditions {
			if c.Type == "ReplicaFailure" && c.Status == yes {
				SetCondition(p.Status, p.condition(v1alpha1.ConditionReplicaFailure, c.Status, c.Reason, c.Message))
				return
			}
		}
	}
	removeCondition(p.Status, v1alpha1.ConditionReplicaFailure)
}

func (p *Pass) settleCompleted() {
	status := no
	if p.Status.StableRS != "" && p.Status.StableRS == p.Status.CurrentPodHash {
		status = yes
	}
	if SetCondition(p.Status, p.condition(v1alpha1.ConditionCompleted, status, v1alpha1.ReasonRolloutCompleted, v1alpha1.ReasonRolloutCompleted)) && status == no {
		p.Tell(v1alpha1.EventRolloutNotCompleted, fmt.Sprintf("Rollout not completed, started update to revision %d (%s)", p.number(), p.Status.CurrentPodHash))
	}
}
