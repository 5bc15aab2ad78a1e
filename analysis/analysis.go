// Package analysis judges a rollout by measurements: which templates make up a run, which measurements are due, and
// what the samples amount to. Asking the metrics systems is left to analysis/provider, running all this to the shell.
//
// A pass over a run is a sandwich: Due says what to measure, the shell measures (Resolve, then a provider, then
// Measured), and Assess says what the run's status is now, what to tell people and when to look again.
package analysis

import (
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Templates are the AnalysisTemplates of one namespace and the cluster's, by name, as far as they exist.
type Templates struct {
	Namespaced map[string]*v1alpha1.AnalysisTemplate
	Cluster    map[string]*v1alpha1.ClusterAnalysisTemplate
}

// An Event is one line for the people who watch a run (spec 5.3).
type Event struct {
	Reason  string
	Message string
	Warning bool
}

// A Sample is what a metrics system said.
type Sample struct {
	// Result is what conditions see as `result`.
	Result any
	// Value is the measurement's value as text.
	Value string
	// Metadata of the measurement.
	Metadata map[string]string
	// Phase is set by providers that judge by themselves (job); conditions are then not evaluated.
	Phase   v1alpha1.AnalysisPhase
	Message string
}

// An Action is what can be done about a metric.
type Action string

// The three actions.
const (
	Measure   Action = "Measure"   // take a new measurement
	Resume    Action = "Resume"    // look again at one that takes longer than a call
	Terminate Action = "Terminate" // give such a one up
)

// A Task is one action that is due.
type Task struct {
	Action Action
	// Index of the metric in the spec of the run, and the metric as it stands there: arguments are not resolved.
	Index  int
	Metric v1alpha1.Metric
	// Unfinished is the measurement to resume or to terminate.
	Unfinished v1alpha1.Measurement
}

// A Taken is the answer to a task.
type Taken struct {
	// Index of the metric in the spec of the run.
	Index int
	// Measurement as it is now; without FinishedAt it takes longer.
	Measurement v1alpha1.Measurement
	// Description is what the provider has to say about the metric as a whole, secrets masked.
	Description map[string]string
}

// An Agenda is what one pass over a run has to do.
type Agenda struct {
	Tasks []Task
	// Refusal says why the run cannot be executed. The pass then ends with Refuse.
	Refusal string
}

// An Outcome is what a pass over a run ends with.
type Outcome struct {
	Status v1alpha1.AnalysisRunStatus
	// Events are published once Status holds.
	Events []Event
	// Wake is when to look again if nothing changes; zero: never.
	Wake time.Time
}
