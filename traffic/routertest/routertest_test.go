package routertest

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/traffic"
	"github.com/sluice-delivery/sluice/traffic/nginx"
)

// noted is what the kit had to say, up to the first fault that ends it.
type noted struct{ faults []string }

type ended struct{}

func (n *noted) Helper() {}

func (n *noted) Errorf(format string, a ...any) {
	n.faults = append(n.faults, fmt.Sprintf(format, a...))
}

func (n *noted) Fatalf(format string, a ...any) {
	n.Errorf(format, a...)
	panic(ended{})
}

// faulty is a router with something wrong in it.
type faulty struct {
	traffic.Router
	edit   func(traffic.Router, traffic.Objects, traffic.Split) ([]traffic.Event, error)
	weight func(int32) int32
}

func (f faulty) Edit(objs traffic.Objects, want traffic.Split) ([]traffic.Event, error) {
	if f.edit == nil {
		return f.Router.Edit(objs, want)
	}
	return f.edit(f.Router, objs, want)
}

func (f faulty) Weight(objs traffic.Objects) (int32, bool) {
	weight, known := f.Router.(traffic.Meter).Weight(objs)
	if f.weight != nil {
		weight = f.weight(weight)
	}
	return weight, known
}

// after makes a fault out of what is done to the objects after an honest edit.
func after(fault func(objs traffic.Objects, want traffic.Split)) faulty {
	return faulty{edit: func(r traffic.Router, objs traffic.Objects, want traffic.Split) ([]traffic.Event, error) {
		events, err := r.Edit(objs, want)
		if err == nil {
			fault(objs, want)
		}
		return events, err
	}}
}

func each(fault func(ref traffic.Ref, o *unstructured.Unstructured)) faulty {
	return after(func(objs traffic.Objects, _ traffic.Split) {
		for ref, o := range objs {
			fault(ref, o)
		}
	})
}

func TestTheKitFindsFaults(t *testing.T) {
	count := 0
	canary := func(ref traffic.Ref) bool { return strings.HasSuffix(ref.Name, "-canary") }
	for name, c := range map[string]struct {
		router faulty
		finds  string // a part of what the kit says; empty: nothing
	}{
		"none in an honest router": {faulty{}, ""},
		"a wrong result": {each(func(ref traffic.Ref, o *unstructured.Unstructured) {
			if canary(ref) {
				o.SetAnnotations(nil)
			}
		}), "objects:"},
		"an event too many": {faulty{edit: func(r traffic.Router, objs traffic.Objects, want traffic.Split) ([]traffic.Event, error) {
			events, err := r.Edit(objs, want)
			return append(events, traffic.Event{Reason: "Looked"}), err
		}}, "events:"},
		"an error out of nothing": {faulty{edit: func(traffic.Router, traffic.Objects, traffic.Split) ([]traffic.Event, error) {
			return nil, fmt.Errorf("no")
		}}, "events:"},
		"an edit that never settles": {each(func(ref traffic.Ref, o *unstructured.Unstructured) {
			if canary(ref) {
				o.SetLabels(map[string]string{"n": o.GetLabels()["n"] + "x"})
			}
		}), "second edit"},
		"a result that depends on more than the arguments": {each(func(ref traffic.Ref, o *unstructured.Unstructured) {
			if count++; count%3 == 0 {
				o.SetLabels(map[string]string{"n": fmt.Sprint(count)})
			}
		}), "objects"},
		"a field that is dropped": {each(func(_ traffic.Ref, o *unstructured.Unstructured) {
			if spec, ok := o.Object["spec"].(map[string]any); ok {
				delete(spec, "unknown")
			}
		}), "unknown fields and unknown objects"},
		"an annotation that is dropped": {each(func(_ traffic.Ref, o *unstructured.Unstructured) {
			if annotations := o.GetAnnotations(); annotations["example.com/unknown"] != "" {
				delete(annotations, "example.com/unknown")
				o.SetAnnotations(annotations)
			}
		}), "unknown fields and unknown objects"},
		"somebody else's object": {each(func(ref traffic.Ref, o *unstructured.Unstructured) {
			if strings.HasSuffix(ref.Name, "-of-somebody-else") {
				o.SetLabels(map[string]string{"mine": "now"})
			}
		}), "unknown fields and unknown objects"},
		"a panic on a broken object": {faulty{edit: func(r traffic.Router, objs traffic.Objects, want traffic.Split) ([]traffic.Event, error) {
			for _, o := range objs {
				_ = o.Object["spec"].(map[string]any)
			}
			return r.Edit(objs, want)
		}}, "panic"},
		"a weight that only grows": {faulty{edit: func(r traffic.Router, objs traffic.Objects, want traffic.Split) ([]traffic.Event, error) {
			if have, known := r.(traffic.Meter).Weight(objs); known && have > 50 {
				want.Weight = max(want.Weight, have)
			}
			return r.Edit(objs, want)
		}}, "weight read back"},
		"a weight that is read back wrong": {faulty{weight: func(w int32) int32 { return min(w, 99) }}, "weight read back"},
		"what weights leave behind": {after(func(objs traffic.Objects, want traffic.Split) {
			for ref, o := range objs {
				if canary(ref) && want.Weight > 60 {
					annotations := o.GetAnnotations()
					annotations["high"] = "once"
					o.SetAnnotations(annotations)
				}
			}
		}), "came to this weight"},
	} {
		t.Run(name, func(t *testing.T) {
			found := strings.Join(faultsOf(t, c.router), "\n")
			if c.finds == "" && found != "" || !strings.Contains(found, c.finds) {
				t.Errorf("found %q, want %q", found, c.finds)
			}
		})
	}
}

// faultsOf plays the steps of a good case with a faulty router.
func faultsOf(t *testing.T, router faulty) []string {
	t.Helper()
	c := load(t, "../../testdata/routers/nginx/several-ingresses.yaml")
	honest, err := nginx.New(c.Rollout, c.Options)
	if err != nil {
		t.Fatal(err)
	}
	router.Router = honest
	n := &noted{}
	func() {
		defer func() {
			if r := recover(); r != nil && r != (ended{}) {
				panic(r)
			}
		}()
		objs := objects(n, c.Before)
		for _, step := range c.Steps {
			objs = play(n, router, objs, step)
		}
	}()
	return n.faults
}
