package simulation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// The invariants. Each has a name, which is what a failing world, and a fault, is told apart by. Where a rule of the
// field breaks one, the exception is named at the place, with its source in the spec.
const (
	deterministic   = "a decision is a function"
	leavesAlone     = "a decision leaves its picture alone"
	namesWhat       = "a plan that does nothing names what it waits for"
	withinSurge     = "no more pods than replicas + maxSurge"
	keepsAvailable  = "scaling leaves replicas − maxUnavailable available"
	weightsAddUp    = "weights add up"
	noWeightOnNone  = "no weight without available pods"
	carriesTraffic  = "what carries traffic is not scaled below its share"
	servicesServe   = "no Service is turned to a revision without available pods"
	stableSurvives  = "the stable revision survives an update"
	recordedIsTrue  = "the status records what the cluster has"
	currentIsNewest = "the current revision has the highest number"
	comesToRest     = "an unhindered world comes to rest, and is promoted"
)

// checkedDecide asks the planner; every so often twice, with the lists in another order.
func (w *World) checkedDecide(snap plan.Snapshot) plan.Plan {
	thorough := w.random == nil || w.passes%16 == 0
	var before string
	if thorough {
		before = text(snap)
	}
	p := w.decide(snap, w.Now)
	if !thorough {
		return p
	}
	if after := text(snap); after != before {
		w.problem(leavesAlone, "it changed\n%s\ninto\n%s", before, after)
	}
	turned := snap
	turned.ReplicaSets = reversed(snap.ReplicaSets)
	turned.Runs = reversed(snap.Runs)
	turned.Pods = reversed(snap.Pods)
	if again := w.decide(turned, w.Now); text(again) != text(p) {
		w.problem(deterministic, "%s\nand, with the lists turned round,\n%s", describe(&p), describe(&again))
	}
	return p
}

func reversed[T any](in []T) []T {
	out := slices.Clone(in)
	slices.Reverse(out)
	return out
}

// text is a value as JSON; functions in it are left out.
func text(v any) string {
	if s, ok := v.(plan.Snapshot); ok {
		v = []any{s.Rollout, s.ReplicaSets, s.Pods, s.Services, s.Runs}
	}
	if p, ok := v.(plan.Plan); ok {
		var effects []string
		for _, e := range p.Effects {
			effects = append(effects, fmt.Sprintf("%T %s", e, mustJSON(e)))
		}
		v = []any{effects, p.Status, p.Events, p.Annotations, p.Wake, p.Waiting, p.Retry}
	}
	return mustJSON(v)
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}

// checkPlan looks at a plan before anything of it happens.
func (w *World) checkPlan(snap plan.Snapshot, p plan.Plan) {
	if idle(p, &snap.Rollout.Status) && p.Waiting == "" && p.Retry == "" {
		w.problem(namesWhat, "phase %s %s", snap.Rollout.Status.Phase, snap.Rollout.Status.Message)
	}
	if !p.Wake.IsZero() && !p.Wake.After(w.Now) {
		w.problem(namesWhat, "it wants to be woken at %s, which is past", clock(p.Wake))
	}
	if p.Status != nil {
		w.checkStatus(snap, p)
	}
}

// picture is what matters for the bounds, measured before and after an effect.
type picture struct {
	total, sure, real int32
	sizes             map[string]int32
	split             *carried
}

func (w *World) picture(snap plan.Snapshot) picture {
	seen := map[string]int32{}
	for _, rs := range snap.ReplicaSets {
		seen[rs.Name] = rs.Status.AvailableReplicas
	}
	p := picture{sizes: map[string]int32{}, split: w.split()}
	for _, rs := range w.sets() {
		size := revision.Size(rs)
		p.sizes[revision.HashOf(rs)] = size
		p.total += size
		p.sure += min(size, seen[rs.Name])
		p.real += min(size, seen[rs.Name], w.reallyAvailable(rs))
	}
	return p
}

// account says of each ReplicaSet what is wanted, what the decision saw available, and what there really is.
func (w *World) account(snap plan.Snapshot) string {
	var parts []string
	for _, rs := range w.sets() {
		saw := int32(0)
		if seen := revision.WithHash(snap.ReplicaSets, revision.HashOf(rs)); seen != nil {
			saw = seen.Status.AvailableReplicas
		}
		parts = append(parts, fmt.Sprintf("%s wants %d, saw %d, has %d of %d", revision.HashOf(rs), revision.Size(rs), saw, w.reallyAvailable(rs), len(w.podsOf(rs))))
	}
	return strings.Join(parts, "; ")
}

func (w *World) reallyAvailable(rs *appsv1.ReplicaSet) (n int32) {
	for _, pod := range w.podsOf(rs) {
		if w.available(pod, rs.Spec.MinReadySeconds) {
			n++
		}
	}
	return n
}

// before is the picture before the effect that is being applied.
func (w *World) beforeEffect(a *application, _ plan.Effect) { a.before = w.picture(a.snap) }

// afterEffect looks at what one effect did to the cluster.
func (w *World) afterEffect(a *application, e plan.Effect) {
	w.sayEffect(e)
	after := w.picture(a.snap)
	switch e := e.(type) {
	case plan.Scale:
		w.checkBounds(a, e, after)
		w.checkShare(a, revision.HashOf(e.Want), e.To)
		w.checkStable(a, revision.HashOf(e.Want), e.To)
	case plan.Delete:
		if e.Kind == "ReplicaSet" {
			for hash, size := range a.before.sizes {
				if _, still := after.sizes[hash]; !still {
					if size > 0 {
						w.problem(stableSurvives, "%s was deleted with %d pods", hash, size)
					}
					w.checkShare(a, hash, 0)
					w.checkStable(a, hash, 0)
				}
			}
		}
	case plan.Route:
		w.routedAt = w.Now
		w.checkSplit(a, after)
	case plan.Point:
		w.checkPoint(a, e)
	}
}

// checkBounds: a canary without traffic routing keeps within surge and unavailable.
func (w *World) checkBounds(a *application, e plan.Scale, after picture) {
	r := a.snap.Rollout
	if r.Spec.Strategy.Canary == nil || v1alpha1.HasTrafficRouting(r) {
		return
	}
	wanted := v1alpha1.ReplicasOrDefault(r)
	surge, missing := v1alpha1.MaxSurge(r), v1alpha1.MaxUnavailable(r)
	if most := wanted + surge; after.total > most && after.total > a.before.total {
		w.problem(withinSurge, "scaling %s %d→%d made %d pods of at most %d", revision.HashOf(e.Want), e.From, e.To, after.total, most)
	}
	least := wanted - missing
	if after.sure < least && after.sure < a.before.sure {
		w.problem(keepsAvailable, "scaling %s %d→%d left %d available, as seen, of at least %d", revision.HashOf(e.Want), e.From, e.To, after.sure, least)
	}
	// Where nobody but us takes pods away, what was seen has to be there, too: a picture in which a ReplicaSet has not
	// yet counted what it lost does not excuse. (Pods that came up since the picture was taken do not count.)
	if !w.lenient && after.real < least && after.real < a.before.real {
		w.problem(keepsAvailable, "scaling %s %d→%d left %d really available of at least %d: %s", revision.HashOf(e.Want), e.From, e.To, after.real, least, w.account(a.snap))
	}
}
