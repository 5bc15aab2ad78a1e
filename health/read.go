package health

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// fields are the named values of an object, or of a part of it. A list has none, as in Lua.
type fields map[string]any

func fieldsOf(v any) (fields, bool) {
	switch v := v.(type) {
	case map[string]any:
		return v, true
	case []any:
		return nil, true
	}
	return nil, false
}

// text is the text of that name, or empty.
func (f fields) text(name string) string {
	s, _ := f[name].(string)
	return s
}

// numberOf is a number. YAML and JSON decoders disagree about its Go type.
func numberOf(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	case int:
		return float64(n), true
	}
	return 0, false
}

// condition is what all kinds of conditions share.
type condition struct{ Type, Status, Reason, Message string }

func conditions(obj *unstructured.Unstructured) []condition {
	status, _ := fieldsOf(obj.Object["status"])
	list, _ := status["conditions"].([]any)
	out := make([]condition, 0, len(list))
	for _, entry := range list {
		if c, ok := entry.(map[string]any); ok {
			f := fields(c)
			out = append(out, condition{f.text("type"), f.text("status"), f.text("reason"), f.text("message")})
		}
	}
	return out
}

// typed makes a check of a function over the Go type of one version of a kind. Other versions are errors.
func typed[T any](version string, read func(*strict) *T, assess func(*T) Health) func(*unstructured.Unstructured) (Health, error) {
	return func(obj *unstructured.Unstructured) (Health, error) {
		if err := only(version, obj); err != nil {
			return Health{}, err
		}
		s := strictly(obj)
		into := read(s)
		if s.err != nil {
			return Health{}, fmt.Errorf("read %s %s/%s: %w", obj.GetKind(), obj.GetNamespace(), obj.GetName(), s.err)
		}
		return assess(into), nil
	}
}

// converted is typed for a kind of which most is read.
func converted[T any](version string, assess func(*T) Health) func(*unstructured.Unstructured) (Health, error) {
	return func(obj *unstructured.Unstructured) (Health, error) {
		if err := only(version, obj); err != nil {
			return Health{}, err
		}
		into := new(T)
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, into); err != nil {
			return Health{}, fmt.Errorf("read %s %s/%s: %w", obj.GetKind(), obj.GetNamespace(), obj.GetName(), err)
		}
		return assess(into), nil
	}
}

func only(version string, obj *unstructured.Unstructured) error {
	if kind := obj.GroupVersionKind(); kind.Version != version {
		return fmt.Errorf("assess the health of %s %s: this version of the kind is not supported", kind.GroupVersion(), kind.Kind)
	}
	return nil
}
