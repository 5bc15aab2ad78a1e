package replicas

import "github.com/sluice-delivery/sluice/api/v1alpha1"

// Routed is what the sizes of a canary with traffic routing follow from (spec 3.8.2).
type Routed struct {
	// Replicas is spec.replicas, Max the weight that means all traffic.
	Replicas, Max int32
	// Weight is the canary's target, in parts of Max.
	Weight int32
	// Exact is the active setCanaryScale.replicas; nil: the weight decides.
	Exact *int32
	// MinPods is minPodsPerReplicaSet; 0 and 1 mean the same.
	MinPods int32
	// Dynamic is dynamicStableScale, Aborted that the update was taken back.
	Dynamic, Aborted bool
	// RecordedCanary and RecordedStable are weights that traffic still may have; nil: none was recorded. Stable needs
	// those from before this pass, the canary those that were just written.
	RecordedCanary, RecordedStable *int32
}

// Canary is the size of the canary.
func (r Routed) Canary() int32 {
	if r.Exact != nil && !r.Dynamic {
		return *r.Exact
	}
	n := Share(r.Replicas, r.Weight, r.Max)
	if r.Exact != nil {
		n = *r.Exact
	}
	if r.Dynamic && r.Aborted && r.RecordedCanary != nil {
		n = max(n, Share(r.Replicas, *r.RecordedCanary, r.Max))
	}
	return r.atLeast(n)
}

// Stable is the size of stable: all pods, unless it shrinks with its share of the traffic.
func (r Routed) Stable() int32 {
	if !r.Dynamic {
		return r.Replicas
	}
	n := Share(r.Replicas, r.Max-r.Weight, r.Max)
	if r.RecordedStable != nil {
		n = max(n, Share(r.Replicas, *r.RecordedStable, r.Max))
	}
	return r.atLeast(n)
}

// atLeast keeps a ReplicaSet that has pods from having too few of them to survive the loss of one.
func (r Routed) atLeast(n int32) int32 {
	if n == 0 {
		return 0
	}
	return max(n, min(r.MinPods, r.Replicas))
}

// AbortWeight is the weight that the canary may still carry while an aborted update with dynamicStableScale goes back:
// that of the last setWeight that needs fewer pods than stable still lacks, or than the canary still has. With an
// explicit abort delay the canary's own pods do not count, because they stay. No such step: 0.
func AbortWeight(steps []v1alpha1.CanaryStep, replicas, whole, stableAvailable, canaryAvailable int32, explicitDelay bool) int32 {
	lacking := replicas - stableAvailable
	if !explicitDelay && canaryAvailable > lacking {
		lacking = canaryAvailable
	}
	for i := len(steps) - 1; i >= 0; i-- {
		if w := steps[i].SetWeight; w != nil && Share(replicas, *w, whole) < lacking {
			return *w
		}
	}
	return 0
}
