// Package provider is the door to metrics systems: what one is asked (Query), what it said (Sample), and the one HTTP
// transport that the adapters below share. Conditions are not evaluated here: a provider returns what the metric said.
package provider

import (
	"context"
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// A Query is one measurement to take. Arguments are resolved in Metric.
type Query struct {
	Run    *v1alpha1.AnalysisRun
	Metric v1alpha1.Metric
	Now    time.Time
}

// A Sample is what a metrics system said.
type Sample struct {
	Result   any               // what conditions see as `result`
	Value    string            // the measurement's value as text
	Metadata map[string]string // of the measurement
	// Phase is set by providers that judge by themselves (job); conditions are then not evaluated.
	Phase   v1alpha1.AnalysisPhase
	Message string
}

// A Provider asks one metrics system. An error means it could not answer.
type Provider interface {
	Measure(ctx context.Context, q Query) (Sample, error)
}

// A Describer has something to say about the metric as a whole (the resolved query), kept in the result's metadata.
type Describer interface {
	Describe(metric v1alpha1.Metric) map[string]string
}

// A LongRunner is a Provider whose answer takes longer than one call, such as a Job. The handle is kept in the
// measurement's metadata, so a restart loses nothing.
type LongRunner interface {
	Start(ctx context.Context, q Query) (handle map[string]string, err error)
	Poll(ctx context.Context, q Query, handle map[string]string) (s Sample, done bool, err error)
	Stop(ctx context.Context, q Query, handle map[string]string) error
}
