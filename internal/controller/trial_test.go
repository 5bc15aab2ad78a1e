package controller

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func TestTemplateErrors(t *testing.T) {
	causes := func(list ...metav1.StatusCause) metav1.Status {
		return metav1.Status{Details: &metav1.StatusDetails{Causes: list}}
	}
	for name, tc := range map[string]struct {
		in   metav1.Status
		want []v1alpha1.TemplateError
	}{
		"causes about the template keep their path and text": {
			causes(metav1.StatusCause{Type: metav1.CauseTypeFieldValueRequired, Field: "spec.template.spec.containers[0].image", Message: "Required value"}),
			[]v1alpha1.TemplateError{{Field: "spec.template.spec.containers[0].image", Type: "FieldValueRequired", Message: "Required value"}},
		},
		"other causes are no fault of the template": {
			causes(metav1.StatusCause{Field: "metadata.name", Message: "too long"}, metav1.StatusCause{Field: "spec.templates", Message: "?"}), nil,
		},
		"our own label is taken out of what is quoted": {
			causes(metav1.StatusCause{Field: "spec.template.metadata.labels", Message: `Invalid value: {"app":"x","rollouts-pod-template-hash":"h1"}: no`}),
			[]v1alpha1.TemplateError{{Field: "spec.template.metadata.labels", Message: `Invalid value: {"app":"x"}: no`}},
		},
		"an answer without details has none": {metav1.Status{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := templateErrors(tc.in, "h1"); !slices.Equal(got, tc.want) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestUnprivilege(t *testing.T) {
	yes := true
	spec := corev1.PodSpec{Containers: []corev1.Container{{SecurityContext: &corev1.SecurityContext{Privileged: &yes, RunAsNonRoot: &yes}}, {}}}
	if !unprivilege(&spec) || spec.Containers[0].SecurityContext.Privileged != nil || spec.Containers[0].SecurityContext.RunAsNonRoot == nil {
		t.Errorf("spec = %+v", spec)
	}
	if unprivilege(&spec) {
		t.Error("nothing is privileged any more, and yet it says that it changed something")
	}
}
