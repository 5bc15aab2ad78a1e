package story

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// pairs are the tutorial's manifests and the demo's.
var pairs = [][2]string{
	{"testdata/rollouts/user-document/01-payments-api.yaml", "testdata/demo/deploy/rollout.yaml"},
	{"testdata/rollouts/user-document/02-services.yaml", "testdata/demo/deploy/services.yaml"},
	{"testdata/rollouts/user-document/03-success-rate.yaml", "testdata/demo/deploy/analysis.yaml"},
	{"testdata/demo/document/application.yaml", "testdata/demo/application.yaml"},
	{"testdata/demo/document/notifications.yaml", "testdata/demo/notifications.yaml"},
	{"testdata/rollouts/user-document/06-blue-green.yaml", "testdata/demo/blue-green.yaml"},
	{"testdata/rollouts/user-document/03-success-rate.yaml", "testdata/demo/blue-green.yaml"},
}

// Differences says what the demo changes in the tutorial's manifests, one line each.
func (s *Story) Differences() ([]string, error) {
	lines := []string{"the demo's own: testdata/demo/deploy/kustomization.yaml and ingress.yaml, a Secret with the token, Services and Ingresses for blue-green"}
	for _, pair := range pairs {
		theirs, err := s.objects(pair[0], func(text string) string { return text })
		if err != nil {
			return nil, err
		}
		ours, err := s.objects(pair[1], s.adapt)
		if err != nil {
			return nil, err
		}
		for key, object := range theirs {
			if other, found := ours[key]; found {
				for _, line := range difference("", object, other) {
					lines = append(lines, pair[1]+": "+key+line)
				}
			}
		}
	}
	return lines, nil
}

func (s *Story) objects(file string, adapt func(string) string) (map[string]any, error) {
	text, err := os.ReadFile(s.file(file))
	if err != nil {
		return nil, err
	}
	all := map[string]any{}
	for document := range strings.SplitSeq(adapt(string(text)), "\n---\n") {
		o := map[string]any{}
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		metadata, _ := o["metadata"].(map[string]any)
		all[fmt.Sprintf("%v %v", o["kind"], metadata["name"])] = o
	}
	return all, nil
}

// difference compares two values; what one side does not have is shown as a whole.
func difference(path string, theirs, ours any) (lines []string) {
	if reflect.DeepEqual(theirs, ours) {
		return nil
	}
	x, isMap := theirs.(map[string]any)
	y, areMaps := ours.(map[string]any)
	if isMap && areMaps {
		keys := maps.Clone(x)
		maps.Copy(keys, y)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			lines = append(lines, difference(path+" "+key, x[key], y[key])...)
		}
		return lines
	}
	a, isList := theirs.([]any)
	b, areLists := ours.([]any)
	if isList && areLists && len(a) == len(b) {
		for i := range a {
			lines = append(lines, difference(fmt.Sprintf("%s[%d]", path, i), a[i], b[i])...)
		}
		return lines
	}
	before, isText := theirs.(string)
	after, areTexts := ours.(string)
	if isText && areTexts && strings.Contains(before, "\n") {
		theirs, ours = otherLines(before, after), otherLines(after, before)
	}
	return []string{fmt.Sprintf("%s: %s → %s", path, compact(theirs), compact(ours))}
}

// otherLines are the lines of a text that another does not have, each once.
func otherLines(text, other string) any {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); !strings.Contains(other, line) && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if lines == nil {
		return nil
	}
	return strings.Join(lines, " ")
}

func compact(value any) string {
	if value == nil {
		return "nothing"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
