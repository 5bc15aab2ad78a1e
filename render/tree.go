package render

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Limits bound what a tree may hold, since its content is anybody's.
type Limits struct {
	// Entries is the number of files and links.
	Entries int
	// Bytes is the size of all files together.
	Bytes int64
	// Depth is the number of names in a path.
	Depth int
	// FileBytes is the size above which a file is not kept: it counts and has a name, but reading it is an error. 0: all are.
	FileBytes int64
}

// DefaultLimits are generous for a repository of manifests.
var DefaultLimits = Limits{Entries: 100_000, Bytes: 1 << 30, Depth: 64}

// A Tree collects files and symbolic links into a file system in memory, on which Render works.
type Tree struct {
	limits  Limits
	entries int
	bytes   int64
	files   map[string][]byte
	links   map[string]string
	omitted map[string]int64
}

// NewTree starts an empty tree.
func NewTree(limits Limits) *Tree {
	return &Tree{limits: limits, files: map[string][]byte{}, links: map[string]string{}, omitted: map[string]int64{}}
}

// Left is how many bytes may still be added.
func (t *Tree) Left() int64 { return t.limits.Bytes - t.bytes }

// Add adds a file. Its name is relative to the tree.
func (t *Tree) Add(name string, content []byte) error {
	clean, err := t.enter(name, int64(len(content)))
	if err == nil {
		t.files[clean] = content
	}
	return err
}

// Keeps reports whether the content of a file of this size is wanted; if not, it is added with Omit.
func (t *Tree) Keeps(size int64) bool { return t.limits.FileBytes == 0 || size <= t.limits.FileBytes }

// Omit adds a file without its content.
func (t *Tree) Omit(name string, size int64) error {
	clean, err := t.enter(name, size)
	if err == nil {
		t.files[clean], t.omitted[clean] = nil, size
	}
	return err
}

// Folder takes note of a folder, which needs no entry of its own, but counts.
func (t *Tree) Folder(name string) error {
	if clean := path.Clean(name); clean == "." {
		return nil
	}
	clean, err := t.place(name)
	if err != nil {
		return err
	}
	_, file := t.files[clean]
	if _, link := t.links[clean]; file || link {
		return fmt.Errorf("%s is a file and a folder", clean)
	}
	return nil
}

// Same adds a file with the content of another one, as a hard link does.
func (t *Tree) Same(name, as string) error {
	other := path.Clean(as)
	if path.IsAbs(other) || other == ".." || strings.HasPrefix(other, "../") {
		return fmt.Errorf("hard link %s leads out of the source tree", path.Clean(name))
	}
	content, found := t.files[other]
	if !found {
		return fmt.Errorf("hard link %s leads to %q, which is not in the source tree before it", path.Clean(name), as)
	}
	if size, omitted := t.omitted[other]; omitted {
		return t.Omit(name, size)
	}
	return t.Add(name, content)
}

// Link adds a symbolic link. A target outside of the tree is an error: what it would show is not the source's.
func (t *Tree) Link(name, target string) error {
	clean, err := t.enter(name, 0)
	if err != nil {
		return err
	}
	goal := path.Join(path.Dir(clean), target)
	if path.IsAbs(target) || goal == ".." || strings.HasPrefix(goal, "../") {
		return fmt.Errorf("link %s leads out of the source tree", clean)
	}
	t.links[clean] = goal
	return nil
}

// place checks a name and counts it.
func (t *Tree) place(name string) (string, error) {
	clean := path.Clean(name)
	if path.IsAbs(clean) || clean == "." || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", fmt.Errorf("entry %q leaves the source tree", name)
	}
	if strings.ContainsRune(name, 0) {
		return "", fmt.Errorf("entry %q has a zero byte in its name", name)
	}
	if depth := strings.Count(clean, "/") + 1; t.limits.Depth > 0 && depth > t.limits.Depth {
		return "", fmt.Errorf("entry %q is deeper than %d folders", clean[:min(len(clean), 60)]+"…", t.limits.Depth)
	}
	if t.entries++; t.entries > t.limits.Entries {
		return "", fmt.Errorf("the source tree has more than %d entries", t.limits.Entries)
	}
	return clean, nil
}

func (t *Tree) enter(name string, size int64) (string, error) {
	clean, err := t.place(name)
	if err != nil {
		return "", err
	}
	_, file := t.files[clean]
	if _, link := t.links[clean]; file || link {
		return "", fmt.Errorf("the source tree has %s twice", clean)
	}
	if t.bytes += size; t.bytes > t.limits.Bytes {
		return "", fmt.Errorf("the source tree is larger than %d MiB", t.limits.Bytes>>20)
	}
	return clean, nil
}

// FileSystem is the tree with all links followed, read only. A link whose target does not exist is left out, as git
// would show it.
func (t *Tree) FileSystem() (filesys.FileSystem, error) {
	all := newMemory()
	for _, name := range slices.Sorted(maps.Keys(t.files)) {
		if err := all.add(name, t.files[name]); err != nil {
			return nil, err
		}
		if size, omitted := t.omitted[name]; omitted {
			all.omitted["/"+name] = size
		}
	}
	shown := int64(0)
	for _, name := range slices.Sorted(maps.Keys(t.links)) {
		goal, err := t.follow(name)
		if err != nil {
			return nil, err
		}
		for file, content := range t.below(goal) {
			// Links can multiply what is there; the bounds are the same.
			if shown += int64(len(content)); shown > t.limits.Bytes {
				return nil, fmt.Errorf("the links of the source tree show more than %d MiB", t.limits.Bytes>>20)
			}
			if t.entries++; t.entries > t.limits.Entries {
				return nil, fmt.Errorf("the links of the source tree show more than %d entries", t.limits.Entries)
			}
			as := path.Join(name, strings.TrimPrefix(file, goal))
			if err := all.add(as, content); err != nil {
				return nil, err
			}
			if size, omitted := t.omitted[file]; omitted {
				all.omitted["/"+as] = size
			}
		}
	}
	return all.settle(), nil
}

// follow resolves links on the way, also those in the middle of a path.
func (t *Tree) follow(name string) (string, error) {
	for range 40 {
		next, changed := t.step(name)
		if !changed {
			return name, nil
		}
		if next == ".." || strings.HasPrefix(next, "../") {
			return "", fmt.Errorf("link %s leads out of the source tree", name)
		}
		name = next
	}
	return "", fmt.Errorf("link %s leads in a circle", name)
}

func (t *Tree) step(name string) (string, bool) {
	parts := strings.Split(name, "/")
	for i := range parts {
		if goal, found := t.links[strings.Join(parts[:i+1], "/")]; found {
			return path.Join(append([]string{goal}, parts[i+1:]...)...), true
		}
	}
	return name, false
}

func (t *Tree) below(goal string) map[string][]byte {
	if content, found := t.files[goal]; found {
		return map[string][]byte{goal: content}
	}
	all := map[string][]byte{}
	for file, content := range t.files {
		if goal == "." || strings.HasPrefix(file, goal+"/") {
			all[file] = content
		}
	}
	return all
}
