package replicas

// A Set is the size of a ReplicaSet: pods wanted, and pods of them that were seen available.
type Set struct{ Spec, Available int32 }

// sure is what a set can be trusted to keep: pods seen available, but not more than are wanted by now.
func (s Set) sure() int32 { return min(s.Spec, s.Available) }

// Bounds are what a canary without traffic routing has to stay within.
type Bounds struct {
	Replicas, Surge, Unavailable int32
}

// most is how many pods there may be, least how many of them have to be available.
func (b Bounds) most() int32  { return b.Replicas + b.Surge }
func (b Bounds) least() int32 { return b.Replicas - b.Unavailable }

// Basic is how far canary and stable may go now towards the sizes wanted of them (spec 3.8.1, step B). Others is the
// sum over all other ReplicaSets. It grows first, stable before the canary; it shrinks nothing while others have pods;
// and what it shrinks by is what is not needed to keep the least number available.
func (b Bounds) Basic(wantCanary, wantStable int32, canary, stable, others Set) (toCanary, toStable int32) {
	toCanary, toStable = b.grow(wantCanary, wantStable, canary, stable, others)
	if others.Spec > 0 {
		return toCanary, toStable
	}
	// The side that is to shrink counts with all its pods: its controller takes those that are not available first.
	if wantCanary >= canary.Spec {
		spare := canary.sure() + stable.Spec - b.least()
		if spare <= 0 {
			return toCanary, toStable
		}
		if stable.Spec > wantStable {
			toStable = max(wantStable, stable.Spec-spare)
		}
		toCanary, toStable = b.clamp(toCanary, toStable, canary, stable)
		return toCanary, toStable
	}
	spare := canary.Spec + stable.sure() - b.least()
	if spare <= 0 {
		return toCanary, toStable
	}
	toCanary = max(wantCanary, canary.Spec-spare)
	toStable, toCanary = b.clamp(toStable, toCanary, stable, canary)
	return toCanary, toStable
}

// grow hands out the room that is left, to stable first.
func (b Bounds) grow(wantCanary, wantStable int32, canary, stable, others Set) (toCanary, toStable int32) {
	toCanary, toStable = canary.Spec, stable.Spec
	room := b.most() - canary.Spec - stable.Spec - others.Spec
	if need := wantStable - stable.Spec; room > 0 && need > 0 {
		toStable += min(room, need)
		room -= min(room, need)
	}
	if need := wantCanary - canary.Spec; room > 0 && need > 0 {
		toCanary += min(room, need)
	}
	return toCanary, toStable
}

// clamp keeps the sum of two sizes within the bound. The side that was not drained gives first, but no pods that are
// needed; the drained one gives the rest.
func (b Bounds) clamp(kept, drained int32, keptSet, drainedSet Set) (int32, int32) {
	over := max(0, kept+drained-b.most())
	kept -= over
	lost := max(0, keptSet.sure()-kept)
	short := b.least() - min(keptSet.sure(), kept) - min(drainedSet.sure(), drained)
	kept += max(0, min(lost, short))
	drained -= min(drained, max(0, kept+drained-b.most()))
	return kept, drained
}

// Others are the sizes that ReplicaSets other than canary and stable shrink to, given in order of falling revision
// (spec 3.8.1). First go pods that are not available, then available ones as long as enough of them are left.
func (b Bounds) Others(others []Set, canary, stable Set) []int32 {
	to := make([]int32, len(others))
	spare := canary.sure() + stable.sure() - b.least()
	for _, s := range others {
		spare += s.sure()
	}
	for i, s := range others {
		less := min(s.sure(), max(0, spare))
		spare -= less
		to[i] = s.sure() - less
	}
	return to
}
