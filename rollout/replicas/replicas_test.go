package replicas

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// All rows but the last block are the examples of spec 3.8.1; recordings canary-split-* show the same.
func TestSplitRoundsAsTheReferenceDoes(t *testing.T) {
	for _, c := range []struct{ replicas, weight, surge, canary, stable int32 }{
		{1, 5, 1, 1, 1}, {1, 50, 0, 1, 0}, {2, 10, 0, 1, 1}, {2, 99, 0, 1, 1}, {3, 33, 0, 1, 2}, {3, 50, 0, 2, 1},
		{3, 50, 1, 2, 2}, {4, 25, 0, 1, 3}, {4, 75, 1, 3, 1}, {5, 10, 1, 1, 5}, {5, 20, 1, 1, 4}, {7, 30, 1, 2, 5},
		{10, 5, 0, 1, 9}, {10, 5, 1, 1, 10}, {10, 10, 1, 1, 9}, {10, 15, 0, 2, 8}, {10, 15, 1, 2, 9}, {10, 99, 1, 10, 1},
		{10, 100, 1, 10, 0}, {10, 0, 1, 0, 10}, {10, 95, 0, 0, 10},
		{0, 50, 1, 0, 0}, {5, 60, 1, 3, 2},
	} {
		t.Run(fmt.Sprintf("%d pods at %d %% with surge %d", c.replicas, c.weight, c.surge), func(t *testing.T) {
			if canary, stable := Split(c.replicas, c.weight, 100, c.surge); canary != c.canary || stable != c.stable {
				t.Errorf("got %d/%d, want %d/%d", canary, stable, c.canary, c.stable)
			}
		})
	}
}

func TestSplitKeepsItsBounds(t *testing.T) {
	for replicas := int32(0); replicas <= 40; replicas++ {
		for weight := int32(0); weight <= 100; weight++ {
			for surge := int32(0); surge <= 1; surge++ {
				canary, stable := Split(replicas, weight, 100, surge)
				if total := canary + stable; canary < 0 || stable < 0 || total < replicas || total > replicas+surge {
					t.Fatalf("%d pods at %d with surge %d: %d/%d", replicas, weight, surge, canary, stable)
				}
				if a, b := Split(replicas, weight*10, 1000, surge); a != canary || b != stable {
					t.Fatalf("%d pods at %d: another scale of weights gives %d/%d instead of %d/%d", replicas, weight, a, b, canary, stable)
				}
				if replicas > 0 && (weight == 0 && canary != 0 || weight == 100 && stable != 0) {
					t.Fatalf("%d pods at %d with surge %d: %d/%d", replicas, weight, surge, canary, stable)
				}
			}
		}
	}
}

func TestBasicStaysWithinItsBounds(t *testing.T) {
	full := func(n int32) Set { return Set{n, n} }
	for name, c := range map[string]struct {
		b                      Bounds
		wantCanary, wantStable int32
		canary, stable, others Set
		toCanary, toStable     int32
	}{
		"grows the canary into the surge":                    {Bounds{5, 1, 0}, 1, 4, full(0), full(5), Set{}, 1, 5},
		"waits for the new pod before one of stable goes":    {Bounds{5, 1, 0}, 1, 4, Set{1, 0}, full(5), Set{}, 1, 5},
		"then takes one of stable":                           {Bounds{5, 1, 0}, 1, 4, full(1), full(5), Set{}, 1, 4},
		"takes one at once when one may be missing":          {Bounds{4, 1, 1}, 1, 3, full(0), full(4), Set{}, 1, 3},
		"shrinks first when there is no surge":               {Bounds{3, 0, 1}, 1, 2, full(0), full(3), Set{}, 0, 2},
		"grows stable before the canary":                     {Bounds{10, 1, 0}, 6, 4, full(3), full(2), Set{}, 6, 4},
		"gives stable the room when it is short":             {Bounds{4, 1, 0}, 2, 2, full(4), full(0), Set{}, 4, 1},
		"shrinks nothing while others have pods":             {Bounds{4, 1, 1}, 1, 3, full(1), full(4), full(1), 1, 4},
		"counts the pods of others against the room":         {Bounds{4, 1, 1}, 1, 3, full(0), full(4), full(1), 0, 4},
		"takes broken pods of stable although few are there": {Bounds{4, 1, 1}, 4, 0, full(2), Set{3, 0}, Set{}, 2, 1},
		"an abort brings stable back before the canary goes": {Bounds{4, 1, 0}, 0, 4, full(2), full(2), Set{}, 2, 3},
		"scaled in: the canary gives first, then stable":     {Bounds{5, 1, 0}, 3, 2, full(6), full(4), Set{}, 3, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if canary, stable := c.b.Basic(c.wantCanary, c.wantStable, c.canary, c.stable, c.others); canary != c.toCanary || stable != c.toStable {
				t.Errorf("got %d/%d, want %d/%d", canary, stable, c.toCanary, c.toStable)
			}
		})
	}
}

func TestOthersGiveUpBrokenPodsFirst(t *testing.T) {
	for name, c := range map[string]struct {
		b              Bounds
		others         []Set
		canary, stable Set
		want           []int32
	}{
		"all go when enough is there without them":   {Bounds{4, 1, 1}, []Set{{1, 1}, {1, 1}}, Set{0, 0}, Set{4, 4}, []int32{0, 0}},
		"the highest revision goes first":            {Bounds{4, 1, 1}, []Set{{2, 2}, {2, 2}}, Set{0, 0}, Set{1, 1}, []int32{0, 2}},
		"broken ones go although none can be missed": {Bounds{4, 0, 0}, []Set{{2, 1}}, Set{0, 0}, Set{3, 3}, []int32{1}},
		"pods already on their way out do not count": {Bounds{4, 1, 1}, []Set{{1, 4}, {2, 2}}, Set{0, 0}, Set{1, 1}, []int32{0, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.b.Others(c.others, c.canary, c.stable); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// Whatever the sizes: no more pods than allowed are added, no available one is taken that is needed, and repeated
// steps arrive at the split that was wanted.
func TestBasicKeepsItsBoundsFromAnywhere(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	upTo := func(n int32) int32 { return random.Int32N(n + 1) }
	for range 200_000 {
		b := Bounds{Replicas: upTo(12), Surge: upTo(3)}
		b.Unavailable = min(upTo(3), b.Replicas)
		if b.Surge == 0 && b.Unavailable == 0 {
			b.Unavailable = min(1, b.Replicas)
		}
		any := func() Set { s := upTo(14); return Set{s, upTo(s)} }
		canary, stable := any(), any()
		wantCanary, wantStable := Split(b.Replicas, upTo(100), 100, b.Surge)
		var others Set
		if random.IntN(3) == 0 {
			others = any()
		}
		from := fmt.Sprintf("%+v canary %+v stable %+v others %+v want %d/%d", b, canary, stable, others, wantCanary, wantStable)
		c, s := b.Basic(wantCanary, wantStable, canary, stable, others)
		before, after := canary.Spec+stable.Spec+others.Spec, c+s+others.Spec
		if c < 0 || s < 0 || after > max(before, b.most()) {
			t.Fatalf("%s: %d/%d", from, c, s)
		}
		was := canary.sure() + stable.sure() + others.sure()
		is := min(c, canary.Available) + min(s, stable.Available) + others.sure()
		if is < min(was, b.least()) {
			t.Fatalf("%s: %d/%d leaves %d available", from, c, s, is)
		}
		if c > max(canary.Spec, wantCanary) || s > max(stable.Spec, wantStable) || (c < min(canary.Spec, wantCanary) || s < min(stable.Spec, wantStable)) && c+s < b.most() {
			t.Fatalf("%s: %d/%d overshoots", from, c, s)
		}
		for i := 0; ; i++ {
			canary, stable = Set{c, c}, Set{s, s} // every pod comes up
			if c, s = b.Basic(wantCanary, wantStable, canary, stable, Set{}); c == wantCanary && s == wantStable {
				break
			}
			if i > 60 {
				t.Fatalf("%s: stuck at %d/%d", from, c, s)
			}
		}
	}
}

func TestRoutedSizesFollowTraffic(t *testing.T) {
	weight := func(n int32) *int32 { return &n }
	for name, c := range map[string]struct {
		r              Routed
		canary, stable int32
	}{
		"the share, rounded up; stable keeps all": {Routed{Replicas: 10, Max: 100, Weight: 15}, 2, 10},
		"spec 19.2":                                          {Routed{Replicas: 10, Max: 100, Weight: 10}, 1, 10},
		"an exact number":                                    {Routed{Replicas: 10, Max: 100, Weight: 50, Exact: weight(3)}, 3, 10},
		"at least minPods":                                   {Routed{Replicas: 10, Max: 100, Weight: 10, MinPods: 2}, 2, 10},
		"minPods never exceed the Rollout":                   {Routed{Replicas: 1, Max: 100, Weight: 10, MinPods: 2}, 1, 1},
		"no pods stay no pods":                               {Routed{Replicas: 10, Max: 100, Weight: 0, MinPods: 2}, 0, 10},
		"an exact number is not raised":                      {Routed{Replicas: 10, Max: 100, Exact: weight(1), MinPods: 2}, 1, 10},
		"with a dynamic stable it is":                        {Routed{Replicas: 10, Max: 100, Exact: weight(1), MinPods: 2, Dynamic: true}, 2, 10},
		"a dynamic stable keeps what traffic still has":      {Routed{Replicas: 10, Max: 100, Weight: 60, Dynamic: true, RecordedStable: weight(80)}, 6, 8},
		"and follows when traffic moved":                     {Routed{Replicas: 10, Max: 100, Weight: 60, Dynamic: true, RecordedStable: weight(40)}, 6, 4},
		"an aborted dynamic canary keeps its traffic's pods": {Routed{Replicas: 10, Max: 100, Weight: 0, Dynamic: true, Aborted: true, RecordedCanary: weight(25), RecordedStable: weight(75)}, 3, 10},
		"without a dynamic stable it does not":               {Routed{Replicas: 10, Max: 100, Weight: 0, Aborted: true, RecordedCanary: weight(25)}, 0, 10},
		"another scale of weights":                           {Routed{Replicas: 10, Max: 1000, Weight: 150}, 2, 10},
		"no pods at all":                                     {Routed{Replicas: 0, Max: 100, Weight: 50, MinPods: 2, Dynamic: true}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if canary, stable := c.r.Canary(), c.r.Stable(); canary != c.canary || stable != c.stable {
				t.Errorf("got %d/%d, want %d/%d", canary, stable, c.canary, c.stable)
			}
		})
	}
}

func TestAbortWeightStepsDownAsStableComesBack(t *testing.T) {
	step := func(n int32) v1alpha1.CanaryStep { return v1alpha1.CanaryStep{SetWeight: &n} }
	steps := []v1alpha1.CanaryStep{step(20), {Pause: &v1alpha1.RolloutPause{}}, step(50), step(80)}
	for name, c := range map[string]struct {
		stable, canary int32
		explicit       bool
		want           int32
	}{
		"stable lacks most of its pods":                 {1, 8, false, 80},
		"stable lacks six of ten":                       {4, 6, false, 50},
		"stable is back but the canary still has pods":  {10, 3, false, 20},
		"an explicit delay leaves the canary out of it": {10, 3, true, 0},
		"nothing is lacking":                            {10, 0, false, 0},
		"needs fewer, not as many":                      {8, 2, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := AbortWeight(steps, 10, 100, c.stable, c.canary, c.explicit); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestMetJudgesByThreshold(t *testing.T) {
	percent := func(n int32) *v1alpha1.ReplicaProgressThreshold {
		return &v1alpha1.ReplicaProgressThreshold{Type: v1alpha1.ProgressThresholdPercent, Value: n}
	}
	pods := func(n int32) *v1alpha1.ReplicaProgressThreshold {
		return &v1alpha1.ReplicaProgressThreshold{Type: v1alpha1.ProgressThresholdPods, Value: n}
	}
	for name, c := range map[string]struct {
		threshold *v1alpha1.ReplicaProgressThreshold
		set       Set
		desired   int32
		want      bool
	}{
		"all are there":                            {nil, Set{5, 5}, 5, true},
		"one is not available":                     {nil, Set{5, 4}, 5, false},
		"more are there than desired":              {nil, Set{6, 6}, 5, false},
		"a percentage is reached exactly":          {percent(80), Set{5, 4}, 5, true},
		"a percentage is missed by little":         {percent(81), Set{5, 4}, 5, false},
		"a third is not 34 percent":                {percent(34), Set{3, 1}, 3, false},
		"nothing desired is always there":          {percent(100), Set{0, 0}, 0, true},
		"a number is reached":                      {pods(3), Set{5, 3}, 5, true},
		"a number is missed":                       {pods(3), Set{5, 2}, 5, false},
		"a negative value is none, so all must be": {pods(-1), Set{5, 4}, 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Met(c.threshold, c.set, c.desired); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
