package nginx

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

const (
	canarySuffix = "-canary"
	longestName  = 253 // of an Ingress

	canaryKey = "canary"
	weightKey = "canary-weight"
	totalKey  = "canary-weight-total"
)

// canaryName is the name of the canary Ingress beside a stable one (spec 2.5).
func (x *Router) canaryName(stable string) string {
	name := x.rollout.Name + "-" + stable
	return name[:min(len(name), longestName-len(canarySuffix))] + canarySuffix
}

// owns tells whether the Rollout controls o.
func (x *Router) owns(o *unstructured.Unstructured) bool {
	controller := metav1.GetControllerOfNoCopy(o)
	return controller != nil && controller.UID == x.rollout.UID
}

// fresh is a canary Ingress that says nothing yet.
func (x *Router) fresh(stable *unstructured.Unstructured, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetAPIVersion(stable.GetAPIVersion())
	o.SetKind("Ingress")
	o.SetName(name)
	o.SetNamespace(x.rollout.Namespace)
	o.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(x.rollout, v1alpha1.RolloutGroupVersionKind)})
	return o
}

// weigh gives the canary Ingress the rules of the stable one, the weight, and every annotation it has to have beside.
func (x *Router) weigh(canary, stable *unstructured.Unstructured, want traffic.Split) (changed bool, err error) {
	spec, err := desiredSpec(stable, want)
	if err != nil {
		return false, err
	}
	have, err := traffic.Child(canary.Object, "spec")
	if err != nil {
		return false, err
	}
	if have == nil {
		have = map[string]any{}
		canary.Object["spec"] = have
	}
	for _, field := range []string{"ingressClassName", "tls", "rules"} {
		changed = replace(have, field, spec[field]) || changed
	}
	annotated, err := x.annotate(canary, stable, want.Weight)
	return changed || annotated, err
}

// desiredSpec is what the canary Ingress takes over: TLS, the class, and the rules that lead to the stable Service,
// with that backend replaced.
func desiredSpec(stable *unstructured.Unstructured, want traffic.Split) (map[string]any, error) {
	canaryService, stableService := want.Names(false)
	copied := map[string]any{}
	spec, err := traffic.Child(stable.Object, "spec")
	if err != nil {
		return nil, err
	}
	rules, err := traffic.Items(spec, "rules")
	if err != nil {
		return nil, err
	}
	var kept []map[string]any
	for _, rule := range rules {
		uses, err := traffic.RuleUses(rule, stableService)
		if err != nil {
			return nil, err
		}
		if uses {
			kept = append(kept, runtime.DeepCopyJSON(rule))
		}
	}
	if len(kept) == 0 {
		return nil, noRules(stable.GetName(), stableService)
	}
	for _, rule := range kept {
		if err := renameBackends(rule, stableService, canaryService); err != nil {
			return nil, err
		}
	}
	copied["rules"] = traffic.Listed(kept)
	for _, field := range []string{"ingressClassName", "tls"} {
		if spec[field] != nil {
			copied[field] = runtime.DeepCopyJSONValue(spec[field])
		}
	}
	return copied, nil
}

func renameBackends(rule map[string]any, from, to string) error {
	paths, err := traffic.Items(rule, "http", "paths")
	for _, path := range paths {
		name, err := traffic.Backend(path)
		if err != nil {
			return err
		}
		if name == from {
			service, _ := traffic.Child(path, "backend", "service")
			service["name"] = to
		}
	}
	return err
}

// annotate sets what the canary Ingress has to have; other annotations that it has got stay.
func (x *Router) annotate(canary, stable *unstructured.Unstructured, weight int32) (changed bool, err error) {
	annotations, err := traffic.Annotations(canary)
	if err != nil {
		return false, err
	}
	given, err := traffic.Annotations(stable)
	if err != nil {
		return false, err
	}
	if class, ok := given[traffic.IngressClassAnnotation]; ok {
		annotations[traffic.IngressClassAnnotation] = class
	}
	delete(annotations, x.key(totalKey))
	routed := annotations[routeAnnotation] != ""
	for key, value := range x.extras() {
		if !routed || !x.isHeaderKey(key) { // a header route stands before what the user set for the same keys
			annotations[key] = value
		}
	}
	annotations[x.key(canaryKey)] = "true"
	annotations[x.key(weightKey)] = strconv.Itoa(int(weight))
	if total := x.rollout.Spec.Strategy.Canary.TrafficRouting.MaxTrafficWeight; total != nil {
		annotations[x.key(totalKey)] = strconv.Itoa(int(*total))
	}
	return traffic.Annotate(canary, annotations)
}

// extras are the annotations that the Rollout asks for beside the router's own.
func (x *Router) extras() map[string]string {
	extras := map[string]string{}
	for key, value := range x.config.AdditionalIngressAnnotations {
		if !strings.HasPrefix(key, x.prefix+"/") {
			key = x.key(key)
		}
		extras[key] = value
	}
	for key, value := range x.config.CanaryIngressAnnotations {
		extras[key] = value
	}
	return extras
}

func (x *Router) key(name string) string { return x.prefix + "/" + name }

// replace sets or removes a field and tells whether that changed anything. Both values are compared as JSON, in which
// 1 and 1.0 are the same.
func replace(spec map[string]any, field string, value any) bool {
	if value == nil {
		_, had := spec[field]
		delete(spec, field)
		return had
	}
	if same(spec[field], value) {
		return false
	}
	spec[field] = value
	return true
}

func same(a, b any) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
