package traffic

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func TestStableGetsWhatIsLeft(t *testing.T) {
	for name, c := range map[string]struct {
		split Split
		want  int32
	}{
		"of a hundred, unless said otherwise":     {Split{Weight: 30}, 70},
		"of the largest weight":                   {Split{Weight: 30, Max: 1000}, 970},
		"after additional destinations":           {Split{Weight: 30, Additional: []Destination{{Service: "a", Weight: 5}, {Service: "b", Weight: 10}}}, 55},
		"not counting one without a Service":      {Split{Weight: 30, Additional: []Destination{{Weight: 5}}}, 70},
		"never less than nothing":                 {Split{Weight: 90, Additional: []Destination{{Service: "a", Weight: 50}}}, 0},
		"nothing when the canary gets everything": {Split{Weight: 100, Max: 100}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if have := c.split.StableWeight(); have != c.want {
				t.Errorf("%d, want %d", have, c.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	plain := Split{Canary: Destination{Service: "c"}, Stable: Destination{Service: "s"}}
	sides := Split{PingPong: true, Canary: Destination{Service: "ping"}, Stable: Destination{Service: "pong"}}
	both := sides
	both.PlainCanary, both.PlainStable = "c", "s"
	for name, c := range map[string]struct {
		split          Split
		follows        bool
		canary, stable string
	}{
		"the two Services":                                {plain, false, "c", "s"},
		"today's sides for who follows ping-pong":         {both, true, "ping", "pong"},
		"plain names for who does not":                    {both, false, "c", "s"},
		"today's sides for everybody without plain names": {sides, false, "ping", "pong"},
	} {
		t.Run(name, func(t *testing.T) {
			if canary, stable := c.split.Names(c.follows); canary != c.canary || stable != c.stable {
				t.Errorf("%s and %s, want %s and %s", canary, stable, c.canary, c.stable)
			}
		})
	}
}

func TestSidesTakeTurns(t *testing.T) {
	r := &v1alpha1.Rollout{}
	r.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{PingPong: &v1alpha1.PingPongSpec{PingService: "ping", PongService: "pong"}}
	for status, canary := range map[string]string{"": "ping", "pong": "ping", "ping": "pong"} {
		r.Status.Canary.StablePingPong = status
		if have, stable := Sides(r); have != canary || stable == canary {
			t.Errorf("stable %q: the canary's side is %s, want %s", status, have, canary)
		}
	}
}

func TestManagedNames(t *testing.T) {
	header := func(name string) v1alpha1.CanaryStep {
		return v1alpha1.CanaryStep{SetHeaderRoute: &v1alpha1.SetHeaderRoute{Name: name}}
	}
	mirror := v1alpha1.CanaryStep{SetMirrorRoute: &v1alpha1.SetMirrorRoute{Name: "m"}}
	r := &v1alpha1.Rollout{}
	r.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{Steps: []v1alpha1.CanaryStep{header("b"), mirror, header("x"), header("b")}}
	if have := ManagedNames(r); !slices.Equal(have, []string{"b", "m", "x"}) {
		t.Errorf("without a list: %v", have)
	}
	r.Spec.Strategy.Canary.TrafficRouting = &v1alpha1.RolloutTrafficRouting{ManagedRoutes: []v1alpha1.ManagedRoute{{Name: "x"}, {Name: "a"}}}
	if have := ManagedNames(r); !slices.Equal(have, []string{"x", "a", "b", "m"}) {
		t.Errorf("the list comes first: %v", have)
	}
	if have := ManagedNames(&v1alpha1.Rollout{}); have != nil {
		t.Errorf("without a canary strategy: %v", have)
	}
}

func TestWriteOrder(t *testing.T) {
	refs := []Ref{{Kind: "DestinationRule"}, {Kind: "VirtualService"}}
	if have := WriteOrder(refs, Split{}); !slices.Equal(have, refs) {
		t.Errorf("hashes go first: %v", have)
	}
	if have := WriteOrder(refs, Split{WeightFirst: true}); have[0] != refs[1] || refs[0].Kind != "DestinationRule" {
		t.Errorf("weights go first: %v, of %v", have, refs)
	}
}

func TestClearedWantsNoRoute(t *testing.T) {
	s := Split{Managed: []string{"a"}, Routes: []ManagedRoute{{Name: "b"}}}
	if _, wanted := s.Wanted("b"); !wanted {
		t.Error("a route of the split is wanted")
	}
	if have := s.Owned(); !slices.Equal(have, []string{"a", "b"}) || len(s.Managed) != 1 {
		t.Errorf("owned are %v, managed %v", have, s.Managed)
	}
	s.Cleared = true
	if _, wanted := s.Wanted("b"); wanted {
		t.Error("no route is wanted once they are cleared")
	}
}

func TestIngressClass(t *testing.T) {
	for name, c := range map[string]struct {
		o    map[string]any
		want string
	}{
		"the annotation": {map[string]any{"metadata": map[string]any{"annotations": map[string]any{IngressClassAnnotation: "a"}}, "spec": map[string]any{"ingressClassName": "b"}}, "a"},
		"the class name": {map[string]any{"spec": map[string]any{"ingressClassName": "b"}}, "b"},
		"none":           {map[string]any{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if have := IngressClass(&unstructured.Unstructured{Object: c.o}); have != c.want {
				t.Errorf("%q, want %q", have, c.want)
			}
		})
	}
}
