package canary

import (
	"fmt"
	"reflect"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/pass"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/replicas"
	"github.com/sluice-delivery/sluice/rollout/revision"
	"github.com/sluice-delivery/sluice/traffic"
)

// verifyAgain is how long to wait before the data plane is asked again (spec 7.1, 15).
const verifyAgain = 10 * time.Second

// A share is what the canary should get of the traffic now, and why.
type share struct {
	weight  int32
	why     string
	cleared bool   // header and mirror routes go
	hash    string // the canary's hash, where it is not that of the new ReplicaSet
}

// route plans the traffic split (spec 7.1). It reports whether the routers carry what the step wants, once the plan
// is applied.
func route(p *pass.Pass) bool {
	if p.Ro.Spec.Strategy.Canary.TrafficRouting == nil {
		p.Status.Canary.Weights = nil
		return true
	}
	want := wanted(p)
	whole := v1alpha1.MaxTrafficWeight(p.Ro)
	if !stableCarries(p, whole-want.weight) {
		p.WaitFor("enough available pods of the stable revision before traffic moves")
		hold(p, want)
		return false
	}
	tell(p, want, split(p, want))
	return true
}

// wanted is the desired weight; the first state that applies decides (spec 7.1, table).
func wanted(p *pass.Pass) share {
	c, whole := p.Ro.Spec.Strategy.Canary, v1alpha1.MaxTrafficWeight(p.Ro)
	steps := p.Steps()
	switch {
	case dynamicRollback(p):
		return share{weight: abortWeight(p), why: "going back to stable, as fast as its pods come", hash: recorded(p).Canary.PodTemplateHash}
	case p.Promoted():
		return share{weight: 0, why: "the revision is stable", cleared: true}
	case p.Aborted():
		return share{weight: abortWeight(p), why: "the update was aborted", cleared: true}
	case pass.Available(p.New) == 0:
		return share{weight: 0, why: "the new revision has no available pod", cleared: true}
	case p.Status.PromoteFull && c.DynamicStableScale:
		return share{weight: min(whole, whole*pass.Available(p.New)/max(p.Replicas(), 1)), why: "a full promotion was requested", cleared: true}
	case p.Status.PromoteFull:
		return share{weight: recordedWeight(p), why: "a full promotion was requested", cleared: true}
	case len(steps) == 0:
		return share{weight: 0, why: "there are no steps"}
	case !atDesired(p) && p.Step() != nil:
		return share{weight: meanwhile(p), why: "until the pods of the step are there"}
	case !atDesired(p):
		return share{weight: setWeight(steps, p.Index()), why: "until the pods of the step are there"}
	case p.Step() != nil:
		return share{weight: setWeight(steps, p.Index()+1), why: fmt.Sprintf("step %d/%d (%s)", p.Index()+1, len(steps), pass.StepText(*p.Step()))}
	}
	return share{weight: whole, why: "every step is done"}
}

// meanwhile is the weight until the pods of the current step are there: that of the step before, or its own if that is
// less, because traffic goes before pods do (spec 7.1 #6 has it the other way round). Where stable is sized by weight a
// canary that carries more goes no further than this step asks: stable would never be large enough for that.
func meanwhile(p *pass.Pass) int32 {
	before, now := setWeight(p.Steps(), p.Index()), setWeight(p.Steps(), p.Index()+1)
	if p.Ro.Spec.Strategy.Canary.DynamicStableScale && carriedBy(p, p.New) >= now {
		return now
	}
	return min(before, now)
}

func recorded(p *pass.Pass) *v1alpha1.TrafficWeights { return p.Rollout.Status.Canary.Weights }

func recordedWeight(p *pass.Pass) int32 {
	if w := recorded(p); w != nil {
		return w.Canary.Weight
	}
	return 0
}

// dynamicRollback reports whether a shrunken stable revision is wanted again and has to grow before it gets all traffic.
func dynamicRollback(p *pass.Pass) bool {
	w := recorded(p)
	return p.Promoted() && p.Ro.Spec.Strategy.Canary.DynamicStableScale && w != nil && w.Canary.PodTemplateHash != "" &&
		w.Canary.PodTemplateHash != revision.HashOf(p.New) && pass.Available(p.New) < p.Replicas()
}

// abortWeight is what the canary keeps while an update goes back: nothing, unless stable shrank meanwhile (spec 7.1).
func abortWeight(p *pass.Pass) int32 {
	r, whole := p.Replicas(), v1alpha1.MaxTrafficWeight(p.Ro)
	if !p.Ro.Spec.Strategy.Canary.DynamicStableScale || p.Stable == nil || r == 0 {
		return 0
	}
	target := dynamicAbortWeight(p)
	carried := whole * pass.Available(p.Stable) / r
	lacking := max(0, whole-carried)
	switch {
	case recorded(p) == nil && pass.Available(p.New) == 0:
		return 0 // it carries nothing, and could not
	case recorded(p) == nil:
		return max(lacking, target)
	}
	now := carriedBy(p, p.New)
	if p.Promoted() {
		now = recordedWeight(p) // of the revision that was the canary until now
	}
	switch {
	case target <= 0:
		return min(lacking, now)
	case carried < whole-target:
		return now
	}
	return min(target, now)
}

// stableCarries reports whether stable has the pods for its part of the traffic (spec 7.1, after the table).
func stableCarries(p *pass.Pass, part int32) bool {
	if p.Stable == nil || p.Status.StableRS == "" {
		return false
	}
	needed := part * p.Replicas() / v1alpha1.MaxTrafficWeight(p.Ro)
	if pass.Available(p.Stable) == 0 && part > carriedBy(p, p.Stable) && p.Replicas() > 0 {
		return false // so few pods that the rounding hides it: still, a revision without any gets no more than it has
	}
	if pass.Available(p.Stable) >= needed {
		return true
	}
	threshold := p.Ro.Spec.Strategy.Canary.ReplicaProgressThreshold
	return threshold != nil && replicas.Met(threshold, set(p.Stable), needed)
}

// carriedBy is the share of the traffic that a revision has, as recorded before this pass. As long as nothing was
// recorded, stable has all.
func carriedBy(p *pass.Pass, rs *appsv1.ReplicaSet) int32 {
	w := recorded(p)
	if w == nil {
		if rs == p.Stable {
			return v1alpha1.MaxTrafficWeight(p.Ro)
		}
		return 0
	}
	return weightOf(w, rs)
}

// weightOf is the share that weights give a revision, whichever side it is on.
func weightOf(w *v1alpha1.TrafficWeights, rs *appsv1.ReplicaSet) (sum int32) {
	for _, d := range []v1alpha1.WeightDestination{w.Canary, w.Stable} {
		if d.PodTemplateHash == revision.HashOf(rs) {
			sum += d.Weight
		}
	}
	return sum
}

// uncertain reports whether traffic may be elsewhere than the status says: the data plane does not carry a full weight
// yet, or a crash came between route and status while the traffic cannot be moved now. Nothing may be scaled down then.
func uncertain(p *pass.Pass) bool {
	if w := p.Status.Canary.Weights; w != nil && w.Verified != nil && !*w.Verified && w.Canary.Weight == v1alpha1.MaxTrafficWeight(p.Ro) {
		return true
	}
	for _, e := range p.Effects() {
		if r, ok := e.(plan.Route); ok && !r.Split.RoutesOnly {
			return false
		}
	}
	if p.Ro.Spec.Strategy.Canary.TrafficRouting == nil || p.Carries == nil || p.Promoted() || p.Stable == nil {
		return false
	}
	w := p.Status.Canary.Weights
	if w == nil {
		w = &v1alpha1.TrafficWeights{}
	}
	s := split(p, share{weight: w.Canary.Weight, hash: w.Canary.PodTemplateHash})
	if w.Stable.PodTemplateHash != "" {
		s.Stable.Hash = w.Stable.PodTemplateHash
	}
	cleared := s
	cleared.Cleared, cleared.Routes = true, nil
	return !p.Carries(s) && !p.Carries(cleared)
}

// hold takes routes away that have to go although the weights cannot move yet.
func hold(p *pass.Pass, want share) {
	if !want.cleared {
		return
	}
	s := traffic.Split{Max: v1alpha1.MaxTrafficWeight(p.Ro), Managed: managed(p), Cleared: true, RoutesOnly: true}
	if len(s.Managed) > 0 && p.Carries != nil && !p.Carries(s) {
		p.Do(plan.Route{Reason: plan.Reason{Text: want.why + ": routes to the canary go"}, Split: s})
	}
}

// tell plans the split and records it.
func tell(p *pass.Pass, want share, s traffic.Split) {
	c, before := p.Ro.Spec.Strategy.Canary, recorded(p)
	after := &v1alpha1.TrafficWeights{
		Canary:   v1alpha1.WeightDestination{Weight: s.Weight, ServiceName: c.CanaryService, PodTemplateHash: s.Canary.Hash},
		Stable:   v1alpha1.WeightDestination{Weight: s.Max - s.Weight, ServiceName: c.StableService, PodTemplateHash: s.Stable.Hash},
		Verified: p.Verified,
	}
	changed := before == nil || !reflect.DeepEqual(withoutVerdict(before), withoutVerdict(after))
	if p.Verified != nil && changed {
		after.Verified = new(bool) // what was verified are the weights before; these are looked at in the next pass
	}
	if v := after.Verified; v != nil && !*v {
		p.WaitFor("the data plane to carry the weight")
		p.WakeAt(p.Now.Add(verifyAgain))
	}
	p.Status.Canary.Weights = after
	if !changed && p.Carries != nil && p.Carries(s) {
		return
	}
	reason := plan.Reason{Text: fmt.Sprintf("weight %d of %d: %s", s.Weight, s.Max, want.why)}
	if changed {
		reason.Tell = []plan.Event{{Reason: v1alpha1.EventTrafficWeightUpdated, Message: weightMessage(before, after)}}
	}
	p.Do(plan.Route{Reason: reason, Split: s})
}

func withoutVerdict(w *v1alpha1.TrafficWeights) v1alpha1.TrafficWeights {
	c := *w
	c.Verified = nil
	return c
}

// weightMessage is the text of spec 4.4. It ends in a blank when only hashes or Services changed.
func weightMessage(before, after *v1alpha1.TrafficWeights) string {
	switch {
	case before == nil:
		return fmt.Sprintf("Traffic weight updated to %d", after.Canary.Weight)
	case before.Canary.Weight != after.Canary.Weight:
		return fmt.Sprintf("Traffic weight updated from %d to %d", before.Canary.Weight, after.Canary.Weight)
	}
	return "Traffic weight updated "
}

// split is the whole state of traffic for a share.
func split(p *pass.Pass, want share) traffic.Split {
	canary, stable := sides(p)
	s := traffic.Split{
		Weight: want.weight, Max: v1alpha1.MaxTrafficWeight(p.Ro),
		Canary: destination(canary, p.New), Stable: destination(stable, p.Stable),
		Managed: managed(p), Cleared: want.cleared,
		WeightFirst: pass.Available(p.New) == 0,
	}
	if p.Aborted() || want.hash != "" {
		s.Canary.Waits = false // an update that goes back does not wait for the pods that it gives up
	}
	if c := p.Ro.Spec.Strategy.Canary; c.PingPong != nil {
		s.PingPong, s.PlainCanary, s.PlainStable = true, c.CanaryService, c.StableService
	}
	if want.hash != "" {
		s.Canary.Hash = want.hash
	}
	if !want.cleared {
		s.Routes = append(headerRoutes(p), mirrorRoutes(p)...)
	}
	return s
}

func destination(service string, rs *appsv1.ReplicaSet) traffic.Destination {
	d := traffic.Destination{Service: service, Hash: revision.HashOf(rs)}
	if rs != nil {
		d.ReplicaSet = rs.Name
		d.Available = pass.FullyAvailable(rs)
		d.Waits = revision.Size(rs) > 0 && !d.Available
	}
	return d
}

// sides are the Services of canary and stable: with ping-pong they take turns (spec 3.11).
func sides(p *pass.Pass) (canary, stable string) {
	c := p.Ro.Spec.Strategy.Canary
	if c.PingPong == nil {
		return c.CanaryService, c.StableService
	}
	if p.Status.Canary.StablePingPong == v1alpha1.PingPongPing {
		return c.PingPong.PongService, c.PingPong.PingService
	}
	return c.PingPong.PingService, c.PingPong.PongService
}
