package engine

import (
	"encoding/json"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/sync"
)

// Ignored names fields that are no differences. Empty texts match anything; Group and Kind may be "*".
type Ignored struct {
	Group, Kind, Namespace, Name string
	// Pointers are JSON pointers (RFC 6901).
	Pointers []string
}

func (i Ignored) matches(obj *unstructured.Unstructured) bool {
	any := func(pattern, value string) bool { return pattern == "" || pattern == "*" || pattern == value }
	kind := obj.GroupVersionKind()
	// The core group is the empty text, so it has to be written as it is.
	return (i.Group == "*" || i.Group == kind.Group) && any(i.Kind, kind.Kind) && any(i.Namespace, obj.GetNamespace()) && any(i.Name, obj.GetName())
}

// normalizer brings both sides of a comparison to one form.
type normalizer []Ignored

// Normalize implements diff.Normalizer.
func (n normalizer) Normalize(obj *unstructured.Unstructured) error {
	unstructured.RemoveNestedField(obj.Object, "status")
	if obj.GroupVersionKind().GroupKind() == v1alpha1.RolloutGroupVersionKind.GroupKind() {
		asPodTemplate(obj)
	}
	for _, i := range n {
		if !i.matches(obj) {
			continue
		}
		for _, pointer := range i.Pointers {
			remove(obj.Object, strings.Split(strings.TrimPrefix(pointer, "/"), "/"))
		}
	}
	return nil
}

// asPodTemplate writes the pod template as its Go type would, so that 1000m and "1" are the same. What cannot be read
// stays as it is: the API server will say why.
func asPodTemplate(obj *unstructured.Unstructured) {
	template, found, _ := unstructured.NestedMap(obj.Object, "spec", "template")
	if !found {
		return
	}
	data, err := json.Marshal(template)
	if err != nil {
		return
	}
	typed := corev1.PodTemplateSpec{}
	if json.Unmarshal(data, &typed) != nil {
		return
	}
	if data, err = json.Marshal(typed); err != nil {
		return
	}
	var plain map[string]any
	if json.Unmarshal(data, &plain) == nil {
		obj.Object["spec"].(map[string]any)["template"] = plain
	}
}

// keep is the object that is wanted, with the ignored fields as they are in the cluster.
func keep(o sync.Object, ignored []Ignored) *unstructured.Unstructured {
	wanted := o.Desired.DeepCopy()
	for _, i := range ignored {
		if !i.matches(wanted) {
			continue
		}
		for _, pointer := range i.Pointers {
			take(wanted.Object, o.Live.DeepCopy().Object, strings.Split(strings.TrimPrefix(pointer, "/"), "/"))
		}
	}
	return wanted
}

// take makes a field what it is in another object, also absent.
func take(into, from any, path []string) {
	key := unescape.Replace(path[0])
	switch x := into.(type) {
	case map[string]any:
		y, ok := from.(map[string]any)
		switch value, found := y[key]; {
		case !ok:
		case len(path) > 1:
			take(x[key], value, path[1:])
		case found:
			x[key] = value
		default:
			delete(x, key)
		}
	case []any:
		y, ok := from.([]any)
		if i, err := strconv.Atoi(key); ok && err == nil && i >= 0 && i < len(x) && i < len(y) && len(path) > 1 {
			take(x[i], y[i], path[1:])
		}
	}
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// remove takes out what a pointer leads to; a pointer that leads nowhere does nothing.
func remove(in any, path []string) {
	key := unescape.Replace(path[0])
	switch x := in.(type) {
	case map[string]any:
		if len(path) == 1 {
			delete(x, key)
		} else {
			remove(x[key], path[1:])
		}
	case []any:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(x) && len(path) > 1 {
			remove(x[i], path[1:])
		}
	}
}
