// Package health answers: how is this object? From the object alone, in the six words that Argo CD uses, so that both
// say the same of an application (argocd-spec section 2). It leaves to others to fetch the object, and to decide what
// follows from its health.
package health

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Status is one of six words. Empty: nothing can be said of such an object, and it does not count.
type Status string

// The words, from best to worst.
const (
	Healthy     Status = "Healthy"
	Suspended   Status = "Suspended"
	Progressing Status = "Progressing"
	Missing     Status = "Missing"
	Degraded    Status = "Degraded"
	Unknown     Status = "Unknown"
)

var order = []Status{Healthy, Suspended, Progressing, Missing, Degraded, Unknown}

// Worse reports whether s is worse than t. An empty status is never worse.
func (s Status) Worse(t Status) bool { return slices.Index(order, s) > slices.Index(order, t) }

// Health is a status and, where there is more to say, a message for people.
type Health struct {
	Status  Status
	Message string
}

// hookFinalizer keeps a hook alive until its result was read; such an object is judged although it is being deleted.
const hookFinalizer = "argocd.argoproj.io/hook-finalizer"

// ignoreAnnotation with the value "true" takes an object out of the health of its application.
const ignoreAnnotation = "argocd.argoproj.io/ignore-healthcheck"

// checks are the kinds something can be said of.
var checks = map[schema.GroupKind]func(*unstructured.Unstructured) (Health, error){
	{Group: "argoproj.io", Kind: "Rollout"}:                 rollout,
	{Group: "argoproj.io", Kind: "AnalysisRun"}:             analysisRun,
	{Group: "argoproj.io", Kind: "Experiment"}:              experiment,
	{Group: "argoproj.io", Kind: "Application"}:             application,
	{Group: "apps", Kind: "Deployment"}:                     typed("v1", (*strict).deployment, deployment),
	{Group: "apps", Kind: "ReplicaSet"}:                     typed("v1", (*strict).replicaSet, replicaSet),
	{Group: "apps", Kind: "StatefulSet"}:                    typed("v1", (*strict).statefulSet, statefulSet),
	{Group: "apps", Kind: "DaemonSet"}:                      typed("v1", (*strict).daemonSet, daemonSet),
	{Kind: "Pod"}:                                           converted("v1", pod),
	{Kind: "Service"}:                                       typed("v1", (*strict).service, service),
	{Kind: "PersistentVolumeClaim"}:                         typed("v1", (*strict).claim, claim),
	{Group: "batch", Kind: "Job"}:                           typed("v1", (*strict).job, job),
	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}: autoscaler,
	{Group: "networking.k8s.io", Kind: "Ingress"}:           ingress,
	{Group: "extensions", Kind: "Ingress"}:                  ingress,
}

// Assess judges one object as it is in the cluster. The result is empty for a kind that has no health. An error means
// that the object could not be read; the result is then Unknown with the error's text.
func Assess(obj *unstructured.Unstructured) (Health, error) {
	if obj.GetDeletionTimestamp() != nil && !slices.Contains(obj.GetFinalizers(), hookFinalizer) {
		return Health{Progressing, "Pending deletion"}, nil
	}
	check, known := checks[obj.GroupVersionKind().GroupKind()]
	if !known {
		return Health{}, nil
	}
	h, err := check(obj)
	if err != nil {
		return Health{Unknown, err.Error()}, err
	}
	return h, nil
}

// Counts reports whether the object's health is part of its application's.
func Counts(obj *unstructured.Unstructured) bool {
	_, hook := obj.GetAnnotations()["argocd.argoproj.io/hook"]
	return !hook && obj.GetAnnotations()[ignoreAnnotation] != "true"
}

// Worst is the health of an application: the worst of its top-level objects, starting from Healthy. Nil stands for an
// object that is missing in the cluster: it counts only when nothing at all is there. Its message is that of the
// first object that is as bad.
func Worst(objects []*unstructured.Unstructured) Health {
	worst, live := Health{Status: Healthy}, 0
	for _, obj := range objects {
		if obj == nil {
			continue
		}
		live++
		if !Counts(obj) {
			continue
		}
		h, _ := Assess(obj) // an error is in h already
		if child := obj.GroupVersionKind().GroupKind() == applicationKind; child && (h.Status == Missing || h.Status == Unknown) {
			continue // as in Argo CD: it says so of itself
		}
		if h.Status.Worse(worst.Status) {
			worst = h
		}
	}
	if live == 0 && len(objects) > 0 {
		return Health{Missing, "no object of the application is in the cluster"}
	}
	return worst
}
