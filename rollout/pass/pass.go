// Package pass is one pass over one Rollout in the making: the picture sorted into new, stable and other ReplicaSets,
// the status being written, and what both strategies do alike (revisions, pauses, aborts, analysis, conditions,
// duration). What a strategy wants is left to packages canary and bluegreen; nothing here reads or writes a cluster.
package pass

import (
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// A Pass collects what one decision wants. The Snapshot in it is never changed; New, Stable, Others and Status are copies.
type Pass struct {
	plan.Snapshot
	Now time.Time

	// Ro is the Rollout with the defaults that the decision needs (replicas); the stored one is Rollout.
	Ro *v1alpha1.Rollout
	// New matches the spec's template; nil before it is created.
	New *appsv1.ReplicaSet
	// Stable is the ReplicaSet of status.stableRS, nil if there is none. It may be New itself.
	Stable *appsv1.ReplicaSet
	// Others are owned ReplicaSets that are neither, newest revision first.
	Others []*appsv1.ReplicaSet
	// Status is the status to be written.
	Status *v1alpha1.RolloutStatus

	out        plan.Plan
	paused     bool     // a pause was added in this pass
	cause      string   // why this pass aborts
	resumed    bool     // the person who was asked has resumed: controllerPause without conditions, as stored
	unspent    bool     // the resume has not had its effect yet
	lettingGo  bool     // a size of 0 keeps its deadline: the abort delay is told by it
	delayed    bool     // New carried an unexpired scale-down deadline when the pass began
	afterwards []string // what the status waits for
}

// Begin sorts the picture.
func Begin(s plan.Snapshot, now time.Time) *Pass {
	p := &Pass{Snapshot: s, Now: now.UTC().Truncate(time.Second), Ro: s.Rollout.DeepCopy(), Status: s.Rollout.Status.DeepCopy()}
	if p.Ro.Spec.Replicas == nil {
		one := int32(1)
		p.Ro.Spec.Replicas = &one
	}
	p.Runs = byName(s.Runs)
	p.Pods = byName(s.Pods)
	found := revision.Find(s.ReplicaSets, &p.Ro.Spec.Template, p.Status.CollisionCount, s.Defaulted)
	for _, rs := range revision.ByNumber(s.ReplicaSets) {
		switch {
		case found != nil && rs.UID == found.UID:
			p.New = rs.DeepCopy()
		case p.Status.StableRS != "" && revision.HashOf(rs) == p.Status.StableRS && p.Stable == nil:
			p.Stable = rs.DeepCopy()
		default:
			p.Others = append(p.Others, rs.DeepCopy())
		}
	}
	if p.New != nil && revision.HashOf(p.New) == p.Status.StableRS {
		p.Stable = p.New
	}
	p.resumed = p.Status.ControllerPause && len(p.Status.PauseConditions) == 0
	p.delayed = p.New != nil && revision.Delayed(p.New, p.Now)
	return p
}

// All are the owned ReplicaSets: new, stable, others.
func (p *Pass) All() []*appsv1.ReplicaSet {
	var all []*appsv1.ReplicaSet
	if p.New != nil {
		all = append(all, p.New)
	}
	if p.Stable != nil && p.Stable != p.New {
		all = append(all, p.Stable)
	}
	return append(all, p.Others...)
}

// Older are the owned ReplicaSets but the new one.
func (p *Pass) Older() []*appsv1.ReplicaSet {
	all := p.All()
	if p.New != nil {
		return all[1:]
	}
	return all
}

// Replicas is spec.replicas after defaulting.
func (p *Pass) Replicas() int32 { return *p.Ro.Spec.Replicas }

// Promoted reports whether the revision of the spec is the stable one.
func (p *Pass) Promoted() bool {
	return p.New != nil && p.Status.StableRS != "" && revision.HashOf(p.New) == p.Status.StableRS
}

// Aborted reports whether the update is aborted, by the stored status or by this pass.
func (p *Pass) Aborted() bool { return p.Status.Abort }

// Do plans an effect.
func (p *Pass) Do(e plan.Effect) { p.out.Effects = append(p.out.Effects, e) }

// Effects are those planned so far.
func (p *Pass) Effects() []plan.Effect { return p.out.Effects }

// Tell plans an event that is told once the status held.
func (p *Pass) Tell(reason, message string) {
	p.out.Events = append(p.out.Events, plan.Event{Reason: reason, Message: message})
}

// Warn is Tell for a warning.
func (p *Pass) Warn(reason, message string) {
	p.out.Events = append(p.out.Events, plan.Event{Reason: reason, Message: message, Warning: true})
}

// WakeAt asks for another look at t, if that is in the future and earlier than what was asked for before.
func (p *Pass) WakeAt(t time.Time) {
	if t.After(p.Now) && (p.out.Wake.IsZero() || t.Before(p.out.Wake)) {
		p.out.Wake = t
	}
}

// WaitFor says what the rollout waits for.
func (p *Pass) WaitFor(what string) { p.afterwards = append(p.afterwards, what) }

// Acted reports whether any effect is planned.
func (p *Pass) Acted() bool { return len(p.out.Effects) > 0 }

// Stop ends the pass without a status.
func (p *Pass) Stop(waiting string) plan.Plan {
	p.out.Waiting = waiting
	return p.out
}

func (p *Pass) metaNow() *metav1.Time {
	t := metav1.NewTime(p.Now)
	return &t
}

// byName is a sorted copy: a decision does not depend on the order in which a cache lists things.
func byName[T metav1.Object](in []T) []T {
	return slices.SortedFunc(slices.Values(in), func(a, b T) int { return strings.Compare(a.GetName(), b.GetName()) })
}
