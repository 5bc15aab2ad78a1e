// Package sync answers two questions that must not be mixed. Does the cluster hold what Git says (spec drift)? And
// does what Git says also serve (runtime drift)? Compare answers both at once and gives the reason; Decide says what
// follows: when to sync, what to prune, and when to hold, so that a revision that was taken back is never started
// again by a machine.
//
// It leaves to others to render Git (package render), to compare field by field and to apply (sync/engine), to fetch
// (sync/git), and to say how an object is (package health).
package sync

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Status is the word that people and other programs see.
type Status string

// The words of argocd-spec section 4.
const (
	Synced    Status = "Synced"
	OutOfSync Status = "OutOfSync"
	// Unknown: Git or the cluster could not be read.
	Unknown Status = "Unknown"
)

// Reason says why a verdict is what it is. Empty: Git and the cluster agree, and there is nothing to add.
type Reason string

// The reasons, from the one that matters most.
const (
	// RolledBack: the cluster holds what Git wants, but it was aborted and another revision serves.
	RolledBack Reason = "RolledBack"
	// Missing: Git has the object, the cluster does not.
	Missing Reason = "Missing"
	// Extraneous: the cluster has the object, Git does not.
	Extraneous Reason = "Extraneous"
	// Drift: both have it, and fields differ.
	Drift Reason = "Drift"
	// RollingOut: the cluster holds what Git wants, and a rollout is on its way there. No drift.
	RollingOut Reason = "RollingOut"
)

var reasons = []Reason{RolledBack, Missing, Extraneous, Drift, RollingOut, ""}

// A Key names an object of the cluster.
type Key struct{ Group, Kind, Namespace, Name string }

// KeyOf is the key of an object.
func KeyOf(obj *unstructured.Unstructured) Key {
	kind := obj.GroupVersionKind()
	return Key{kind.Group, kind.Kind, obj.GetNamespace(), obj.GetName()}
}

// String is the key as people write it: Kind namespace/name.
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Kind + " " + k.Name
	}
	return k.Kind + " " + k.Namespace + "/" + k.Name
}

// An Object is one object as Git wants it and as the cluster has it.
type Object struct {
	// Desired is what was rendered. Nil: Git does not have the object.
	Desired *unstructured.Unstructured
	// Live is what the cluster has. Nil: it does not have the object.
	Live *unstructured.Unstructured
	// Changes are the paths that an apply would change, after Adopt. Only read when there are both.
	Changes []string
}

// Key is that of the object in the cluster, or of the one that is wanted.
func (o Object) Key() Key {
	if o.Live != nil {
		return KeyOf(o.Live)
	}
	return KeyOf(o.Desired)
}

// A Verdict is the answer for one object.
type Verdict struct {
	Status Status
	Reason Reason
	// Fields differ; only with Drift.
	Fields []string
	// Step is the zero-based step of a rollout on its way and Steps how many there are; only with RollingOut.
	Step, Steps int64
	// Rollback has the details; only with RolledBack.
	Rollback *v1alpha1.Rollback
	// Commit is what Git wants.
	Commit string
}

// Compare is the verdict over one object of which Git wants what is in commit.
func Compare(o Object, commit string) Verdict {
	v := Verdict{Status: OutOfSync, Commit: commit}
	switch {
	case o.Live == nil:
		v.Reason = Missing
	case o.Desired == nil:
		v.Reason = Extraneous
		if hasOption(o.Live, compareOptions, "IgnoreExtraneous") {
			v.Status = Synced
		}
	case len(o.Changes) > 0:
		v.Reason, v.Fields = Drift, o.Changes
	default:
		v.Status = Synced
		if KeyOf(o.Live).isRollout() {
			return v.runtime(o.Live)
		}
	}
	return v
}

const compareOptions = "argocd.argoproj.io/compare-options"

func hasOption(obj *unstructured.Unstructured, annotation, option string) bool {
	for _, word := range strings.Split(obj.GetAnnotations()[annotation], ",") {
		if strings.TrimSpace(word) == option {
			return true
		}
	}
	return false
}

func (k Key) isRollout() bool { return k.Group == v1alpha1.Group && k.Kind == v1alpha1.RolloutKind }

// runtime adds what a Rollout's status says to a verdict without spec drift.
func (v Verdict) runtime(live *unstructured.Unstructured) Verdict {
	s := readRollout(live)
	switch {
	case !s.observed:
		v.Reason = RollingOut
	case s.current != "" && s.current == s.stable:
	case s.aborted && s.current != "" && s.stable != "":
		v.Status, v.Reason, v.Rollback = OutOfSync, RolledBack, s.rollback(live)
	default:
		v.Reason = RollingOut
	}
	if v.Reason == RollingOut {
		v.Step, v.Steps = s.step, s.steps
	}
	return v
}

// Message is the verdict in words; empty where the status says it all.
func (v Verdict) Message() string {
	switch v.Reason {
	case RolledBack:
		return fmt.Sprintf("%s; Git wants it in commit %s", v.Rollback, v.Commit)
	case Drift:
		return "differs from Git in " + list(v.Fields, 5)
	case Missing:
		return "is in Git and not in the cluster"
	case Extraneous:
		return "is in the cluster and not in Git any more"
	case RollingOut:
		if v.Steps > 0 {
			return fmt.Sprintf("rolling out: step %d of %d", v.Step, v.Steps)
		}
		return "rolling out"
	}
	return ""
}

// drifts reports whether a sync has something to do.
func (v Verdict) drifts() bool {
	return v.Status == OutOfSync && v.Reason != RolledBack
}

func list(words []string, most int) string {
	if len(words) <= most {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
}

// Sum is the verdict over an application: OutOfSync if any object is. The reason is the one that matters most.
func Sum(verdicts []Verdict) (Status, Reason) {
	status, reason := Synced, Reason("")
	for _, v := range verdicts {
		if v.Status == OutOfSync {
			status = OutOfSync
		}
	}
	for _, candidate := range reasons {
		for _, v := range verdicts {
			if v.Reason == candidate && v.Status == status {
				return status, candidate
			}
		}
	}
	return status, reason
}
