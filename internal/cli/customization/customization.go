// Package customization runs the tests that lie beside Argo CD's resource customizations (argocd-spec 2.2, 2.5), in the
// layout that Argo CD keeps its own in, and says which held. It finds and compares; what a script answers, health/lua
// knows.
package customization

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/health/lua"
)

// Outcome is one test.
type Outcome struct {
	// Group and Kind are the folders that it lies in.
	Group, Kind string
	// Test says what was asked: "health testdata/x.yaml", "discovery testdata/x.yaml", "action NAME testdata/x.yaml".
	Test string
	// Failure is empty when the test held.
	Failure string
	Took    time.Duration
}

// Options of a run.
type Options struct {
	// OpenLibs opens all libraries to health checks, as Argo CD does for those it ships; actions never get them.
	OpenLibs bool
	// Limit is how long a script may run; Argo CD's is a second.
	Limit time.Duration
	// Now is the clock.
	Now func() time.Time
}

// suite is a file of tests under way.
type suite struct {
	context.Context
	fs.FS
	Options
	host *lua.Host
	dir  string // of the file
	out  []Outcome
}

// Run runs every health_test.yaml and action_test.yaml below the root. An error means that one could not be read; a test
// that does not hold is an outcome.
func Run(ctx context.Context, root fs.FS, o Options) ([]Outcome, error) {
	s := &suite{Context: ctx, FS: root, Options: o, host: lua.New(lua.Limits{})}
	err := fs.WalkDir(root, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		s.dir = path.Dir(name)
		switch path.Base(name) {
		case "health_test.yaml":
			return read(s, name, s.health)
		case "action_test.yaml":
			return read(s, name, s.actions)
		}
		return ctx.Err()
	})
	return s.out, err
}

// read decodes a file of tests strictly: a field with a slip of the pen would test nothing.
func read[T any](s *suite, name string, run func(T)) error {
	text, err := fs.ReadFile(s, name)
	if err != nil {
		return err
	}
	var tests T
	if err := yaml.UnmarshalStrict(text, &tests); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	before := len(s.out)
	run(tests)
	if len(s.out) == before {
		return fmt.Errorf("read %s: it holds no tests", name)
	}
	return nil
}

// test notes one outcome. The group and the kind are the last folders that are not part of the layout of actions.
func (s *suite) test(name string, run func() error) {
	dir := s.dir
	if path.Base(dir) == "actions" {
		dir = path.Dir(dir)
	}
	out := Outcome{Group: path.Base(path.Dir(dir)), Kind: path.Base(dir), Test: name}
	if out.Group == "." {
		out.Group = ""
	}
	start := s.Now()
	if err := run(); err != nil {
		out.Failure = err.Error()
	}
	out.Took = s.Now().Sub(start)
	s.out = append(s.out, out)
}

// script is a text beside the tests.
func (s *suite) script(name ...string) (string, error) {
	text, err := fs.ReadFile(s, path.Join(append([]string{s.dir}, name...)...))
	return string(text), err
}

// decode reads a YAML file that a test names. Beside actions, the kind's own folder may hold it.
func (s *suite) decode(name string, into any) error {
	text, err := fs.ReadFile(s, path.Join(s.dir, name))
	if err != nil && path.Base(s.dir) == "actions" {
		if above, other := fs.ReadFile(s, path.Join(path.Dir(s.dir), name)); other == nil {
			text, err = above, nil
		}
	}
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

func (s *suite) object(name string) (map[string]any, error) {
	object := map[string]any{}
	err := s.decode(name, &object)
	if err == nil && len(object) == 0 {
		err = fmt.Errorf("read %s: there is no object in it", name)
	}
	return object, err
}

func (s *suite) bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s, s.Limit)
}

// Failed counts what did not hold.
func Failed(outcomes []Outcome) int {
	n := 0
	for _, o := range outcomes {
		if o.Failure != "" {
			n++
		}
	}
	return n
}

func sorted(actions []lua.Action) []lua.Action {
	return slices.SortedFunc(slices.Values(actions), func(a, b lua.Action) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return 0
	})
}
