package v1alpha1

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// strategyPath is where faults of either strategy are reported: the paths leave out the word canary or blueGreen
// (spec 12.2; trap 23).
var strategyPath = specPath.Child("strategy")

func blueGreenIsSound(r *Rollout) field.ErrorList {
	if r.Spec.Strategy.BlueGreen == nil || r.Spec.Strategy.Canary != nil {
		return nil
	}
	return check(r, previewIsAnotherService, historyKeepsDelayedRevisions, func(r *Rollout) field.ErrorList {
		return validateAntiAffinity(r.Spec.Strategy.BlueGreen.AntiAffinity)
	})
}

func previewIsAnotherService(r *Rollout) field.ErrorList {
	s := r.Spec.Strategy.BlueGreen
	if s.ActiveService != s.PreviewService {
		return nil
	}
	return invalid(strategyPath.Child("activeService"), s.ActiveService,
		"This rollout uses the same service for the active and preview services, but two different services are required.")
}

func historyKeepsDelayedRevisions(r *Rollout) field.ErrorList {
	limit := r.Spec.Strategy.BlueGreen.ScaleDownDelayRevisionLimit
	if limit == nil || *limit <= RevisionHistoryLimitOrDefault(r) {
		return nil
	}
	return invalid(strategyPath.Child("scaleDownDelayRevisionLimit"), *limit,
		"This rollout's revision history limit can not be smaller than the rollout's scale down limit")
}

func validateAntiAffinity(a *AntiAffinity) field.ErrorList {
	if a == nil {
		return nil
	}
	path := strategyPath.Child("antiAffinity")
	preferred, required := a.PreferredDuringSchedulingIgnoredDuringExecution, a.RequiredDuringSchedulingIgnoredDuringExecution
	var errs field.ErrorList
	if (preferred == nil) == (required == nil) {
		value := fmt.Sprintf("antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: %t "+
			"antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: %t", preferred != nil, required != nil)
		errs = append(errs, field.Invalid(path, value, "AntiAffinity must have exactly one strategy listed"))
	}
	if preferred != nil && (preferred.Weight < 1 || preferred.Weight > 100) {
		errs = append(errs, field.Invalid(path.Child("weight"), preferred.Weight, "AntiAffinity weight must be between 1-100"))
	}
	return errs
}
