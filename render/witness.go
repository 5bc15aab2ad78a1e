package render

import (
	"crypto/sha256"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// A Witness is a tree that remembers every question it was asked and what it answered. Render is a function of its
// options and of those answers, so whoever finds the same answers in another tree has its result too.
type Witness struct {
	filesys.FileSystem
	seen map[question]answer
}

type (
	question struct {
		about byte
		path  string
	}
	answer [sha256.Size]byte
	// An Observation is one question with its answer.
	Observation struct {
		question
		answer
	}
)

const (
	entryKind byte = iota // is it there, and is it a folder
	content
	listing
	matches
	below
)

// NewWitness watches what is read of a tree.
func NewWitness(tree filesys.FileSystem) *Witness {
	return &Witness{tree, map[question]answer{}}
}

// Observations are the questions so far, in a fixed order.
func (w *Witness) Observations() []Observation {
	all := make([]Observation, 0, len(w.seen))
	for q, a := range w.seen {
		all = append(all, Observation{q, a})
	}
	slices.SortFunc(all, func(a, b Observation) int {
		if a.about != b.about {
			return int(a.about) - int(b.about)
		}
		return strings.Compare(a.path, b.path)
	})
	return all
}

// Holds asks another tree the same, and reports whether it says the same to everything.
func Holds(all []Observation, tree filesys.FileSystem) bool {
	for _, o := range all {
		if ask(tree, o.question) != o.answer {
			return false
		}
	}
	return true
}

// Size is roughly what an observation takes in memory.
func (o Observation) Size() int { return len(o.path) + 2*sha256.Size }

func (w *Witness) note(about byte, path string) {
	if about != matches {
		path = rooted(path)
	}
	q := question{about, path}
	if _, asked := w.seen[q]; !asked {
		w.seen[q] = ask(w.FileSystem, q)
	}
}

// ask answers a question with a digest. What it does not cover (the size of a file that is listed) must not be used.
func ask(tree filesys.FileSystem, q question) answer {
	switch q.about {
	case entryKind:
		switch {
		case tree.IsDir(q.path):
			return answer{1}
		case tree.Exists(q.path):
			return answer{2}
		}
	case content:
		if data, err := tree.ReadFile(q.path); err == nil {
			return sha256.Sum256(data)
		}
	case listing:
		if names, err := tree.ReadDir(q.path); err == nil {
			return digest(names)
		}
	case matches:
		if names, err := tree.Glob(q.path); err == nil {
			return digest(names)
		}
	case below:
		var names []string
		err := tree.Walk(q.path, func(name string, info fs.FileInfo, err error) error {
			if err != nil {
				return err
			}
			if info.IsDir() {
				name += "/"
			}
			names = append(names, name)
			return nil
		})
		if err == nil {
			return digest(names)
		}
	}
	return answer{}
}

// digest of names, none of which has a zero byte.
func digest(names []string) answer {
	h := sha256.New()
	for _, name := range names {
		h.Write([]byte(name))
		h.Write([]byte{0})
	}
	return answer(h.Sum(nil))
}

// Exists implements filesys.FileSystem.
func (w *Witness) Exists(name string) bool {
	w.note(entryKind, name)
	return w.FileSystem.Exists(name)
}

// IsDir implements filesys.FileSystem.
func (w *Witness) IsDir(name string) bool {
	w.note(entryKind, name)
	return w.FileSystem.IsDir(name)
}

// CleanedAbs implements filesys.FileSystem.
func (w *Witness) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	w.note(entryKind, name)
	return w.FileSystem.CleanedAbs(name)
}

// ReadFile implements filesys.FileSystem.
func (w *Witness) ReadFile(name string) ([]byte, error) {
	w.note(content, name)
	return w.FileSystem.ReadFile(name)
}

// ReadDir implements filesys.FileSystem.
func (w *Witness) ReadDir(name string) ([]string, error) {
	w.note(listing, name)
	return w.FileSystem.ReadDir(name)
}

// Glob implements filesys.FileSystem.
func (w *Witness) Glob(pattern string) ([]string, error) {
	w.note(matches, pattern)
	return w.FileSystem.Glob(pattern)
}

// Walk implements filesys.FileSystem.
func (w *Witness) Walk(name string, visit filepath.WalkFunc) error {
	w.note(below, name)
	return w.FileSystem.Walk(name, visit)
}
