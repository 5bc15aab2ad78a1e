package traffic

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Get is the object behind ref; false if there is none.
func (objs Objects) Get(ref Ref) (*unstructured.Unstructured, bool) {
	o := objs[ref]
	return o, o != nil && o.Object != nil
}

// Child is the object at path inside of from, not a copy. An absent or null one is nil; anything else is an error.
func Child(from map[string]any, path ...string) (map[string]any, error) {
	for i, name := range path {
		switch v := from[name].(type) {
		case nil:
			return nil, nil
		case map[string]any:
			from = v
		default:
			return nil, wrong(path[:i+1], "an object", v)
		}
	}
	return from, nil
}

// Items are the objects in the list at path inside of from, not copies. An absent or null list is nil; a list that
// holds anything but objects is an error.
func Items(from map[string]any, path ...string) ([]map[string]any, error) {
	parent, err := Child(from, path[:len(path)-1]...)
	if err != nil || parent == nil || parent[path[len(path)-1]] == nil {
		return nil, err
	}
	list, ok := parent[path[len(path)-1]].([]any)
	if !ok {
		return nil, wrong(path, "a list", parent[path[len(path)-1]])
	}
	items := make([]map[string]any, len(list))
	for i := range list {
		if items[i], ok = list[i].(map[string]any); !ok {
			return nil, wrong(path, fmt.Sprintf("an object at %d", i), list[i])
		}
	}
	return items, nil
}

// Listed makes a list of items that an object can hold.
func Listed(items []map[string]any) []any {
	list := make([]any, len(items))
	for i := range items {
		list[i] = items[i]
	}
	return list
}

// Text is the text at path inside of from. An absent or null one is empty; anything else is an error.
func Text(from map[string]any, path ...string) (string, error) {
	parent, err := Child(from, path[:len(path)-1]...)
	if err != nil {
		return "", err
	}
	switch v := parent[path[len(path)-1]].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	default:
		return "", wrong(path, "a text", v)
	}
}

// Number is the whole number in from's field. An absent or null one is 0; anything else is an error.
func Number(from map[string]any, name string) (int64, error) {
	switch v := from[name].(type) {
	case nil:
		return 0, nil
	case int64:
		return v, nil
	case float64:
		if v == float64(int64(v)) {
			return int64(v), nil
		}
	}
	return 0, wrong([]string{name}, "a whole number", from[name])
}

// Texts is a copy of the map of texts at path inside of from, never nil. Anything else than texts is an error.
func Texts(from map[string]any, path ...string) (map[string]string, error) {
	texts := map[string]string{}
	m, err := Child(from, path...)
	for key, v := range m {
		text, ok := v.(string)
		if !ok {
			return nil, wrong(append(append([]string{}, path...), key), "a text", v)
		}
		texts[key] = text
	}
	return texts, err
}

// Annotations is a copy of the annotations of o, never nil.
func Annotations(o *unstructured.Unstructured) (map[string]string, error) {
	return Texts(o.Object, "metadata", "annotations")
}

// Annotate gives o these annotations and no others, and tells whether that changed anything.
func Annotate(o *unstructured.Unstructured, annotations map[string]string) (changed bool, err error) {
	have, err := Annotations(o)
	if err != nil || maps.Equal(have, annotations) {
		return false, err
	}
	if len(annotations) == 0 {
		annotations = nil
	}
	o.SetAnnotations(annotations)
	return true, nil
}

func wrong(path []string, want string, have any) error {
	return fmt.Errorf("%s: want %s, have %T", strings.Join(path, "."), want, have)
}
