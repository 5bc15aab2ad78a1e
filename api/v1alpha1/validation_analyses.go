package v1alpha1

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// analyses are the places in a spec that name templates, in the order in which they are validated.
func analyses(r *Rollout) []analysisPlace {
	var all []analysisPlace
	add := func(path *field.Path, a *RolloutAnalysis) {
		if a != nil {
			all = append(all, analysisPlace{path.Child("templates"), a.Templates})
		}
	}
	if s := r.Spec.Strategy.BlueGreen; s != nil {
		path := strategyPath.Child("blueGreen")
		add(path.Child("prePromotionAnalysis"), s.PrePromotionAnalysis)
		add(path.Child("postPromotionAnalysis"), s.PostPromotionAnalysis)
	}
	if s := r.Spec.Strategy.Canary; s != nil {
		for i := range s.Steps {
			add(canaryPath.Child("steps").Index(i).Child("analysis"), s.Steps[i].Analysis)
		}
		if s.Analysis != nil {
			add(canaryPath.Child("analysis"), &s.Analysis.RolloutAnalysis)
		}
	}
	return all
}

type analysisPlace struct {
	path      *field.Path
	templates []TemplateRef
}

func templatesExist(r *Rollout, refs References) field.ErrorList {
	var errs field.ErrorList
	for _, place := range analyses(r) {
		errs = append(errs, refs.follow(place.path, place.templates, map[TemplateRef]bool{})...)
	}
	return errs
}

// follow reports the templates that do not exist, those that others name included. Seen keeps it from going round.
func (refs References) follow(path *field.Path, templates []TemplateRef, seen map[TemplateRef]bool) field.ErrorList {
	var errs field.ErrorList
	for _, ref := range templates {
		if seen[ref] {
			continue
		}
		seen[ref] = true
		nested, ok := refs.nested(ref)
		if !ok {
			errs = append(errs, field.Invalid(path, ref.TemplateName, fmt.Sprintf("%s '%s' not found", kindOf(ref), ref.TemplateName)))
		}
		errs = append(errs, refs.follow(specPath.Child("templates"), nested, seen)...)
	}
	return errs
}

func kindOf(ref TemplateRef) string {
	if ref.ClusterScope {
		return ClusterAnalysisTemplateKind
	}
	return AnalysisTemplateKind
}

// nested are the templates that a template names, if it exists.
func (refs References) nested(ref TemplateRef) ([]TemplateRef, bool) {
	if ref.ClusterScope {
		if t := refs.ClusterAnalysisTemplates[ref.TemplateName]; t != nil {
			return t.Spec.Templates, true
		}
		return nil, false
	}
	if t := refs.AnalysisTemplates[ref.TemplateName]; t != nil {
		return t.Spec.Templates, true
	}
	return nil, false
}

func templatesFit(_ *Rollout, refs References) field.ErrorList {
	var errs field.ErrorList
	for _, e := range refs.AnalysisErrors {
		errs = append(errs, &field.Error{Type: field.ErrorTypeInvalid, Field: e.Path, BadValue: e.Value, Detail: e.Message})
	}
	return errs
}
