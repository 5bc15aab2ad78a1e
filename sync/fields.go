package sync

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Fields are the paths at which two objects differ, sorted, such as spec.template.spec.containers[0].image. Where one
// side lacks a map or a list, the path of that map or list stands for all below it.
func Fields(a, b any) []string {
	paths := differences("", a, b)
	slices.Sort(paths)
	return paths
}

func differences(path string, a, b any) []string {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			return mapDifferences(path, x, y)
		}
	case []any:
		if y, ok := b.([]any); ok && len(x) == len(y) {
			var paths []string
			for i := range x {
				paths = append(paths, differences(fmt.Sprintf("%s[%d]", path, i), x[i], y[i])...)
			}
			return paths
		}
	}
	if reflect.DeepEqual(a, b) {
		return nil
	}
	return []string{path}
}

func mapDifferences(path string, a, b map[string]any) []string {
	var paths []string
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, both := a[k]; !both {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		below := k
		if path != "" {
			below = path + "." + k
		}
		paths = append(paths, differences(below, a[k], b[k])...)
	}
	return paths
}
