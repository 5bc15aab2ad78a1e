// Package prometheus measures with a PromQL query, at one instant or over a range (spec 5.7, prometheus).
package prometheus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/sluice-delivery/sluice/analysis/condition"
	"github.com/sluice-delivery/sluice/analysis/provider"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const timeout = 30 * time.Second // when the metric says nothing

// Prometheus is the provider.
type Prometheus struct{ deps provider.Deps }

// New returns the provider.
func New(deps provider.Deps) provider.Provider { return Prometheus{deps} }

// Describe keeps the query with its arguments in the result of the metric.
func (Prometheus) Describe(metric v1alpha1.Metric) map[string]string {
	if metric.Provider.Prometheus == nil {
		return nil
	}
	return map[string]string{"ResolvedPrometheusQuery": metric.Provider.Prometheus.Query}
}

// Measure implements provider.Provider.
func (p Prometheus) Measure(ctx context.Context, q provider.Query) (provider.Sample, error) {
	metric := q.Metric.Provider.Prometheus
	if metric == nil {
		return provider.Sample{}, errors.New("the metric has no prometheus part")
	}
	dial := provider.Dial{Timeout: timeout, Insecure: metric.Insecure, Headers: metric.Headers,
		BasicAuth: metric.Authentication.BasicAuth, OAuth2: metric.Authentication.OAuth2}
	if metric.Timeout != nil && *metric.Timeout > 0 {
		dial.Timeout = time.Duration(*metric.Timeout) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, dial.Timeout)
	defer cancel()
	session := p.deps.HTTP.Session(ctx, dial)
	sample, err := p.measure(ctx, q, session, dial)
	return sample, session.Redact(err)
}

func (p Prometheus) measure(ctx context.Context, q provider.Query, session *provider.Session, dial provider.Dial) (provider.Sample, error) {
	metric := q.Metric.Provider.Prometheus
	address, err := address(metric, p.deps.PrometheusAddress)
	if err == nil {
		err = check(metric, address, dial)
	}
	if err != nil {
		return provider.Sample{}, err
	}
	client, err := api.NewClient(api.Config{Address: address, Client: session.Client})
	if err != nil {
		return provider.Sample{}, fmt.Errorf("prometheus client: %w", err)
	}
	value, warnings, err := ask(ctx, v1.NewAPI(client), metric, q.Now)
	if err != nil {
		return provider.Sample{}, err
	}
	sample, err := read(value)
	if len(warnings) > 0 {
		sample.Metadata = map[string]string{"warnings": quoted(warnings)}
	}
	return sample, err
}

// address is the metric's own, or that of the whole installation.
func address(metric *v1alpha1.PrometheusMetric, installation string) (string, error) {
	address := cmp.Or(metric.Address, installation)
	if address == "" {
		return "", errors.New("prometheus address is not configured")
	}
	if u, err := url.ParseRequestURI(address); err != nil || u.Scheme == "" || u.Host == "" {
		return "", errors.New("prometheus address is not is url format")
	}
	return address, nil
}

// check finds what cannot be asked.
func check(metric *v1alpha1.PrometheusMetric, address string, dial provider.Dial) error {
	switch {
	case metric.Timeout != nil && *metric.Timeout < 0:
		return errors.New("prometheus timeout should not be negative")
	case strings.Contains(address, "aps-workspaces") && metric.Authentication.Sigv4 != v1alpha1.Sigv4Config{}:
		return errors.New("sigv4 authentication of prometheus metrics is not part of this build")
	}
	return dial.Check()
}

func ask(ctx context.Context, prometheus v1.API, metric *v1alpha1.PrometheusMetric, now time.Time) (model.Value, v1.Warnings, error) {
	if metric.RangeQuery == nil {
		value, warnings, _, err := prometheus.Query(ctx, metric.Query, now)
		return value, warnings, err
	}
	window, err := window(*metric.RangeQuery, now)
	if err != nil {
		return nil, nil, err
	}
	value, warnings, _, err := prometheus.QueryRange(ctx, metric.Query, window)
	return value, warnings, err
}

// window reads the range: start and end are expressions, step a duration.
func window(args v1alpha1.PrometheusRangeQueryArgs, now time.Time) (v1.Range, error) {
	start, err := condition.Time(args.Start, now)
	if err != nil {
		return v1.Range{}, fmt.Errorf("failed to parse rangeQuery.start as time: %w", err)
	}
	end, err := condition.Time(args.End, now)
	if err != nil {
		return v1.Range{}, fmt.Errorf("failed to parse rangeQuery.end as time: %w", err)
	}
	step, err := time.ParseDuration(args.Step)
	if err != nil {
		return v1.Range{}, fmt.Errorf("failed to parse rangeQuery.step as duration: %w", err)
	}
	return v1.Range{Start: start, End: end, Step: step}, nil
}

// read makes numbers of an answer. Vectors and matrices become one flat list.
func read(value model.Value) (provider.Sample, error) {
	var samples []model.SampleValue
	switch value := value.(type) {
	case *model.Scalar:
		return provider.Sample{Result: float64(value.Value), Value: value.Value.String()}, nil
	case model.Vector:
		for _, one := range value {
			samples = append(samples, one.Value)
		}
	case model.Matrix:
		for _, series := range value {
			for _, one := range series.Values {
				samples = append(samples, one.Value)
			}
		}
	default:
		return provider.Sample{}, errors.New("Prometheus metric type not supported")
	}
	numbers, texts := []float64{}, []string{}
	for _, one := range samples {
		numbers, texts = append(numbers, float64(one)), append(texts, one.String())
	}
	return provider.Sample{Result: numbers, Value: "[" + strings.Join(texts, ",") + "]"}, nil
}

func quoted(warnings v1.Warnings) string {
	var list []string
	for _, warning := range warnings {
		list = append(list, `"`+warning+`"`)
	}
	return strings.Join(list, ", ")
}
