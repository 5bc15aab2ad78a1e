package pass

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
)

// Finish ends the pass with a status: counters, conditions, phase and duration are computed from what the strategy
// decided (spec 4.3), and the mirror annotations follow from them.
func (p *Pass) Finish() plan.Plan {
	p.Status.ObservedGeneration = generationText(p.Ro)
	p.deadlineAbort()
	p.settlePause()
	p.settle()
	p.settlePhase()
	p.duration()
	p.tellPause()
	p.out.Status = p.Status
	p.out.Annotations = p.mirror()
	p.out.Waiting = p.waiting()
	p.WakeAt(p.deadlineWake())
	return p.out
}

// Scaled ends a scale-only pass: of the status only what an autoscaler reads is refreshed (spec 3.4).
func (p *Pass) Scaled() plan.Plan {
	fresh := p.Status
	p.Status = p.Rollout.Status.DeepCopy()
	p.Status.HPAReplicas = fresh.HPAReplicas
	p.Status.AvailableReplicas = fresh.AvailableReplicas
	p.out.Status = p.Status
	p.out.Waiting = p.waiting()
	return p.out
}

func (p *Pass) deadlineWake() time.Time {
	at := p.deadline()
	if at.IsZero() || reasonIs(Condition(p.Status, v1alpha1.ConditionProgressing), v1alpha1.ReasonProgressDeadlineExceeded, v1alpha1.ReasonNewReplicaSetAvailable) {
		return time.Time{}
	}
	return at.Add(time.Second)
}

// deadlineAbort aborts an update that made no progress in time, where the spec asks for it (spec 3.14).
func (p *Pass) deadlineAbort() {
	if !p.Ro.Spec.ProgressDeadlineAbort || p.Status.Abort || p.Status.StableRS == p.Status.CurrentPodHash || p.Status.StableRS == "" {
		return
	}
	if p.progressed() || !p.timedOut() {
		return
	}
	p.Warn(v1alpha1.EventRolloutAborted, p.timeoutMessage())
	p.Abort(p.timeoutMessage())
}

// settlePause makes abort, pause conditions and controllerPause agree (spec 3.10).
func (p *Pass) settlePause() {
	if p.Status.Abort {
		if p.Status.AbortedAt == nil {
			p.Status.AbortedAt = p.metaNow()
		}
		p.Status.PauseConditions = nil
	} else if p.Status.AbortedAt != nil {
		p.Status.AbortedAt = nil
		p.forgetBadRuns()
	}
	if len(p.Status.PauseConditions) == 0 {
		p.Status.ControllerPause = p.unspent && !p.Status.Abort
	}
}

// KeepResumed leaves the sign of a resume in the status: what waited for it does not happen in this pass.
func (p *Pass) KeepResumed() { p.unspent = p.resumed }

func (p *Pass) tellPause() {
	before, after := len(p.Rollout.Status.PauseConditions), len(p.Status.PauseConditions)
	switch {
	case before == 0 && after > 0:
		p.Tell(v1alpha1.EventRolloutPaused, fmt.Sprintf("Rollout is paused (%s)", p.Status.PauseConditions[0].Reason))
	case before > 0 && after == 0 && !p.Status.Abort:
		p.Tell(v1alpha1.EventRolloutResumed, v1alpha1.MessageRolloutResumed)
	}
}

func (p *Pass) settlePhase() {
	seen := p.Ro.DeepCopy()
	seen.Status = *p.Status
	p.Status.Phase, p.Status.Message = v1alpha1.Phase(seen)
}

// healthy is the predicate behind the Healthy condition (spec 4.2): everything that was asked for is there, and the
// stored status already knew the spec of today.
func (p *Pass) healthy() bool {
	s := p.Status
	if s.UpdatedReplicas != p.Replicas() || s.AvailableReplicas != p.Replicas() || p.Rollout.Status.ObservedGeneration != generationText(p.Ro) {
		return false
	}
	if bg := p.Ro.Spec.Strategy.BlueGreen; bg != nil {
		return s.BlueGreen.ActiveSelector != "" && s.BlueGreen.ActiveSelector == s.CurrentPodHash &&
			(bg.PreviewService == "" || s.BlueGreen.PreviewSelector == s.CurrentPodHash)
	}
	if s.CurrentStepIndex != nil && int(*s.CurrentStepIndex) != len(p.Steps()) {
		return false
	}
	return s.StableRS != "" && s.StableRS == s.CurrentPodHash && s.Replicas == p.Replicas()
}

// progressed compares the stored with the new status (spec 4.2, progress).
func (p *Pass) progressed() bool {
	a, b := &p.Rollout.Status, p.Status
	if b.UpdatedReplicas != a.UpdatedReplicas || b.Replicas-b.UpdatedReplicas < a.Replicas-a.UpdatedReplicas ||
		b.ReadyReplicas > a.ReadyReplicas || b.AvailableReplicas > a.AvailableReplicas {
		return true
	}
	if p.Ro.Spec.Strategy.BlueGreen != nil {
		return a.BlueGreen.ActiveSelector != b.BlueGreen.ActiveSelector || a.BlueGreen.PreviewSelector != b.BlueGreen.PreviewSelector
	}
	return a.StableRS != b.StableRS || a.CurrentStepHash != b.CurrentStepHash || !reflect.DeepEqual(a.CurrentStepIndex, b.CurrentStepIndex)
}

// waiting is what a plan that changes nothing waits for.
func (p *Pass) waiting() string {
	parts := append([]string(nil), p.afterwards...)
	if p.Status.Message != "" {
		parts = append(parts, p.Status.Message)
	}
	if len(parts) == 0 {
		parts = append(parts, "the next change")
	}
	sort.Strings(parts)
	return strings.Join(parts, "; ")
}

// SelectorText is a label selector as status.selector shows it.
func SelectorText(s *metav1.LabelSelector) string {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return ""
	}
	return selector.String()
}
