package analysis

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Arguments are the values that a Rollout gives to the arguments of an analysis (spec 5.2). The hashes are those of
// the stable and the new ReplicaSet. An error names the field of the Rollout that does not exist.
func Arguments(ra v1alpha1.RolloutAnalysis, rollout *v1alpha1.Rollout, stableHash, newHash string) ([]v1alpha1.Argument, error) {
	var args []v1alpha1.Argument
	for _, arg := range ra.Args {
		value, err := value(arg, rollout, stableHash, newHash)
		if err != nil {
			return nil, fmt.Errorf("argument %q: %w", arg.Name, err)
		}
		args = append(args, v1alpha1.Argument{Name: arg.Name, Value: &value})
	}
	return args, nil
}

func value(arg v1alpha1.AnalysisRunArgument, rollout *v1alpha1.Rollout, stableHash, newHash string) (string, error) {
	from := arg.ValueFrom
	switch {
	case from != nil && from.PodTemplateHashValue != nil && *from.PodTemplateHashValue == v1alpha1.Latest:
		return newHash, nil
	case from != nil && from.PodTemplateHashValue != nil && *from.PodTemplateHashValue == v1alpha1.Stable:
		return stableHash, nil
	case from != nil && from.FieldRef != nil && strings.HasPrefix(from.FieldRef.FieldPath, "metadata"):
		return metadata(rollout, from.FieldRef.FieldPath)
	case from != nil && from.FieldRef != nil:
		return field(rollout, from.FieldRef.FieldPath)
	}
	return arg.Value, nil
}

// metadata reads a path the way the downward API of pods does: a label that is not there is empty.
func metadata(rollout *v1alpha1.Rollout, path string) (string, error) {
	switch path {
	case "metadata.name":
		return rollout.Name, nil
	case "metadata.namespace":
		return rollout.Namespace, nil
	case "metadata.uid":
		return string(rollout.UID), nil
	case "metadata.labels":
		return lines(rollout.Labels), nil
	case "metadata.annotations":
		return lines(rollout.Annotations), nil
	}
	for prefix, values := range map[string]map[string]string{"metadata.labels['": rollout.Labels, "metadata.annotations['": rollout.Annotations} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			if key, ok := strings.CutSuffix(rest, "']"); ok {
				return values[key], nil
			}
		}
	}
	return "", fmt.Errorf("unsupported fieldPath: %s", path)
}

// lines prints a map as the downward API does.
func lines(values map[string]string) string {
	var out []string
	for key, value := range values {
		out = append(out, fmt.Sprintf("%s=%q", key, value))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// field reads a dotted path with indices, such as spec.template.spec.containers[0].image, in the JSON of the Rollout.
func field(rollout *v1alpha1.Rollout, path string) (string, error) {
	text, err := json.Marshal(rollout)
	if err != nil {
		return "", fmt.Errorf("encode rollout: %w", err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var here any
	if err := decoder.Decode(&here); err != nil {
		return "", fmt.Errorf("decode rollout: %w", err)
	}
	for _, part := range parts(path) {
		if here, err = step(here, part, path); err != nil {
			return "", err
		}
	}
	switch here := here.(type) {
	case string:
		return here, nil
	case bool, json.Number:
		return fmt.Sprint(here), nil
	}
	return "", fmt.Errorf("path %s in rollout must terminate in a primitive value", path)
}

// step goes one part of a path deeper.
func step(here any, part, path string) (any, error) {
	switch here := here.(type) {
	case map[string]any:
		if next, ok := here[part]; ok && next != nil {
			return next, nil
		}
	case []any:
		i, err := strconv.Atoi(part)
		switch {
		case err != nil:
			return nil, fmt.Errorf("invalid index '%s'", part)
		case i < 0 || i >= len(here):
			return nil, fmt.Errorf("index %d out of range", i)
		}
		return here[i], nil
	}
	return nil, fmt.Errorf("invalid path %s in rollout", path)
}

// parts cuts a path at dots and brackets; dots inside brackets belong to a name, and quotes there are left out.
func parts(path string) []string {
	var out []string
	for path != "" {
		if path[0] == '[' {
			inside, rest, _ := strings.Cut(path[1:], "]")
			out = append(out, strings.Trim(inside, `'"`))
			path = strings.TrimPrefix(rest, ".")
			continue
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			return append(out, path)
		}
		out = append(out, path[:end])
		path = strings.TrimPrefix(path[end:], ".")
	}
	return out
}
