package simulation

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// told is what a timeline has said already, so that it says what changed.
type told struct {
	phase string
	pods  map[string]string
	split string
}

// say adds a line to the timeline: the time, what kind of thing happened, and what.
func (w *World) say(kind, format string, args ...any) {
	text := w.short(fmt.Sprintf(format, args...))
	w.trace = append(w.trace, traceEntry{w.Now.Sub(Start), kind, text})
	w.Timeline = append(w.Timeline, fmt.Sprintf("%s  %-8s %s", clock(w.Now), kind, text))
}

// short writes revisions as letters, in the order in which they appeared.
func (w *World) short(text string) string {
	for hash, letter := range w.names {
		text = strings.ReplaceAll(text, hash, letter)
	}
	return text
}

func (w *World) letter(hash string) string {
	if hash == "" {
		return "-"
	}
	if _, ok := w.names[hash]; !ok {
		w.names[hash] = string(rune('a' + len(w.names)))
	}
	return w.names[hash]
}

// tell publishes events.
func (w *World) tell(events []plan.Event) {
	for _, e := range events {
		mark := ""
		if e.Warning {
			mark = "Warning "
		}
		w.say("event", "%s%s · %s", mark, e.Reason, e.Message)
		if mark == "" {
			mark = "Normal "
		}
		w.events = append(w.events, fmt.Sprintf("%s%s · %s", mark, e.Reason, e.Message))
	}
}

func (w *World) sayEffect(e plan.Effect) {
	why := ": " + e.Why()
	switch e := e.(type) {
	case plan.Create:
		w.say("create", "%s%s", w.letter(revision.HashOf(e.ReplicaSet)), why)
	case plan.Scale:
		w.say("scale", "%s %d→%d%s", w.letter(revision.HashOf(e.Want)), e.From, e.To, why)
	case plan.Amend:
		w.say("amend", "%s%s", w.letter(revision.HashOf(e.Want)), why)
	case plan.Delete:
		w.say("delete", "%s %s%s", e.Kind, e.Name, why)
	case plan.Point:
		w.say("point", "%s %s→%s%s", e.Service.Name, w.letter(e.From), w.letter(e.To), why)
	case plan.Route:
		if now := w.split(); now != nil && now.String() != w.seen.split {
			w.letter(now.canaryHash)
			w.letter(now.stableHash)
			w.seen.split = now.String()
			w.say("route", "%s%s", now, why)
		}
	case plan.Begin:
		w.say("begin", "AnalysisRun %s%s", e.Run.Name, why)
	case plan.End:
		w.say("end", "AnalysisRun %s%s", e.Run.Name, why)
	case plan.Evict:
		w.say("evict", "a pod of %s%s", w.letter(e.Pod.Labels[v1alpha1.DefaultRolloutUniqueLabelKey]), why)
	case plan.Relabel:
		w.say("relabel", "a pod of %s%s", w.letter(e.Pod.Labels[v1alpha1.DefaultRolloutUniqueLabelKey]), why)
	case plan.SetReplicas:
		w.say("default", "spec.replicas to %d%s", e.To, why)
	case plan.Annotate:
	}
}

// sayStatus tells what a new status changed of what people look at.
func (w *World) sayStatus(s *v1alpha1.RolloutStatus) {
	phase := string(s.Phase)
	if s.Message != "" {
		phase += ": " + s.Message
	}
	index := ""
	if s.CurrentStepIndex != nil {
		index = fmt.Sprintf(", step %d", *s.CurrentStepIndex)
	}
	if s.StableRS != "" {
		index += ", stable " + w.letter(s.StableRS)
	}
	if phase+index == w.seen.phase {
		return
	}
	w.seen.phase = phase + index
	w.say("status", "%s", phase+index)
}

// tellPods tells how many pods of each revision are available.
func (w *World) tellPods() {
	if w.seen.pods == nil {
		w.seen.pods = map[string]string{}
	}
	for _, rs := range revision.ByCreation(w.sets()) {
		text := counts(rs)
		if w.seen.pods[rs.Name] == text || w.seen.pods[rs.Name] == "" && rs.Status.Replicas == 0 {
			continue
		}
		w.seen.pods[rs.Name] = text
		w.say("pods", "%s %s available", w.letter(revision.HashOf(rs)), text)
	}
}

func counts(rs *appsv1.ReplicaSet) string {
	return fmt.Sprintf("%d of %d", rs.Status.AvailableReplicas, rs.Status.Replicas)
}

// describe is a plan in one line, for messages.
func describe(p *plan.Plan) string {
	if p == nil {
		return "none"
	}
	var parts []string
	for _, e := range p.Effects {
		parts = append(parts, strings.TrimPrefix(fmt.Sprintf("%T (%s)", e, e.Why()), "plan."))
	}
	if p.Status != nil {
		parts = append(parts, fmt.Sprintf("status %s %s", p.Status.Phase, p.Status.Message))
	}
	return strings.Join(parts, ", ") + " waiting for " + p.Waiting + p.Retry
}
