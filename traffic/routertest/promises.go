package routertest

import (
	"encoding/json"
	"math/rand"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/traffic"
)

// compare reports two values that are not the same as JSON.
func compare(t reporter, what string, have, want any) {
	t.Helper()
	if x, y := marshal(t, have), marshal(t, want); x != y {
		t.Fatalf("%s:\n%s\nwant:\n%s", what, readable(t, x), readable(t, y))
	}
}

// marshal is a value as JSON, with objects by their names.
func marshal(t reporter, value any) string {
	t.Helper()
	if objs, ok := value.(traffic.Objects); ok {
		byName := map[string]any{}
		for ref, o := range objs {
			byName[ref.Kind+"/"+ref.Namespace+"/"+ref.Name] = o.Object
		}
		value = byName
	}
	if list, ok := value.([]string); ok && len(list) == 0 {
		return `"nothing"`
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(text)
}

func readable(t reporter, text string) string {
	t.Helper()
	lines, err := yaml.JSONToYAML([]byte(text))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(lines)
}

// checkTwice holds the router to the same result each time, and to nothing more to do after it.
func checkTwice(t reporter, router traffic.Router, before, after traffic.Objects, step Step) {
	t.Helper()
	for range 5 { // maps are walked in another order each time
		same := copyOf(before)
		events, err := router.Edit(same, step.Split)
		if err != nil {
			t.Fatalf("%v", err)
		}
		compare(t, "objects of the same edit done on the same objects", same, after)
		compare(t, "events of the same edit done on the same objects", texts(events), step.Events)
	}
	again := copyOf(after)
	events, err := router.Edit(again, step.Split)
	if err != nil {
		t.Fatalf("%v", err)
	}
	compare(t, "objects after a second edit", again, after)
	compare(t, "events of a second edit", texts(events), step.Again)
}

// checkOwnership plants what nobody knows, objects and fields, and looks for it after the edit.
func checkOwnership(t reporter, router traffic.Router, before, after traffic.Objects, step Step) {
	t.Helper()
	refs := router.Refs()
	for ref := range after {
		if before[ref] == nil && !slices.Contains(refs, ref) {
			t.Errorf("%s %s is new and not in Refs", ref.Kind, ref.Name)
		}
	}
	planted, want := copyOf(before), copyOf(after)
	for _, objs := range []traffic.Objects{planted, want} {
		for ref := range before {
			stranger := before[ref].DeepCopy()
			stranger.SetName(ref.Name + "-of-somebody-else")
			objs[refOf(stranger)] = stranger
			plant(objs[ref].Object)
		}
	}
	if _, err := router.Edit(planted, step.Split); err != nil {
		t.Fatalf("with unknown fields: %v", err)
	}
	compare(t, "objects with unknown fields and unknown objects", planted, want)
}

// plant adds fields that no router knows, none of which anybody copies.
func plant(o map[string]any) {
	unknown := map[string]any{"list": []any{int64(1), "two", nil}, "map": map[string]any{"deep": true}}
	o["unknown"] = unknown
	for _, name := range []string{"metadata", "spec", "status"} {
		child, _ := o[name].(map[string]any)
		if child == nil {
			child = map[string]any{}
			o[name] = child
		}
		child["unknown"] = unknown
	}
	metadata := o["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	if annotations == nil {
		annotations = map[string]any{}
		metadata["annotations"] = annotations
	}
	annotations["example.com/unknown"] = "kept"
}

// checkWeights sends random weights through the router: each comes back as it went in, and what the objects say does
// not depend on the weights before it; so weight 0 is the same whatever came before.
func checkWeights(t reporter, router traffic.Router, after traffic.Objects, split traffic.Split) {
	t.Helper()
	meter, chance := router.(traffic.Meter), rand.New(rand.NewSource(7))
	top := split.Total()
	for _, d := range split.Additional {
		top -= d.Weight
	}
	edit := func(objs traffic.Objects, weight int32) traffic.Objects {
		objs, split.Weight = copyOf(objs), weight
		if _, err := router.Edit(objs, split); err != nil {
			t.Fatalf("weight %d: %v", weight, err)
		}
		if have, known := meter.Weight(objs); !known || have != weight {
			t.Fatalf("weight read back is %d (%v), want %d", have, known, weight)
		}
		return objs
	}
	start := edit(edit(after, top/2), top/3)
	direct := map[int32]traffic.Objects{0: edit(start, 0), top: edit(start, top)}
	objs := start
	for range 50 {
		weight := []int32{0, top, chance.Int31n(top + 1)}[chance.Intn(3)]
		objs = edit(objs, weight)
		if direct[weight] == nil {
			direct[weight] = edit(start, weight)
		}
		compare(t, "objects that came to this weight over others", objs, direct[weight])
	}
}

// bad are values of every type, each of which is wrong nearly everywhere.
var bad = []any{nil, "text", int64(7), -1.5, true, []any{}, []any{"text"}, []any{nil}, []any{map[string]any{}}, map[string]any{}}

// stays holds the router to errors instead of panics: each field of each object in turn is replaced by nonsense, or
// is gone. Where the router does not object, editing twice is still the same as editing once.
func stays(t reporter, router traffic.Router, before traffic.Objects, step Step) {
	t.Helper()
	for ref, o := range before {
		for _, path := range paths(o.Object, nil) {
			for _, value := range bad {
				broken := copyOf(before)
				put(broken[ref].Object, path, value)
				try(t, router, broken, step.Split, ref, path, value)
			}
		}
		for _, empty := range []map[string]any{nil, {}} {
			broken := copyOf(before)
			broken[ref].Object = empty
			try(t, router, broken, step.Split, ref, nil, empty)
		}
	}
}

func try(t reporter, router traffic.Router, objs traffic.Objects, split traffic.Split, ref traffic.Ref, path []any, value any) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Fatalf("%s %s with %v at %v: panic: %v", ref.Kind, ref.Name, value, path, r)
		}
	}()
	if checker, ok := router.(traffic.Checker); ok {
		_ = checker.Check(ref, objs[ref].DeepCopy())
	}
	if meter, ok := router.(traffic.Meter); ok {
		_, _ = meter.Weight(objs)
	}
	if releaser, ok := router.(traffic.Releaser); ok {
		_ = releaser.Release(copyOf(objs))
	}
	if _, err := router.Edit(objs, split); err != nil {
		if strings.TrimSpace(err.Error()) == "" {
			t.Fatalf("%s %s with %v at %v: an error without a text", ref.Kind, ref.Name, value, path)
		}
		return
	}
	again := copyOf(objs)
	if _, err := router.Edit(again, split); err != nil {
		t.Fatalf("%s %s with %v at %v: edited once, then: %v", ref.Kind, ref.Name, value, path, err)
	}
	compare(t, "objects after a second edit of a broken object", again, objs)
}

// paths are the ways to all fields and entries, the deepest included.
func paths(value any, at []any) [][]any {
	var all [][]any
	walk := func(key, child any) {
		way := append(slices.Clone(at), key)
		all = append(append(all, way), paths(child, way)...)
	}
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			walk(key, child)
		}
	case []any:
		for i, child := range v {
			walk(i, child)
		}
	}
	return all
}

func put(value any, path []any, leaf any) {
	for ; len(path) > 1; path = path[1:] {
		value = child(value, path[0])
	}
	switch v := value.(type) {
	case map[string]any:
		v[path[0].(string)] = leaf
	case []any:
		v[path[0].(int)] = leaf
	}
}

func child(value, key any) any {
	if i, ok := key.(int); ok {
		return value.([]any)[i]
	}
	return value.(map[string]any)[key.(string)]
}
