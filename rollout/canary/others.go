package canary

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/pass"
	"github.com/sluice-delivery/sluice/rollout/replicas"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// resizeOthers lets revisions go that are neither new nor stable. It reports whether any size changed.
func resizeOthers(p *pass.Pass) bool {
	if p.Ro.Spec.Strategy.Canary.TrafficRouting == nil {
		return drainOthers(p)
	}
	return retireOthers(p)
}

// drainOthers takes the pods of a basic canary's abandoned revisions, as availability allows (spec 3.8.1).
func drainOthers(p *pass.Pass) bool {
	var sets []replicas.Set
	for _, rs := range p.Others {
		sets = append(sets, set(rs))
	}
	stable := replicas.Set{}
	if p.Stable != p.New {
		stable = set(p.Stable)
	}
	changed := false
	for i, size := range bounds(p).Others(sets, set(p.New), stable) {
		rs := p.Others[i]
		if revision.Size(rs) > 0 {
			changed = p.Scale(rs, size, "the revision was abandoned") || changed
		}
	}
	return changed
}

// retireOthers lets old revisions of a routed canary go: at once where they were abandoned in mid-update, after the
// scale-down delay where they served (spec 3.8.2). One that anything still refers to stays.
func retireOthers(p *pass.Pass) bool {
	budget, changed := spare(p), false
	for _, rs := range p.Others {
		if size := revision.Size(rs); size > pass.Available(rs) && !referenced(p, rs) && !revision.Delayed(rs, p.Now) {
			changed = p.Scale(rs, pass.Available(rs), "pods of an old revision that are not available") || changed
		}
	}
	kept := int32(0)
	for _, rs := range p.Others {
		size := revision.Size(rs)
		if budget <= 0 || size == 0 || referenced(p, rs) {
			continue
		}
		to := int32(0)
		if _, has := revision.Deadline(rs); (has || p.Promoted()) && !p.Ro.Spec.Strategy.Canary.DynamicStableScale {
			counted := false
			if to, counted = p.Retire(rs, kept, size); counted {
				kept++
			}
		}
		if to != size {
			budget -= size - to
		}
		changed = p.Scale(rs, to, "the revision no longer serves") || changed
	}
	return changed
}

// spare is how many available pods more there are than have to be.
func spare(p *pass.Pass) int32 {
	sum := -(p.Replicas() - v1alpha1.MaxUnavailable(p.Ro))
	for _, rs := range p.All() {
		sum += pass.Available(rs)
	}
	return sum
}

// referenced reports whether anything may still send traffic to a revision.
func referenced(p *pass.Pass, rs *appsv1.ReplicaSet) bool {
	c, s := p.Ro.Spec.Strategy.Canary, &p.Rollout.Status
	hash := revision.HashOf(rs)
	if hash == s.StableRS || hash == s.CurrentPodHash {
		return true
	}
	if w := s.Canary.Weights; w != nil && (hash == w.Canary.PodTemplateHash || hash == w.Stable.PodTemplateHash) {
		return true
	}
	for _, name := range []string{c.CanaryService, c.StableService} {
		if name != "" && pass.SelectorHash(p.Services[name]) == hash {
			return true
		}
	}
	return inSubset(p, hash)
}

// inSubset reports whether a DestinationRule names a revision.
func inSubset(p *pass.Pass, hash string) bool {
	for ref, obj := range p.Steering {
		if ref.Kind != "DestinationRule" || obj == nil {
			continue
		}
		subsets, _, _ := unstructured.NestedSlice(obj.Object, "spec", "subsets")
		for _, subset := range subsets {
			fields, _ := subset.(map[string]any)
			label, _, _ := unstructured.NestedString(fields, "labels", v1alpha1.DefaultRolloutUniqueLabelKey)
			if label == hash {
				return true
			}
		}
	}
	return false
}
