package health

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// text is the text at a path, or empty.
func text(obj *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(obj.Object, path...)
	return s
}

// number is the number at a path. YAML and JSON decoders disagree about its Go type.
func number(obj *unstructured.Unstructured, path ...string) (int64, bool) {
	value, found, _ := unstructured.NestedFieldNoCopy(obj.Object, path...)
	if !found {
		return 0, false
	}
	switch n := value.(type) {
	case int64:
		return n, true
	case float64:
		return int64(n), true
	}
	return 0, false
}

// condition is what all kinds of conditions share.
type condition struct{ Type, Status, Reason, Message string }

func conditions(obj *unstructured.Unstructured) []condition {
	list, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
	out := make([]condition, 0, len(list))
	for _, entry := range list {
		if fields, ok := entry.(map[string]any); ok {
			c := &unstructured.Unstructured{Object: fields}
			out = append(out, condition{text(c, "type"), text(c, "status"), text(c, "reason"), text(c, "message")})
		}
	}
	return out
}

// typed makes a check of a function over the Go type of one version of a kind. Other versions are errors.
func typed[T any](version string, assess func(*T) Health) func(*unstructured.Unstructured) (Health, error) {
	return func(obj *unstructured.Unstructured) (Health, error) {
		kind := obj.GroupVersionKind()
		if kind.Version != version {
			return Health{}, fmt.Errorf("assess the health of %s %s: this version of the kind is not supported", kind.GroupVersion(), kind.Kind)
		}
		into := new(T)
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, into); err != nil {
			return Health{}, fmt.Errorf("read %s %s/%s: %w", kind.Kind, obj.GetNamespace(), obj.GetName(), err)
		}
		return assess(into), nil
	}
}
