// Package routertest is the conformance kit that every router runs: cases in YAML say what a split does to objects
// and what is told of it, and from each case follow the promises of traffic.Router that need no case of their own: an
// edit is deterministic and idempotent, touches nothing that the router does not own, keeps fields that nobody knows,
// reads back the weight that went in, does not depend on the weights before, and never panics on a broken object.
package routertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// New makes the router under test.
type New func(r *v1alpha1.Rollout, o traffic.Options) (traffic.Router, error)

// A Case is one file: a Rollout, the objects that are there, and splits one after the other.
type Case struct {
	About   string            `json:"about"`
	Rollout *v1alpha1.Rollout `json:"rollout"`
	Options traffic.Options   `json:"options,omitempty"`
	Before  []json.RawMessage `json:"before"`
	Steps   []Step            `json:"steps"`
}

// A Step edits what the step before left.
type Step struct {
	About string        `json:"about"`
	Split traffic.Split `json:"split"`
	// After are the objects that changed or are new; all others have to stay as they were.
	After []json.RawMessage `json:"after,omitempty"`
	// Events as "Reason · message", with "Warning " in front of warnings.
	Events []string `json:"events,omitempty"`
	// Again are the events of the same edit done once more: none but for those that tell of no change.
	Again []string `json:"again,omitempty"`
	// Error is the text of the error. The step then leaves everything as it was.
	Error string `json:"error,omitempty"`
}

// Run plays all cases in dir.
func Run(t *testing.T, dir string, create New) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s (%v)", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) { run(t, load(t, file), create) })
	}
}

// load reads a case. Objects and Rollout without namespace are in "default"; the Rollout's UID is "uid" unless given.
func load(t *testing.T, file string) Case {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c Case
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if c.About == "" || c.Rollout == nil || len(c.Steps) == 0 {
		t.Fatalf("%s: about, rollout and steps are required", file)
	}
	if c.Rollout.Namespace == "" {
		c.Rollout.Namespace = namespace
	}
	if c.Rollout.UID == "" {
		c.Rollout.UID = "uid"
	}
	return c
}

const namespace = "default"

// objects reads objects as a case has them.
func objects(t reporter, list []json.RawMessage) traffic.Objects {
	t.Helper()
	objs := traffic.Objects{}
	for _, text := range list {
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if o.GetNamespace() == "" {
			o.SetNamespace(namespace)
		}
		objs[refOf(o)] = o
	}
	return objs
}

// refOf names an object.
func refOf(o *unstructured.Unstructured) traffic.Ref {
	gvk := o.GroupVersionKind()
	return traffic.Ref{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind, Namespace: o.GetNamespace(), Name: o.GetName()}
}

func run(t *testing.T, c Case, create New) {
	router, err := create(c.Rollout, c.Options)
	if err != nil {
		t.Fatal(err)
	}
	objs := objects(t, c.Before)
	for i, step := range c.Steps {
		name := step.About
		if name == "" {
			t.Fatalf("step %d has no about", i)
		}
		t.Run(name, func(t *testing.T) {
			objs = play(t, router, objs, step)
		})
		if t.Failed() {
			return
		}
	}
}

// A reporter takes note of broken promises: a *testing.T, or what looks whether the kit breaks a faulty router.
type reporter interface {
	Helper()
	Errorf(format string, a ...any)
	Fatalf(format string, a ...any)
}

// play does one step and returns the objects after it.
func play(t reporter, router traffic.Router, before traffic.Objects, step Step) traffic.Objects {
	after := copyOf(before)
	events, err := router.Edit(after, step.Split)
	compare(t, "events", texts(events), step.Events)
	stays(t, router, before, step)
	if step.Error != "" {
		if err == nil || err.Error() != step.Error {
			t.Fatalf("error %v, want %q", err, step.Error)
		}
		return before
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
	want := copyOf(before)
	for ref, o := range objects(t, step.After) {
		want[ref] = o
	}
	compare(t, "objects", after, want)
	checkTwice(t, router, before, after, step)
	checkOwnership(t, router, before, after, step)
	if meter, ok := router.(traffic.Meter); ok && !step.Split.RoutesOnly {
		if weight, known := meter.Weight(after); !known || weight != step.Split.Weight {
			t.Errorf("weight read back is %d (%v), want %d", weight, known, step.Split.Weight)
		}
		checkWeights(t, router, after, step.Split)
	}
	return after
}

func texts(events []traffic.Event) []string {
	var all []string
	for _, e := range events {
		text := e.Reason + " · " + e.Message
		if e.Warning {
			text = "Warning " + text
		}
		all = append(all, text)
	}
	return all
}

func copyOf(objs traffic.Objects) traffic.Objects {
	copied := traffic.Objects{}
	for ref, o := range objs {
		copied[ref] = o.DeepCopy()
	}
	return copied
}
