package simulation

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// The objects that random worlds are made of.

func labelSelector(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

func (w *World) service(name string) *corev1.Service {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "shop"}, Ports: []corev1.ServicePort{{Port: 80}}}}
	w.birth(s)
	return s
}

func ingress(name, service string) *networkingv1.Ingress {
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: service, Port: networkingv1.ServiceBackendPort{Number: 80}}}
	return &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: Namespace}, Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{
		Host:             "shop.example",
		IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Path: "/", Backend: backend}}}},
	}}}}
}

// someTemplate measures twice, two seconds apart: below 0.05 is good, above 0.5 bad, and nobody knows in between.
func someTemplate() *v1alpha1.AnalysisTemplate {
	count := intstr.FromInt32(2)
	return &v1alpha1.AnalysisTemplate{ObjectMeta: metav1.ObjectMeta{Name: "errors", Namespace: Namespace}, Spec: v1alpha1.AnalysisTemplateSpec{Metrics: []v1alpha1.Metric{{
		Name: "errors", Interval: "2s", Count: &count, SuccessCondition: "result < 0.05", FailureCondition: "result > 0.5",
		Provider: v1alpha1.MetricProvider{Web: &v1alpha1.WebMetric{URL: "http://metrics/errors"}},
	}}}}
}
