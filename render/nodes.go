package render

import (
	"fmt"
	"math"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// objectOf takes the object out of kustomize's wrapping. Writing it as JSON to read it again costs as much as building
// it; what is unusual goes that way still.
func objectOf(r *resource.Resource) (*unstructured.Unstructured, error) {
	usual := true
	value, err := valueOf(r.YNode(), &usual)
	if err != nil {
		return nil, err
	}
	if object, ok := value.(map[string]any); ok && usual {
		return &unstructured.Unstructured{Object: object}, nil
	}
	data, err := r.MarshalJSON()
	if err != nil {
		return nil, err
	}
	obj := &unstructured.Unstructured{}
	return obj, obj.UnmarshalJSON(data)
}

// valueOf is a node as JSON would be read: texts, int64, float64, bool, nil, lists and maps.
func valueOf(n *yaml.Node, usual *bool) (any, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 1 {
			return valueOf(n.Content[0], usual)
		}
	case yaml.MappingNode:
		return mapOf(n, usual)
	case yaml.SequenceNode:
		all := make([]any, len(n.Content))
		for i, c := range n.Content {
			value, err := valueOf(c, usual)
			if err != nil {
				return nil, err
			}
			all[i] = value
		}
		return all, nil
	case yaml.ScalarNode:
		return scalarOf(n, usual), nil
	}
	*usual = false
	return nil, nil
}

func mapOf(n *yaml.Node, usual *bool) (any, error) {
	all := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.ShortTag() != yaml.NodeTagString {
			*usual = false
		}
		if _, twice := all[key.Value]; twice {
			return nil, fmt.Errorf("key %q already set in map", key.Value)
		}
		value, err := valueOf(n.Content[i+1], usual)
		if err != nil {
			return nil, err
		}
		all[key.Value] = value
	}
	return all, nil
}

func scalarOf(n *yaml.Node, usual *bool) any {
	switch n.ShortTag() {
	case yaml.NodeTagString:
		return n.Value
	case yaml.NodeTagNull:
		return nil
	case yaml.NodeTagBool, yaml.NodeTagInt, yaml.NodeTagFloat:
		var value any
		if n.Decode(&value) == nil {
			switch v := value.(type) {
			case bool:
				return v
			case int:
				return int64(v)
			case int64:
				return v
			case float64:
				if v == math.Trunc(v) && math.Abs(v) < 1<<53 { // JSON has no other way to write it
					return int64(v)
				}
				if !math.IsInf(v, 0) && !math.IsNaN(v) {
					return v
				}
			}
		}
	}
	*usual = false
	return nil
}
