package render

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// invalid is an object that our API would not take.
type invalid struct {
	object   *unstructured.Unstructured
	index    int
	file     string // where it comes from; empty when that is not known
	line     int
	problems []problem
}

func (e *invalid) Error() string {
	var texts []string
	for _, p := range e.problems {
		texts = append(texts, p.String())
	}
	at := e.file
	if at != "" && e.line > 0 {
		at = fmt.Sprintf("%s:%d", at, e.line)
	}
	if at != "" {
		at += ": "
	}
	return fmt.Sprintf("%s%s %s: %s", at, e.object.GetKind(), e.object.GetName(), strings.Join(texts, "; "))
}

// locate finds file and line of what is wrong. That costs a second build, and only when something is.
func locate(tree filesys.FileSystem, folder string, o Options, err error) error {
	wrong := &invalid{}
	if !errors.As(err, &wrong) {
		return err
	}
	if wrong.file == "" {
		o.Origins = true
		if again, err := source(tree, folder, o); err == nil && wrong.index < len(again.Files) {
			wrong.file = again.Files[wrong.index]
		}
	}
	if len(wrong.problems) == 0 || wrong.file == "" {
		return err
	}
	path := wrong.problems[0].path
	value := valueAt(wrong.object.Object, path)
	if content, err := tree.ReadFile("/" + wrong.file); err == nil {
		found := search(content, wrong.object, path)
		wrong.line = found.line
		if !found.complete || found.value == fmt.Sprint(value) || !scalar(value) {
			return wrong
		}
	}
	// The file says something else: a patch has put that there.
	for _, file := range patches(tree, folder, o) {
		content, err := tree.ReadFile(file)
		if err != nil {
			continue
		}
		if found := search(content, wrong.object, path); found.complete && found.value == fmt.Sprint(value) {
			wrong.file, wrong.line = shown(file), found.line
			return wrong
		}
	}
	return wrong
}

func scalar(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// patches are the files of all patches of a kustomization and those below it.
func patches(tree filesys.FileSystem, folder string, o Options) []string {
	s := scan{tree: tree, written: map[string][]byte{}, top: folder, weights: map[string]weight{}, bounds: o.Bounds.orDefault()}
	if s.begin(folder, o.Kustomize) != nil {
		return nil
	}
	return s.patches
}

// variants are the ways a path may be meant: those of validation leave the strategy's name out.
func variants(path string) [][]string {
	parts := segments(path)
	all := [][]string{parts}
	if i := slices.Index(parts, "strategy"); i >= 0 {
		for _, strategy := range []string{"canary", "blueGreen"} {
			all = append(all, slices.Insert(slices.Clone(parts), i+1, strategy))
		}
	}
	return all
}

func valueAt(object map[string]any, path string) any {
	for _, parts := range variants(path) {
		if value, found := valueBelow(object, parts); found {
			return value
		}
	}
	return nil
}

func valueBelow(in any, path []string) (any, bool) {
	for _, name := range path {
		switch v := in.(type) {
		case map[string]any:
			next, found := v[name]
			if !found {
				return nil, false
			}
			in = next
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			in = v[i]
		default:
			return nil, false
		}
	}
	return in, true
}

// A place is how far a path leads in a file.
type place struct {
	line     int
	value    string // of a scalar
	complete bool
}

// search looks for a path of an object in a file of objects. Names may have got a prefix or a suffix since.
func search(content []byte, obj *unstructured.Unstructured, path string) (best place) {
	longest := -1
	for _, d := range documents(content) {
		var node yaml.Node
		if err := yaml.Unmarshal(d.text, &node); err != nil || len(node.Content) == 0 {
			continue
		}
		root := node.Content[0]
		kind, name := text(root, "kind"), text(root, "metadata", "name")
		if kind != obj.GetKind() || !strings.Contains(obj.GetName(), name) || len(name) <= longest {
			continue
		}
		longest = len(name)
		best = follow(root, path)
		best.line += d.line - 1
	}
	return best
}

// follow goes down a path as far as there is something.
func follow(root *yaml.Node, path string) (found place) {
	for _, parts := range variants(path) {
		if here := descend(root, parts); !found.complete && (here.complete || here.line > found.line) {
			found = here
		}
	}
	return found
}

func descend(at *yaml.Node, path []string) place {
	here := place{line: at.Line}
	for i, name := range path {
		switch at.Kind {
		case yaml.SequenceNode:
			n, err := strconv.Atoi(name)
			if err != nil { // the library named no index: the first that has the rest
				for _, c := range at.Content {
					if deeper := descend(c, path[i:]); deeper.complete {
						return deeper
					}
				}
				return here
			}
			if n < 0 || n >= len(at.Content) {
				return here
			}
			at = at.Content[n]
			here.line = at.Line
		case yaml.MappingNode:
			key := slices.IndexFunc(evens(at.Content), func(n *yaml.Node) bool { return n.Value == name })
			if key < 0 {
				return here
			}
			here.line = at.Content[2*key].Line
			at = at.Content[2*key+1]
		default:
			return here
		}
	}
	here.complete, here.value = true, at.Value
	return here
}

func evens(all []*yaml.Node) (keys []*yaml.Node) {
	for i := 0; i < len(all); i += 2 {
		keys = append(keys, all[i])
	}
	return keys
}

func text(at *yaml.Node, path ...string) string {
	return descend(at, path).value
}
