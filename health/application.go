package health

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var applicationKind = schema.GroupKind{Group: "argoproj.io", Kind: "Application"}

// application is as healthy as its controller says that it is; until then it is on its way. What is none of the six
// words is Unknown.
func application(obj *unstructured.Unstructured) (Health, error) {
	status, _ := fieldsOf(obj.Object["status"])
	told, _ := fieldsOf(status["health"])
	switch h := (Health{Status(told.text("status")), told.text("message")}); h.Status {
	case "":
		return Health{Progressing, h.Message}, nil
	case Healthy, Suspended, Progressing, Missing, Degraded, Unknown:
		return h, nil
	}
	return Health{Unknown, "unknown health: " + told.text("status")}, nil
}
