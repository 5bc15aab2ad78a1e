package traffic

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// IngressRef names an Ingress of networking.k8s.io/v1.
func IngressRef(namespace, name string) Ref {
	return Ref{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress", Namespace: namespace, Name: name}
}

// IngressClass is the class of an Ingress: the annotation kubernetes.io/ingress.class, or else its class name.
func IngressClass(o *unstructured.Unstructured) string {
	if class := o.GetAnnotations()[IngressClassAnnotation]; class != "" {
		return class
	}
	class, _ := Text(o.Object, "spec", "ingressClassName")
	return class
}

// IngressClassAnnotation is the older way to say which controller an Ingress is for.
const IngressClassAnnotation = "kubernetes.io/ingress.class"

// Backend is the Service that a path of an Ingress leads to; empty when it leads elsewhere.
func Backend(path map[string]any) (string, error) {
	return Text(path, "backend", "service", "name")
}

// RuleUses tells whether any path of a rule of an Ingress leads to the Service.
func RuleUses(rule map[string]any, service string) (bool, error) {
	paths, err := Items(rule, "http", "paths")
	for _, path := range paths {
		if name, err := Backend(path); err != nil || name == service {
			return err == nil, err
		}
	}
	return false, err
}

// IngressUses tells whether any rule of the Ingress leads to the Service.
func IngressUses(o *unstructured.Unstructured, service string) (bool, error) {
	rules, err := Items(o.Object, "spec", "rules")
	for _, rule := range rules {
		if uses, err := RuleUses(rule, service); err != nil || uses {
			return uses, err
		}
	}
	return false, err
}
