package engine

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// trackingAnnotation ties an object to its application; its form is that of Argo CD (argocd-spec 3.4):
// application:group/Kind:namespace/name.
const trackingAnnotation = "argocd.argoproj.io/tracking-id"

// track writes the annotation. Definitions of kinds get none: they outlive applications.
func track(obj *unstructured.Unstructured, a Application) {
	if obj.GetKind() == "CustomResourceDefinition" {
		return
	}
	annotations := obj.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	namespace := obj.GetNamespace()
	if namespace == "" {
		namespace = a.Namespace
	}
	annotations[trackingAnnotation] = a.Name + ":" + about(obj, namespace)
	obj.SetAnnotations(annotations)
}

// about is the part of the id that names the object itself.
func about(obj *unstructured.Unstructured, namespace string) string {
	return obj.GroupVersionKind().Group + "/" + obj.GetKind() + ":" + namespace + "/" + obj.GetName()
}

// trackedBy is the application that an object belongs to. An id that is about another object was copied along with
// other annotations, as onto a canary ingress, and ties nothing.
func trackedBy(obj *unstructured.Unstructured) string {
	application, rest, found := strings.Cut(obj.GetAnnotations()[trackingAnnotation], ":")
	if !found {
		return ""
	}
	if obj.GetNamespace() == "" { // the id has the namespace of the application then
		kind, name, _ := strings.Cut(rest, ":")
		_, name, _ = strings.Cut(name, "/")
		if kind == obj.GroupVersionKind().Group+"/"+obj.GetKind() && name == obj.GetName() {
			return application
		}
		return ""
	}
	if rest != about(obj, obj.GetNamespace()) {
		return ""
	}
	return application
}
