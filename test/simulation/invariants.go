package simulation

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/replicas"
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

var _ = corev1.PodReady

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
	surge, missing := replicas.Limits(r.Spec.Strategy.Canary.MaxSurge, r.Spec.Strategy.Canary.MaxUnavailable, wanted)
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

// shares are the parts of the traffic that revisions get at this moment, as Services and the router stand; max is all.
// Without a router, or before it was ever told anything, what the stable or active Service selects has all of it.
func (w *World) shares(r *v1alpha1.Rollout) (of map[string]int64, most int64) {
	of = map[string]int64{}
	selected := func(name string) string {
		s := get[*corev1.Service](w.truth, "Service", name)
		if s == nil {
			return ""
		}
		return s.Spec.Selector[v1alpha1.DefaultRolloutUniqueLabelKey]
	}
	switch now := w.split(); {
	case r.Spec.Strategy.BlueGreen != nil:
		of[selected(r.Spec.Strategy.BlueGreen.ActiveService)] = 1
		most = 1
	case now != nil && now.canaryService != "" && now.stableService != "" && selected(now.canaryService) != "" && selected(now.stableService) != "":
		of[selected(now.canaryService)] += now.canary
		of[selected(now.stableService)] += now.stable
		most = now.max
	case now != nil:
		of[now.canaryHash] += now.canary
		of[now.stableHash] += now.stable
		most = now.max
	}
	delete(of, "")
	return of, most
}

// checkShare: a revision that carries traffic keeps the pods that its share needs.
func (w *World) checkShare(a *application, hash string, to int32) {
	r := a.snap.Rollout
	of, most := w.shares(r)
	if most == 0 || of[hash] == 0 || to >= a.before.sizes[hash] {
		return
	}
	need := int32((int64(v1alpha1.ReplicasOrDefault(r))*of[hash] + most - 1) / most)
	switch {
	case to >= need:
		return
	case sizedByHand(r) && to > 0: // a person chose fewer pods than the weight asks for: setCanaryScale, spec 3.8
		return
	case r.Spec.Strategy.BlueGreen != nil && r.Spec.Strategy.BlueGreen.PreviewReplicaCount != nil && to > 0: // spec 3.12
		return
	}
	w.problem(carriesTraffic, "%s carries %d of %d and was scaled to %d, its share of %d needs %d", hash, of[hash], most, to, v1alpha1.ReplicasOrDefault(r), need)
}

func sizedByHand(r *v1alpha1.Rollout) bool {
	if r.Spec.Strategy.Canary == nil {
		return false
	}
	return slices.ContainsFunc(r.Spec.Strategy.Canary.Steps, func(s v1alpha1.CanaryStep) bool { return s.SetCanaryScale != nil })
}

// checkStable: while an update goes on, the stable revision keeps what it needs to serve alone; it goes only when
// traffic was given to another one. Without traffic routing its pods are replaced one by one: the bounds guard it.
func (w *World) checkStable(a *application, hash string, to int32) {
	r := a.snap.Rollout
	s := r.Status
	if hash != s.StableRS || s.StableRS == s.CurrentPodHash || to >= a.before.sizes[hash] || to >= v1alpha1.ReplicasOrDefault(r) {
		return
	}
	if c := r.Spec.Strategy.Canary; c != nil && (c.TrafficRouting == nil || c.DynamicStableScale) {
		return // with dynamicStableScale the share of the traffic guards it
	}
	w.problem(stableSurvives, "%s was scaled to %d while %s is not stable yet", hash, to, s.CurrentPodHash)
}

// checkSplit: weights add up, and what gets more than before has pods.
func (w *World) checkSplit(a *application, after picture) {
	now := after.split
	if now == nil {
		return
	}
	if now.canary < 0 || now.stable < 0 || now.canary+now.stable != now.max {
		w.problem(weightsAddUp, "%s", now)
	}
	weight := func(c *carried, hash string) (n int64) {
		if c == nil { // nobody steered yet: stable has all
			if hash == now.stableHash {
				return now.max
			}
			return 0
		}
		if c.canaryHash == hash {
			n += c.canary
		}
		if c.stableHash == hash {
			n += c.stable
		}
		return n
	}
	for _, hash := range []string{now.canaryHash, now.stableHash} {
		if weight(now, hash) <= weight(a.before.split, hash) {
			continue
		}
		rs := revision.WithHash(a.snap.ReplicaSets, hash)
		if rs == nil || rs.Status.AvailableReplicas == 0 {
			if v1alpha1.ReplicasOrDefault(a.snap.Rollout) == 0 {
				continue // there is nothing to send anywhere
			}
			w.problem(noWeightOnNone, "%s got %d of %d (%s)", hash, weight(now, hash), now.max, now)
		}
	}
}

// checkPoint: a Service that carries traffic is turned only to a revision with available pods.
func (w *World) checkPoint(a *application, e plan.Point) {
	r := a.snap.Rollout
	rs := revision.WithHash(a.snap.ReplicaSets, e.To)
	if rs != nil && rs.Status.AvailableReplicas > 0 || v1alpha1.ReplicasOrDefault(r) == 0 {
		return
	}
	switch s := r.Spec.Strategy; {
	case s.BlueGreen != nil && e.Service.Name == s.BlueGreen.PreviewService: // at once, for whoever looks at the preview (spec 3.12)
		return
	case s.BlueGreen != nil && r.Status.Abort && e.To == r.Status.StableRS: // back to what served, whatever is left of it (spec 3.12)
		return
	case s.Canary != nil && e.Service.Name == s.Canary.CanaryService && e.To == r.Status.StableRS && r.Status.Abort: // spec 7.1 #3
		return
	case s.Canary != nil && s.Canary.PingPong != nil: // spec 3.11
		return
	}
	w.problem(servicesServe, "%s was turned from %s to %s", e.Service.Name, e.From, e.To)
}

// checkNumbers: no revision is newer than the current one. (Old ones may share a number: the last leader's last request
// may create one.)
func (w *World) checkNumbers(current string) {
	mine := revision.Number(revision.WithHash(w.sets(), current))
	for _, rs := range w.sets() {
		if revision.HashOf(rs) != current && revision.Number(rs) >= mine {
			w.problem(currentIsNewest, "%s is revision %d, the current %s only %d", rs.Name, revision.Number(rs), current, mine)
		}
	}
}

// checkRest looks at a world that was left in peace: its plan is empty, and if nobody holds the rollout and nothing
// failed, the revision of the spec serves alone.
func (w *World) checkRest() {
	snap, p, ok := w.look()
	if !ok {
		w.problem(comesToRest, "the cache does not catch up")
		return
	}
	if !idle(p, &snap.Rollout.Status) {
		w.problem(comesToRest, "at rest, the plan is %s", describe(&p))
	}
	r := snap.Rollout
	w.checkNumbers(r.Status.CurrentPodHash)
	if r.Status.Phase != v1alpha1.RolloutPhaseHealthy {
		return
	}
	wanted := v1alpha1.ReplicasOrDefault(r)
	for _, rs := range snap.ReplicaSets {
		want := int32(0)
		if revision.HashOf(rs) == r.Status.CurrentPodHash {
			want = wanted
		}
		if revision.Size(rs) != want || rs.Status.AvailableReplicas != want {
			w.problem(comesToRest, "%s has %s pods, %d wanted of %d", rs.Name, counts(rs), revision.Size(rs), want)
		}
	}
	if of, most := w.shares(r); most > 0 && wanted > 0 && of[r.Status.CurrentPodHash] != most {
		w.problem(comesToRest, "the current revision %s carries %v of %d", r.Status.CurrentPodHash, of, most)
	}
}

var _ = reflect.DeepEqual
