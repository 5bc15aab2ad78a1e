// Package operation is what a person may ask of a Rollout: promote, abort, retry, pause, resume, restart, undo, set
// image. Each function turns the wish into patches as plain data, or says why it cannot be fulfilled. Who sends them
// (kubectl plugin, dashboard, actions of a GitOps tool), and what follows from them, is left to others.
package operation

import (
	"encoding/json"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Status is the Patch.Subresource that the status of a Rollout is written through.
const Status = "status"

// A Patch is one write to one object.
type Patch struct {
	// Subresource is Status, or empty for the main resource.
	Subresource string
	// Type is a JSON merge patch or a JSON patch.
	Type types.PatchType
	// Body is the JSON to send.
	Body []byte
}

// A Change is what a person asked for, as data.
type Change struct {
	// Patches are sent in order; the first that is refused ends the change. None: there is nothing to do.
	Patches []Patch
	// Output is what the person is told when all of them held.
	Output string
}

// Combined is the one patch to the main resource that says the same as all merge patches together. It is for API
// servers that know no status subresource and answer NotFound (spec 9.7). Where the same top-level field is named
// twice the later patch counts.
func (c Change) Combined() (Patch, error) {
	all := map[string]json.RawMessage{}
	for _, p := range c.Patches {
		if p.Type != types.MergePatchType {
			return Patch{}, fmt.Errorf("a patch of type %s cannot be combined", p.Type)
		}
		if err := json.Unmarshal(p.Body, &all); err != nil {
			return Patch{}, fmt.Errorf("combine patches: %w", err)
		}
	}
	body, err := json.Marshal(all)
	return Patch{Type: types.MergePatchType, Body: body}, err
}

// Abort takes the update back: weight to stable, the new revision away.
func Abort(name string) Change {
	return Change{[]Patch{status(fields{"abort": true})}, fmt.Sprintf("rollout '%s' aborted", name)}
}

// Retry starts an aborted update again, from its first step.
func Retry(name string) Change {
	return Change{[]Patch{status(fields{"abort": false})}, fmt.Sprintf("rollout '%s' retried", name)}
}

// Pause stops the rollout by hand, wherever it is.
func Pause(name string) Change {
	return Change{[]Patch{spec(fields{"paused": true})}, fmt.Sprintf("rollout '%s' paused", name)}
}

// Restart asks for new pods of the same revision, a while from now. The while is a Go duration; empty means now.
func Restart(name string, now time.Time, in string) (Change, error) {
	if in == "" {
		in = "0s"
	}
	wait, err := time.ParseDuration(in)
	if err != nil {
		return Change{}, err
	}
	at := now.Add(wait).UTC().Format(time.RFC3339)
	return Change{[]Patch{spec(fields{"restartAt": at})}, fmt.Sprintf("rollout '%s' restarts in %s", name, in)}, nil
}

type fields map[string]any

func spec(f fields) Patch { return merge("", "spec", f) }

func status(f fields) Patch { return merge(Status, "status", f) }

func merge(subresource, field string, f fields) Patch {
	body, err := json.Marshal(map[string]fields{field: f})
	if err != nil {
		panic(err) // fields holds texts, numbers and booleans alone
	}
	return Patch{Subresource: subresource, Type: types.MergePatchType, Body: body}
}
