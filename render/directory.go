package render

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Directory says which files of a plain folder count.
type Directory struct {
	// Recurse looks into sub-folders.
	Recurse bool
	// Include and Exclude are glob patterns over the path relative to the folder; {a,b} means either. Empty: all, none.
	Include, Exclude string
}

// directory reads every YAML and JSON file of a folder, in the order of their names.
func directory(tree filesys.FileSystem, folder string, d Directory, bounds Bounds) (Result, error) {
	include, err := globs(d.Include, true)
	if err != nil {
		return Result{}, err
	}
	exclude, err := globs(d.Exclude, false)
	if err != nil {
		return Result{}, err
	}
	result := Result{Source: "Directory"}
	for _, file := range files(tree, folder, d.Recurse) {
		relative := strings.TrimPrefix(strings.TrimPrefix(file, folder), "/")
		if !include(relative) || exclude(relative) {
			continue
		}
		content, err := tree.ReadFile(file)
		if err != nil {
			return Result{}, fmt.Errorf("read %s: %w", shown(file), err)
		}
		if err := bounds.check(file, content); err != nil {
			return Result{}, err
		}
		found, err := objects(file, content)
		if err != nil {
			return Result{}, err
		}
		for _, obj := range found {
			result.Objects, result.Files = append(result.Objects, obj), append(result.Files, shown(file))
		}
		if len(result.Objects) > bounds.Objects {
			return Result{}, tooMany(shown(file), bounds.Objects)
		}
	}
	return result, nil
}

func files(tree filesys.FileSystem, folder string, recurse bool) []string {
	var all []string
	_ = tree.Walk(folder, func(file string, info fs.FileInfo, err error) error { // the tree is in memory: there is nothing to fail
		file = path.Join("/", file)
		deeper := path.Dir(file) != folder
		if err == nil && !info.IsDir() && (recurse || !deeper) && slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(file)) {
			all = append(all, file)
		}
		return nil
	})
	slices.Sort(all)
	return all
}

// Glob makes a question of a pattern over paths relative to a folder. A star stops at a slash, two do not; {a,b} is
// either.
func Glob(pattern string) (func(string) bool, error) { return globs(pattern, false) }

// globs makes a question of a pattern such as {*.yaml,apps/**}. A star stops at a slash, two do not.
func globs(pattern string, whenEmpty bool) (func(string) bool, error) {
	if pattern == "" {
		return func(string) bool { return whenEmpty }, nil
	}
	inside, either := strings.CutPrefix(pattern, "{")
	inside = strings.TrimSuffix(inside, "}")
	words := []string{pattern}
	if either {
		words = strings.Split(inside, ",")
	}
	expressions := make([]*regexp.Regexp, len(words))
	for i, word := range words {
		text := regexp.QuoteMeta(strings.TrimSpace(word))
		text = strings.NewReplacer(`\*\*/`, `(?:.*/)?`, `\*\*`, `.*`, `\*`, `[^/]*`, `\?`, `[^/]`).Replace(text)
		expression, err := regexp.Compile("^" + text + "$")
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", pattern, err)
		}
		expressions[i] = expression
	}
	return func(file string) bool {
		return slices.ContainsFunc(expressions, func(e *regexp.Regexp) bool { return e.MatchString(file) })
	}, nil
}
