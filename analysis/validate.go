package analysis

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const (
	errorLimit = 4                // consecutive errors tolerated when the metric says nothing
	kept       = 10               // measurements kept per metric when no rule says otherwise
	errorDelay = 10 * time.Second // between measurements after an error, or when there is no interval
)

// A metric is what the assessment needs of one metric: arguments resolved, texts read.
type metric struct {
	v1alpha1.Metric
	interval, delay                                 time.Duration
	count, failures, inconclusives, errs, successes int
	dryRun                                          bool
	keep                                            int
}

// endless reports whether no number of measurements completes the metric.
func (m metric) endless() bool { return m.count == 0 && m.Interval != "" }

// wanted is the number of measurements that completes the metric, unless it is endless.
func (m metric) wanted() int { return max(m.count, 1) }

// read makes the metrics of a run ready to be executed: arguments resolved with secrets masked, rules checked.
// The error is the message of a run that cannot be executed (spec 5.3).
func read(spec v1alpha1.AnalysisRunSpec) ([]metric, error) {
	args := Masked(spec.Args)
	var resolved []v1alpha1.Metric
	for _, m := range spec.Metrics {
		one, err := Resolve(m, args)
		if err != nil {
			return nil, unresolvable(err)
		}
		resolved = append(resolved, one)
	}
	metrics, err := validate(resolved)
	if err == nil {
		err = applyRules(metrics, spec)
	}
	if err != nil {
		return nil, fmt.Errorf("Analysis spec invalid: %w", err)
	}
	return metrics, nil
}

// validate reads metrics whose arguments are resolved.
func validate(resolved []v1alpha1.Metric) ([]metric, error) {
	if len(resolved) == 0 {
		return nil, errors.New("no metrics specified")
	}
	var metrics []metric
	names := map[string]bool{}
	for i, m := range resolved {
		if names[m.Name] {
			return nil, fmt.Errorf("metrics[%d]: duplicate name '%s'", i, m.Name)
		}
		names[m.Name] = true
		one, err := parse(m)
		if err != nil {
			return nil, fmt.Errorf("metrics[%d]: %w", i, err)
		}
		metrics = append(metrics, one)
	}
	return metrics, nil
}

// parse reads one metric and checks it, rule by rule in the order of the spec.
func parse(m v1alpha1.Metric) (metric, error) {
	one := metric{Metric: m, keep: kept}
	for _, rule := range []func(*metric) error{numbers, limits, counts, durations, providers} {
		if err := rule(&one); err != nil {
			return one, err
		}
	}
	return one, nil
}

func numbers(m *metric) error {
	for _, n := range []struct {
		name   string
		value  *intstr.IntOrString
		absent int
		to     *int
	}{
		{"count", m.Count, 0, &m.count},
		{"failureLimit", m.FailureLimit, 0, &m.failures},
		{"inconclusiveLimit", m.InconclusiveLimit, 0, &m.inconclusives},
		{"consecutiveErrorLimit", m.ConsecutiveErrorLimit, errorLimit, &m.errs},
		{"consecutiveSuccessLimit", m.ConsecutiveSuccessLimit, 0, &m.successes},
	} {
		*n.to = n.absent
		switch {
		case n.value == nil:
		case n.value.Type == intstr.Int:
			*n.to = n.value.IntValue()
		default:
			number, err := strconv.Atoi(n.value.StrVal)
			if err != nil {
				return fmt.Errorf("invalid %s string: %w", n.name, err)
			}
			*n.to = number
		}
	}
	return nil
}

func limits(m *metric) error {
	switch {
	case m.successes < 0:
		return errors.New("consecutiveSuccessLimit must be >= 0")
	case m.failures < -1:
		return errors.New("failureLimit must be >= 0, or -1 to be disabled")
	case m.failures == -1 && m.successes == 0:
		return errors.New("failureLimit and consecutiveSuccessLimit cannot both be disabled")
	case m.inconclusives < 0:
		return errors.New("inconclusiveLimit must be >= 0")
	case m.errs < 0:
		return errors.New("consecutiveErrorLimit must be >= 0")
	}
	return nil
}

func counts(m *metric) error {
	switch {
	case m.count <= 0:
		m.count = 0
	case m.failures >= 0 && m.count < m.failures+m.successes:
		return fmt.Errorf("count (%d) must be >= failureLimit + consecutiveSuccessLimit (%d + %d) if both >= 0", m.count, m.failures, m.successes)
	case m.count < m.successes:
		return errors.New("count must be >= consecutiveSuccessLimit")
	case m.count < m.inconclusives:
		return errors.New("count must be >= inconclusiveLimit")
	case m.count > 1 && m.Interval == "":
		return errors.New("interval must be specified when count > 1")
	}
	return nil
}

func durations(m *metric) error {
	var err error
	if m.Interval != "" {
		if m.interval, err = time.ParseDuration(string(m.Interval)); err != nil {
			return fmt.Errorf("invalid interval string: %w", err)
		}
	}
	if m.InitialDelay != "" {
		if m.delay, err = time.ParseDuration(string(m.InitialDelay)); err != nil {
			return fmt.Errorf("invalid startDelay string: %w", err)
		}
	}
	return nil
}

func providers(m *metric) error {
	switch len(Providers(m.Provider)) {
	case 0:
		return errors.New("no provider specified")
	case 1:
		return nil
	}
	return errors.New("multiple providers specified")
}

// Providers are the keys of the catalog that a metric names: the kinds of provider by JSON name, or the names of
// plugins. A metric that can be measured names exactly one.
func Providers(p v1alpha1.MetricProvider) []string {
	var names []string
	for _, choice := range v1alpha1.Chosen(p) {
		names = append(names, cmp.Or(choice.Plugin, choice.Name))
	}
	return names
}

// applyRules marks the metrics that dry-run and retention rules mean. Names in rules are unanchored regular
// expressions; of several retention rules for a metric the last one counts.
func applyRules(metrics []metric, spec v1alpha1.AnalysisRunSpec) error {
	mark := func(pattern string, what func(*metric)) (found bool) {
		expression, err := regexp.Compile(pattern)
		for i := range metrics {
			if err == nil && expression.MatchString(metrics[i].Name) {
				what(&metrics[i])
				found = true
			}
		}
		return found
	}
	for i, rule := range spec.DryRun {
		if !mark(rule.MetricName, func(m *metric) { m.dryRun = true }) {
			return fmt.Errorf("dryRun[%d]: Rule didn't match any metric name(s)", i)
		}
	}
	for i, rule := range spec.MeasurementRetention {
		if !mark(rule.MetricName, func(m *metric) {
			if m.keep = kept; rule.Limit > 0 {
				m.keep = int(rule.Limit)
			}
		}) {
			return fmt.Errorf("measurementRetention[%d]: Rule didn't match any metric name(s)", i)
		}
	}
	return nil
}
