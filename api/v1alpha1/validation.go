package v1alpha1

import (
	"errors"
	"fmt"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A rule looks at one thing that can be wrong with a Rollout, and reports nothing when it is right.
// Rules stand in chains, because the first error is the one that a user sees (spec 12.1).
type rule func(*Rollout) field.ErrorList

func check(r *Rollout, chain ...rule) field.ErrorList {
	var errs field.ErrorList
	for _, rule := range chain {
		errs = append(errs, rule(r)...)
	}
	return errs
}

var specPath = field.NewPath("spec")

var beforeTemplate = []rule{replicasAreNotNegative, selectorIsGiven, templateIsNotGivenTwice, selectorIsReadable}

var afterTemplate = []rule{numbersAreNotNegative, deadlineIsLongEnough, oneStrategy, blueGreenIsSound, canaryIsSound}

// ValidateSpec reports everything that is wrong with a Rollout by itself, in the order of spec 12.2.
// Of the pod template it checks what can be known without an API server.
func ValidateSpec(r *Rollout) field.ErrorList { return validateSpec(r, nil) }

// ValidateObserved is ValidateSpec with what an API server was observed to say: to the pod template, in its place in
// the order, and about the referenced workload, without which nothing else can be judged.
func ValidateObserved(r *Rollout, refs References) field.ErrorList {
	if refs.WorkloadError != "" {
		return field.ErrorList{{Type: field.ErrorTypeInternal, Detail: refs.WorkloadError}}
	}
	return validateSpec(r, refs.TemplateErrors)
}

// Validate reports everything that is wrong with a Rollout and with the objects it names, in the order of
// spec 12.2 and 12.3. A controller shows the first, by InvalidSpecMessage.
func Validate(r *Rollout, refs References) field.ErrorList {
	errs := ValidateObserved(r, refs)
	if refs.WorkloadError != "" {
		return errs
	}
	return append(errs, ValidateReferences(r, refs)...)
}

func validateSpec(r *Rollout, observed []TemplateError) field.ErrorList {
	errs := check(r, beforeTemplate...)
	errs = append(errs, validateTemplate(r, observed)...)
	return append(errs, check(r, afterTemplate...)...)
}

// ErrorText is the text of an error: its path, its class, the value and what is wrong. A fault of the referenced
// workload has no path and no class.
func ErrorText(err *field.Error) string {
	if err.Field == "" {
		return err.Detail
	}
	return err.Error()
}

// InvalidSpecMessage is the message of the condition InvalidSpec for an error.
func InvalidSpecMessage(r *Rollout, err *field.Error) string {
	return fmt.Sprintf(MessageInvalidSpec, r.Name, ErrorText(err))
}

func replicasAreNotNegative(r *Rollout) field.ErrorList {
	return apivalidation.ValidateNonnegativeField(int64(ReplicasOrDefault(r)), specPath.Child("replicas"))
}

func selectorIsGiven(r *Rollout) field.ErrorList {
	path, selector := specPath.Child("selector"), r.Spec.Selector
	if selector == nil {
		if r.Spec.WorkloadRef != nil {
			return nil
		}
		return field.ErrorList{field.Required(path, "Rollout has missing field '.spec.selector'")}
	}
	errs := metav1validation.ValidateLabelSelector(selector, metav1validation.LabelSelectorValidationOptions{}, path)
	if len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		errs = append(errs, field.Invalid(path, selector, "empty selector is invalid for deployment"))
	}
	return errs
}

func templateIsNotGivenTwice(r *Rollout) field.ErrorList {
	if r.Spec.WorkloadRef == nil || r.Spec.TemplateResolvedFromRef || !hasTemplate(r) {
		return nil
	}
	return field.ErrorList{field.InternalError(specPath.Child("template"),
		errors.New("template must be empty for workload reference rollout"))}
}

func selectorIsReadable(r *Rollout) field.ErrorList {
	if r.Spec.Selector == nil {
		return nil
	}
	if _, err := metav1.LabelSelectorAsSelector(r.Spec.Selector); err != nil {
		return field.ErrorList{field.Invalid(specPath.Child("selector"), r.Spec.Selector, "invalid label selector")}
	}
	return nil
}

func numbersAreNotNegative(r *Rollout) field.ErrorList {
	errs := apivalidation.ValidateNonnegativeField(int64(r.Spec.MinReadySeconds), specPath.Child("minReadySeconds"))
	errs = append(errs, apivalidation.ValidateNonnegativeField(
		int64(RevisionHistoryLimitOrDefault(r)), specPath.Child("revisionHistoryLimit"))...)
	return append(errs, apivalidation.ValidateNonnegativeField(
		int64(ProgressDeadlineSecondsOrDefault(r)), specPath.Child("progressDeadlineSeconds"))...)
}

func deadlineIsLongEnough(r *Rollout) field.ErrorList {
	deadline := ProgressDeadlineSecondsOrDefault(r)
	if deadline > r.Spec.MinReadySeconds {
		return nil
	}
	return invalid(specPath.Child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds")
}

// oneStrategy reports at the path strategy.strategy, as everybody does who speaks this API.
func oneStrategy(r *Rollout) field.ErrorList {
	path := strategyPath.Child("strategy")
	switch s := r.Spec.Strategy; {
	case s.BlueGreen == nil && s.Canary == nil:
		return field.ErrorList{field.Required(path,
			"Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'")}
	case s.BlueGreen != nil && s.Canary != nil:
		return invalid(path, "blueGreen: true canary: true", "Multiple Strategies can not be listed")
	}
	return nil
}

func invalid(path *field.Path, value any, message string) field.ErrorList {
	return field.ErrorList{field.Invalid(path, value, message)}
}
