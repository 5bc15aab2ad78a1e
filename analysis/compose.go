package analysis

import (
	"fmt"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// NotFound is a reference to a template that does not exist. Nested: a template names it, not the Rollout.
type NotFound struct {
	v1alpha1.TemplateRef
	Nested bool
}

func (e NotFound) Error() string {
	kind := v1alpha1.AnalysisTemplateKind
	if e.ClusterScope {
		kind = v1alpha1.ClusterAnalysisTemplateKind
	}
	return fmt.Sprintf("%s '%s' not found", kind, e.TemplateName)
}

// Spec makes the spec of a run out of the templates that an analysis names and the values of its arguments (spec 5.1).
// It is a copy: later changes of a template do not reach a run.
func Spec(ra v1alpha1.RolloutAnalysis, t Templates, args []v1alpha1.Argument) (v1alpha1.AnalysisRunSpec, error) {
	all, err := t.named(ra.Templates)
	if err != nil {
		return v1alpha1.AnalysisRunSpec{}, err
	}
	whole, err := merge(all)
	if err != nil {
		return v1alpha1.AnalysisRunSpec{}, err
	}
	if whole.Args, err = supply(whole.Args, args); err != nil {
		return v1alpha1.AnalysisRunSpec{}, err
	}
	return v1alpha1.AnalysisRunSpec{
		Metrics:              whole.Metrics,
		Args:                 whole.Args,
		DryRun:               append(append([]v1alpha1.DryRun(nil), ra.DryRun...), whole.DryRun...),
		MeasurementRetention: append(append([]v1alpha1.MeasurementRetention(nil), ra.MeasurementRetention...), whole.MeasurementRetention...),
	}, nil
}

// A template is one of those that make up a run.
type template struct {
	name string
	v1alpha1.AnalysisTemplateSpec
}

// named is every template that the references reach: the namespaced ones, then the cluster's, each in the order of
// first mention and each once.
func (t Templates) named(refs []v1alpha1.TemplateRef) ([]template, error) {
	var namespaced, cluster []template
	seen := map[v1alpha1.TemplateRef]bool{}
	var visit func(refs []v1alpha1.TemplateRef, nested bool) error
	visit = func(refs []v1alpha1.TemplateRef, nested bool) error {
		for _, ref := range refs {
			if seen[ref] {
				continue
			}
			seen[ref] = true
			spec := t.spec(ref)
			switch {
			case spec == nil:
				return NotFound{ref, nested}
			case ref.ClusterScope:
				cluster = append(cluster, template{ref.TemplateName, *spec})
			default:
				namespaced = append(namespaced, template{ref.TemplateName, *spec})
			}
			if err := visit(spec.Templates, true); err != nil {
				return err
			}
		}
		return nil
	}
	err := visit(refs, false)
	return append(namespaced, cluster...), err
}

// spec is a copy of one template's spec; nil when there is none of that name.
func (t Templates) spec(ref v1alpha1.TemplateRef) *v1alpha1.AnalysisTemplateSpec {
	if ref.ClusterScope {
		if found := t.Cluster[ref.TemplateName]; found != nil {
			return found.Spec.DeepCopy()
		}
	} else if found := t.Namespaced[ref.TemplateName]; found != nil {
		return found.Spec.DeepCopy()
	}
	return nil
}

// merge puts several templates together; their metrics and rules may not clash.
func merge(all []template) (v1alpha1.AnalysisTemplateSpec, error) {
	var whole v1alpha1.AnalysisTemplateSpec
	for _, one := range all {
		whole.Metrics = append(whole.Metrics, one.Metrics...)
		whole.DryRun = append(whole.DryRun, one.DryRun...)
		whole.MeasurementRetention = append(whole.MeasurementRetention, one.MeasurementRetention...)
	}
	if name, twice := repeated(whole.Metrics, func(m v1alpha1.Metric) string { return m.Name }); twice {
		return whole, fmt.Errorf("two metrics have the same name '%s'", name)
	}
	if name, twice := repeated(whole.DryRun, func(r v1alpha1.DryRun) string { return r.MetricName }); twice {
		return whole, fmt.Errorf("two Dry-Run metric rules have the same name '%s'", name)
	}
	if name, twice := repeated(whole.MeasurementRetention, func(r v1alpha1.MeasurementRetention) string { return r.MetricName }); twice {
		return whole, fmt.Errorf("two Measurement Retention metric rules have the same name '%s'", name)
	}
	for _, one := range all {
		for _, arg := range one.Args {
			if err := declare(&whole.Args, arg); err != nil {
				return whole, err
			}
		}
	}
	return whole, nil
}

// repeated finds the first name that occurs twice.
func repeated[T any](list []T, name func(T) string) (string, bool) {
	seen := map[string]bool{}
	for _, one := range list {
		if seen[name(one)] {
			return name(one), true
		}
		seen[name(one)] = true
	}
	return "", false
}

// declare adds one template's argument to those of the templates before it; what they left open, it fills in.
func declare(args *[]v1alpha1.Argument, arg v1alpha1.Argument) error {
	before := argument(*args, arg.Name)
	switch {
	case before == nil:
		*args = append(*args, arg)
		return nil
	case before.Value != nil && arg.Value != nil && *before.Value != *arg.Value:
		return fmt.Errorf("Argument `%s` specified multiple times with different values: '%s', '%s'", arg.Name, *before.Value, *arg.Value)
	case before.Value == nil:
		before.Value = arg.Value
	}
	if before.ValueFrom == nil {
		before.ValueFrom = arg.ValueFrom
	}
	return nil
}

// supply gives the declared arguments their values. What comes in replaces the default as a whole.
func supply(declared, incoming []v1alpha1.Argument) ([]v1alpha1.Argument, error) {
	for i := range declared {
		arg := &declared[i]
		if given := argument(incoming, arg.Name); given != nil {
			switch {
			case given.Value != nil:
				arg.Value, arg.ValueFrom = given.Value, nil
			case given.ValueFrom != nil:
				arg.Value, arg.ValueFrom = nil, given.ValueFrom
			}
		}
		if arg.Value == nil && arg.ValueFrom == nil {
			return nil, fmt.Errorf("args.%s was not resolved", arg.Name)
		}
	}
	return declared, nil
}

func argument(args []v1alpha1.Argument, name string) *v1alpha1.Argument {
	for i := range args {
		if args[i].Name == name {
			return &args[i]
		}
	}
	return nil
}
