package analysis

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// What stands for values that only exist once an update runs.
const (
	dummyStableHash = "dummy-stable-hash"
	dummyNewHash    = "dummy-new-hash"
	dummyValue      = "dummy-value"
)

// A place is one analysis in the spec of a Rollout.
type place struct {
	path   string
	inline bool // something waits for it; otherwise it runs in the background
	v1alpha1.RolloutAnalysis
}

// places are all analyses of a Rollout, in the order in which they are checked.
func places(rollout *v1alpha1.Rollout) []place {
	var all []place
	strategy := rollout.Spec.Strategy
	if bg := strategy.BlueGreen; bg != nil {
		if bg.PrePromotionAnalysis != nil {
			all = append(all, place{"spec.strategy.blueGreen.prePromotionAnalysis.templates", true, *bg.PrePromotionAnalysis})
		}
		if bg.PostPromotionAnalysis != nil {
			all = append(all, place{"spec.strategy.blueGreen.postPromotionAnalysis.templates", true, *bg.PostPromotionAnalysis})
		}
	}
	if canary := strategy.Canary; canary != nil {
		for i, step := range canary.Steps {
			if step.Analysis != nil {
				all = append(all, place{fmt.Sprintf("spec.strategy.canary.steps[%d].analysis.templates", i), true, *step.Analysis})
			}
		}
		if canary.Analysis != nil {
			all = append(all, place{"spec.strategy.canary.analysis.templates", false, canary.Analysis.RolloutAnalysis})
		}
	}
	return all
}

// Check says what is wrong with the content of the templates that a Rollout names, for References.AnalysisErrors
// (spec 12.3). A template that does not exist is not reported here: validation sees that by itself.
func Check(rollout *v1alpha1.Rollout, t Templates) []v1alpha1.ReferenceError {
	var wrong []v1alpha1.ReferenceError
	for _, p := range places(rollout) {
		all, err := t.named(p.Templates)
		if err != nil {
			continue
		}
		if _, err := Spec(p.RolloutAnalysis, t, dummies(p.RolloutAnalysis, rollout)); err != nil {
			wrong = append(wrong, v1alpha1.ReferenceError{Path: p.path, Value: names(p.Templates), Message: err.Error()})
			continue
		}
		if p.inline {
			wrong = append(wrong, unresolved(p.path, all)...)
		}
	}
	return wrong
}

// Warnings are what a person should know about templates that are accepted (spec 18): a metric that would run for
// ever, where something waits for it, is bounded (see Bound).
func Warnings(rollout *v1alpha1.Rollout, t Templates) []v1alpha1.ReferenceError {
	var warnings []v1alpha1.ReferenceError
	for _, p := range places(rollout) {
		all, err := t.named(p.Templates)
		if err != nil || !p.inline {
			continue
		}
		for _, one := range all {
			for _, m := range Unbounded(v1alpha1.AnalysisRunSpec{Metrics: one.Metrics}) {
				warnings = append(warnings, v1alpha1.ReferenceError{Path: p.path, Value: one.name, Message: fmt.Sprintf(
					"AnalysisTemplate %s has metric %s with an interval and no count: its first success completes it, failureLimit fails it", one.name, m)})
			}
		}
	}
	return warnings
}

// names prints references as validation reports them.
func names(refs []v1alpha1.TemplateRef) string {
	var list []string
	for _, ref := range refs {
		list = append(list, ref.TemplateName)
	}
	return fmt.Sprintf("templateNames: [%s]", strings.Join(list, " "))
}

// dummies are the arguments that a Rollout gives, as far as they can be known: a field that is not there yet (a status
// before the first deployment) may be there when the run is made.
func dummies(ra v1alpha1.RolloutAnalysis, rollout *v1alpha1.Rollout) []v1alpha1.Argument {
	var args []v1alpha1.Argument
	for _, arg := range ra.Args {
		known, err := value(arg, rollout, dummyStableHash, dummyNewHash)
		if err != nil {
			known = dummyValue
		}
		args = append(args, v1alpha1.Argument{Name: arg.Name, Value: &known})
	}
	return args
}

// unresolved checks that each metric finds the arguments that it names.
func unresolved(path string, all []template) []v1alpha1.ReferenceError {
	var args []v1alpha1.Argument
	for _, one := range all {
		for _, arg := range one.Args {
			args = append(args, v1alpha1.Argument{Name: arg.Name, Value: new(dummyValue)})
		}
	}
	var wrong []v1alpha1.ReferenceError
	for _, one := range all {
		if err := one.resolves(args); err != nil {
			wrong = append(wrong, v1alpha1.ReferenceError{Path: path, Value: one.name, Message: err.Error()})
		}
	}
	return wrong
}

func (t template) resolves(args []v1alpha1.Argument) error {
	for _, arg := range t.Args {
		if arg.Value != nil && arg.ValueFrom != nil {
			return errors.New("arg '" + arg.Name + "' has both Value and ValueFrom fields")
		}
	}
	for _, m := range t.Metrics {
		if _, err := Resolve(m, args); err != nil {
			return fmt.Errorf("AnalysisTemplate %s: %w", t.name, err)
		}
	}
	return nil
}
