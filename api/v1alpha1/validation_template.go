package v1alpha1

import (
	"errors"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func hasTemplate(r *Rollout) bool {
	return !reflect.DeepEqual(r.Spec.Template, corev1.PodTemplateSpec{})
}

// validateTemplate reports what is wrong with the pod template. An API server that was asked in a dry run knows all of
// it and has the word; else what needs no API server is checked here, with Kubernetes' own texts.
func validateTemplate(r *Rollout, observed []TemplateError) field.ErrorList {
	if r.Spec.WorkloadRef != nil && !r.Spec.TemplateResolvedFromRef {
		return nil
	}
	path := specPath.Child("template")
	errs := labelsMatch(r, path.Child("metadata", "labels"))
	if len(observed) > 0 {
		return append(errs, repeated(observed, len(errs) > 0)...)
	}
	t := &r.Spec.Template
	errs = append(errs, metav1validation.ValidateLabels(t.Labels, path.Child("metadata", "labels"))...)
	errs = append(errs, apivalidation.ValidateAnnotations(t.Annotations, path.Child("metadata", "annotations"))...)
	errs = append(errs, validatePod(&t.Spec, path.Child("spec"))...)
	return append(errs, podRunsForEver(&t.Spec, path.Child("spec"))...)
}

func labelsMatch(r *Rollout, path *field.Path) field.ErrorList {
	selector, err := metav1.LabelSelectorAsSelector(r.Spec.Selector)
	if err != nil || r.Spec.Selector == nil || selector.Empty() || selector.Matches(labels.Set(r.Spec.Template.Labels)) {
		return nil
	}
	return invalid(path, r.Spec.Template.Labels, mismatch)
}

func validatePod(pod *corev1.PodSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	names := map[string]bool{}
	if len(pod.Containers) == 0 {
		errs = append(errs, field.Required(path.Child("containers"), ""))
	}
	for i := range pod.Containers {
		errs = append(errs, validateContainer(&pod.Containers[i], names, path.Child("containers").Index(i))...)
	}
	for i := range pod.InitContainers {
		errs = append(errs, validateContainer(&pod.InitContainers[i], names, path.Child("initContainers").Index(i))...)
	}
	return errs
}

func validateContainer(c *corev1.Container, names map[string]bool, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch {
	case c.Name == "":
		errs = append(errs, field.Required(path.Child("name"), ""))
	case names[c.Name]:
		errs = append(errs, field.Duplicate(path.Child("name"), c.Name))
	default:
		for _, fault := range validation.IsDNS1123Label(c.Name) {
			errs = append(errs, field.Invalid(path.Child("name"), c.Name, fault))
		}
	}
	names[c.Name] = true
	switch {
	case c.Image == "":
		errs = append(errs, field.Required(path.Child("image"), ""))
	case c.Image != strings.TrimSpace(c.Image):
		errs = append(errs, field.Invalid(path.Child("image"), c.Image, "must not have leading or trailing whitespace"))
	}
	return errs
}

func podRunsForEver(pod *corev1.PodSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if pod.RestartPolicy != "" && pod.RestartPolicy != corev1.RestartPolicyAlways {
		errs = append(errs, field.NotSupported(path.Child("restartPolicy"), pod.RestartPolicy,
			[]corev1.RestartPolicy{corev1.RestartPolicyAlways}))
	}
	if pod.ActiveDeadlineSeconds != nil {
		errs = append(errs, field.Forbidden(path.Child("activeDeadlineSeconds"),
			"activeDeadlineSeconds in ReplicaSet is not Supported"))
	}
	return errs
}

const mismatch = "`selector` does not match template `labels`"

// repeated are the API server's own errors. It was asked with the hash among the labels, so that what we say about the
// labels comes first and is not said twice.
func repeated(observed []TemplateError, mismatched bool) field.ErrorList {
	var errs field.ErrorList
	for _, e := range observed {
		if !mismatched || !strings.HasSuffix(e.Message, mismatch) {
			errs = append(errs, e.fieldError())
		}
	}
	return errs
}

// fieldError repeats the API server's words to the letter.
func (e TemplateError) fieldError() *field.Error {
	class := strings.TrimPrefix(e.Message, e.Field+": ")
	for _, t := range []field.ErrorType{
		field.ErrorTypeRequired, field.ErrorTypeForbidden, field.ErrorTypeTooLong, field.ErrorTypeInternal,
		field.ErrorTypeInvalid, field.ErrorTypeNotSupported, field.ErrorTypeDuplicate, field.ErrorTypeNotFound,
		field.ErrorTypeTypeInvalid, field.ErrorTypeTooMany,
	} {
		text, ok := strings.CutPrefix(class, t.String())
		if !ok {
			continue
		}
		text = strings.TrimPrefix(text, ": ")
		switch t {
		case field.ErrorTypeRequired, field.ErrorTypeForbidden, field.ErrorTypeTooLong, field.ErrorTypeInternal:
			return &field.Error{Type: t, Field: e.Field, Detail: text}
		}
		return &field.Error{Type: t, Field: e.Field, BadValue: verbatim(text)}
	}
	return &field.Error{Type: field.ErrorTypeInternal, Field: e.Field, Detail: class}
}

// verbatim is a value, with all that follows it, that is printed as it is.
type verbatim string

func (v verbatim) String() string { return string(v) }

// MarshalJSON refuses, because field errors print a value as JSON wherever they can.
func (v verbatim) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a text from elsewhere is no JSON")
}
