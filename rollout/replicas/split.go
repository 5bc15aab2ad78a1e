// Package replicas is the arithmetic of pods: how many a weight means, how many may come and go at once, and whether
// enough of them are there. It takes numbers and gives numbers (spec 3.8); which ReplicaSets they belong to and when
// they change is decided elsewhere.
package replicas

// Split divides pods between canary and stable so that the canary's share of them comes nearest to weight, in parts of
// whole (spec 3.8.1, step A). With surge the total may be one pod higher. It rounds as the reference does, and keeps its
// quirk: a share of exactly one half that rounds up to all pods gives none when there is no surge (10 pods at 95 %).
func Split(replicas, weight, whole, surge int32) (canary, stable int32) {
	if replicas <= 0 || whole <= 0 {
		return 0, 0
	}
	r, w, m := int64(replicas), int64(weight), int64(whole)
	up, down := ceil(r*w, m), r*w/m
	zero := w == m || w == 0 || r == 1 && surge == 0
	best := choice{total: r}
	best.consider(up, r, w, m, up < r || zero)
	best.consider(down, r, w, m, !tied(r, w, m) && (down != 0 || zero))
	best.consider(up, r+1, w, m, surge > 0)
	best.consider(down, r+1, w, m, surge > 0 && !tied(r+1, w, m) && (down != 0 || zero))
	return int32(best.canary), int32(best.total - best.canary)
}

// choice is the best split so far; as long as nothing was found it is none of the pods.
type choice struct {
	canary, total int64
	found         bool
}

// consider takes a split when it is strictly nearer to the weight: the first of equals wins.
func (c *choice) consider(canary, total, weight, whole int64, allowed bool) {
	if !allowed {
		return
	}
	// |canary·whole/total − weight|, both sides multiplied by the two totals, so that nothing is rounded.
	if far, best := abs(canary*whole-weight*total)*c.total, abs(c.canary*whole-weight*c.total)*total; !c.found || far < best {
		*c = choice{canary, total, true}
	}
}

// Share is a weight's part of the pods, rounded up.
func Share(replicas, weight, whole int32) int32 {
	if whole <= 0 {
		return 0
	}
	return int32(ceil(int64(replicas)*int64(weight), int64(whole)))
}

// tied reports whether a share of total ends in exactly one half.
func tied(total, weight, whole int64) bool { return 2*(total*weight%whole) == whole }

func ceil(a, b int64) int64 { return (a + b - 1) / b }

func abs(a int64) int64 {
	if a < 0 {
		return -a
	}
	return a
}
