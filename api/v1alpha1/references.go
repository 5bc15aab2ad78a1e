package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// References is what somebody found of the objects that a Rollout names. What is not in a map does not exist.
// It is only read.
//
// +kubebuilder:object:generate=false
type References struct {
	// Services by name.
	Services map[string]*corev1.Service
	// Ingresses by name.
	Ingresses map[string]*networkingv1.Ingress
	// VirtualServices by the name that the spec uses (name or name.namespace).
	VirtualServices map[string]*unstructured.Unstructured
	// VirtualServiceErrors is what is wrong with the routes of a VirtualService, by the same name.
	VirtualServiceErrors map[string]string
	// AnalysisTemplates by name, nested ones included.
	AnalysisTemplates map[string]*AnalysisTemplate
	// ClusterAnalysisTemplates by name, nested ones included.
	ClusterAnalysisTemplates map[string]*ClusterAnalysisTemplate
	// NotFound is what the API server said about a missing object, by "<kind>/<name>", e.g. "VirtualService/web".
	// Without an entry the usual text is used.
	NotFound map[string]string
	// AnalysisErrors is what is wrong with the content of the templates, in the order of the spec: first all that is
	// before the promotion, then after it, then the steps, then the background analysis.
	AnalysisErrors []ReferenceError
	// TemplateErrors is what the API server said to the pod template in a dry run, in its order.
	TemplateErrors []TemplateError
	// WorkloadError is why the referenced workload could not be read. Empty: it could, or there is none.
	WorkloadError string
}

// A ReferenceError is a fault of a referenced object.
//
// +kubebuilder:object:generate=false
type ReferenceError struct {
	// Path of the reference, e.g. spec.strategy.canary.steps[0].analysis.templates.
	Path string
	// Value that is reported, e.g. "templateNames: [a b]".
	Value any
	// Message says what is wrong.
	Message string
}

// A TemplateError is one cause of a refusal of the API server (metav1.StatusCause).
//
// +kubebuilder:object:generate=false
type TemplateError struct {
	// Field is its path in the ReplicaSet, which is that in the Rollout: spec.template.…
	Field string
	// Type is the cause's type, e.g. FieldValueInvalid.
	Type string
	// Message starts with the class, e.g. `Invalid value: "App_1": a lowercase RFC 1123 label must …`.
	Message string
}
