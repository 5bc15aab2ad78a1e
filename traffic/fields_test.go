package traffic

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestFieldsOfTheWrongTypeAreErrors(t *testing.T) {
	o := map[string]any{"map": map[string]any{"text": "x", "number": int64(7), "half": 1.5, "whole": 7.0}, "list": []any{map[string]any{}}, "mixed": []any{map[string]any{}, "x"}, "null": nil}
	child := func(path ...string) error { _, err := Child(o, path...); return err }
	items := func(path ...string) error { _, err := Items(o, path...); return err }
	text := func(path ...string) error { _, err := Text(o, path...); return err }
	number := func(name string) error { _, err := Number(o["map"].(map[string]any), name); return err }
	texts := func(path ...string) error { _, err := Texts(o, path...); return err }
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"an object":                      {child("map"), ""},
		"an object that is not there":    {child("absent", "deeper"), ""},
		"an object that is null":         {child("null", "deeper"), ""},
		"a text instead of an object":    {child("map", "text", "deeper"), "map.text: want an object, have string"},
		"a list":                         {items("list"), ""},
		"a list that is not there":       {items("map", "absent"), ""},
		"a list below what is not there": {items("absent", "list"), ""},
		"an object instead of a list":    {items("map"), "map: want a list, have map[string]interface {}"},
		"a list of something else":       {items("mixed"), "mixed: want an object at 1, have string"},
		"a text":                         {text("map", "text"), ""},
		"a text that is not there":       {text("map", "absent"), ""},
		"a number instead of a text":     {text("map", "number"), "map.number: want a text, have int64"},
		"a whole number":                 {number("number"), ""},
		"a whole number with a point":    {number("whole"), ""},
		"a number that is not there":     {number("absent"), ""},
		"half a number":                  {number("half"), "half: want a whole number, have float64"},
		"a text instead of a number":     {number("text"), "text: want a whole number, have string"},
		"texts that are none":            {texts("map"), "want a text"},
		"texts in no object":             {texts("list"), "list: want an object, have []interface {}"},
	} {
		t.Run(name, func(t *testing.T) {
			have := ""
			if c.err != nil {
				have = c.err.Error()
			}
			if have != c.want && !(c.want == "want a text" && c.err != nil) { // whichever key comes first
				t.Errorf("%q, want %q", have, c.want)
			}
		})
	}
}

func TestAnnotateTellsOfChangesOnly(t *testing.T) {
	o := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"annotations": map[string]any{"a": "b"}}}}
	for i, c := range []struct {
		annotations map[string]string
		changed     bool
	}{{map[string]string{"a": "b"}, false}, {map[string]string{"a": "c"}, true}, {map[string]string{}, true}, {nil, false}} {
		changed, err := Annotate(o, c.annotations)
		if err != nil || changed != c.changed {
			t.Errorf("%d: changed %v (%v), want %v", i, changed, err, c.changed)
		}
	}
	if _, there := o.Object["metadata"].(map[string]any)["annotations"]; there {
		t.Error("no annotations are left, the map is")
	}
}

func TestObjectsThatAreNotThere(t *testing.T) {
	here := Ref{Name: "here"}
	objs := Objects{here: {Object: map[string]any{}}, {Name: "nil"}: nil, {Name: "empty"}: {}}
	for _, name := range []string{"here", "nil", "empty", "absent"} {
		if _, exists := objs.Get(Ref{Name: name}); exists != (name == "here") {
			t.Errorf("%s: %v", name, exists)
		}
	}
}
