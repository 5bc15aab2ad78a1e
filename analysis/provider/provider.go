// Package provider is the door to metrics systems: what one is asked (Query), what it said (Sample), and the one HTTP
// transport that the adapters below share. Conditions are not evaluated here: a provider returns what the metric said.
package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Deps is what providers are made of.
type Deps struct {
	// HTTP is the way out; every provider that speaks HTTP takes it.
	HTTP *Transport
	// PrometheusAddress is asked when a metric names none (ARGO_ROLLOUTS_PROMETHEUS_ADDRESS).
	PrometheusAddress string
}

// A Query is one measurement to take. Arguments are resolved in Metric.
type Query struct {
	Run    *v1alpha1.AnalysisRun
	Metric v1alpha1.Metric
	Now    time.Time
}

// A Sample is what a metrics system said.
type Sample = analysis.Sample

// A Provider asks one metrics system. An error means it could not answer; it bears no credentials.
// A Provider may be asked several things at the same time.
type Provider interface {
	Measure(ctx context.Context, q Query) (Sample, error)
}

// A Describer has something to say about the metric as a whole (the resolved query), kept in the result's metadata.
// It is given the metric with secrets masked.
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

// A Catalog holds the providers of a program by the JSON names of their kinds.
type Catalog map[string]Provider

// Find returns the provider that a metric names (see analysis.Providers).
func (c Catalog) Find(metric v1alpha1.Metric) (Provider, error) {
	names := analysis.Providers(metric.Provider)
	if len(names) == 0 {
		return nil, fmt.Errorf("metric %q names no provider", metric.Name)
	}
	if p := c[names[0]]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("metric provider %q is not part of this build", names[0])
}
