package v1alpha1

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Rollback tells what was taken back and why. The controller writes it, as JSON, into RollbackAnnotation while a
// revision that the spec wants does not serve because it was aborted; health and the GitOps side read it.
type Rollback struct {
	// Wanted is the revision of the spec.
	Wanted RollbackRevision `json:"wanted"`
	// Serving is the stable revision, which has the traffic.
	Serving RollbackRevision `json:"serving"`
	// AnalysisRun is the name of the run that decided. Empty: no analysis did.
	AnalysisRun string `json:"analysisRun,omitempty"`
	// Metric is the name of the metric that decided. Empty: no metric did.
	Metric string `json:"metric,omitempty"`
	// Value is the deciding measurement, as the AnalysisRun records it.
	Value string `json:"value,omitempty"`
	// Condition is the metric's condition that the value was held against.
	Condition string `json:"condition,omitempty"`
	// Message is status.message at the time of the abort.
	Message string `json:"message,omitempty"`
	// Since is when the revision was aborted.
	Since metav1.Time `json:"since"`
}

// RollbackRevision is one side of a Rollback.
type RollbackRevision struct {
	// Images of the pod's containers, in the order of the pod template.
	Images []string `json:"images,omitempty"`
	// Hash is the pod template hash.
	Hash string `json:"hash"`
	// Revision is the decimal number in RevisionAnnotation. Empty: not known.
	Revision string `json:"revision,omitempty"`
}

// Annotation is the value of RollbackAnnotation for this rollback. The same rollback always gives the same text.
func (r Rollback) Annotation() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings and a time: there is nothing that JSON cannot say
	}
	return string(text)
}

// RollbackOf reads RollbackAnnotation. It is nil without an error when there is none.
func RollbackOf(annotations map[string]string) (*Rollback, error) {
	text, found := annotations[RollbackAnnotation]
	if !found {
		return nil, nil
	}
	r := &Rollback{}
	if err := json.Unmarshal([]byte(text), r); err != nil {
		return nil, fmt.Errorf("read annotation %s: %w", RollbackAnnotation, err)
	}
	return r, nil
}

// String is the rollback in one sentence for people: what Git wants, what serves, which measurement decided.
func (r Rollback) String() string {
	var b strings.Builder
	b.WriteString("rolled back: " + r.Wanted.String() + " is wanted, " + r.Serving.String() + " serves")
	if reason := r.Reason(); reason != "" {
		b.WriteString("; " + reason)
	}
	if !r.Since.IsZero() {
		b.WriteString("; since " + r.Since.UTC().Format(time.RFC3339))
	}
	return b.String()
}

// Reason says what decided: the AnalysisRun with metric, value and condition, else the message of the abort.
func (r Rollback) Reason() string {
	if r.AnalysisRun == "" {
		return r.Message
	}
	text := "AnalysisRun " + r.AnalysisRun
	if r.Metric != "" {
		text += ": metric " + r.Metric
	}
	if r.Value != "" {
		text += " measured " + r.Value
	}
	if r.Condition != "" {
		text += ", condition " + r.Condition
	}
	return text
}

// String names the images and, in brackets, hash and revision.
func (r RollbackRevision) String() string {
	inside := r.Hash
	if r.Revision != "" {
		inside += ", revision " + r.Revision
	}
	if len(r.Images) == 0 {
		return inside
	}
	return strings.Join(r.Images, ", ") + " (" + inside + ")"
}
