package simulation

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// What must hold of traffic: who has which share, and who may lose pods.

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
	case now != nil && now.canaryService != "" && now.stableService != "": // one that was not taken over yet selects all pods
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
