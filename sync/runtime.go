package sync

import (
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// rolloutStatus is what a Rollout's status says of its way.
type rolloutStatus struct {
	observed        bool   // the status speaks of the present spec
	current, stable string // hashes: of the spec, and of what serves
	aborted         bool
	step, steps     int64
	message         string
}

func readRollout(live *unstructured.Unstructured) rolloutStatus {
	s := rolloutStatus{
		current: text(live, "status", "currentPodHash"),
		stable:  text(live, "status", "stableRS"),
		message: text(live, "status", "message"),
	}
	generation, err := strconv.ParseInt(text(live, "status", "observedGeneration"), 10, 64)
	s.observed = err != nil || generation >= live.GetGeneration()
	s.step, _, _ = unstructured.NestedInt64(live.Object, "status", "currentStepIndex")
	steps, _, _ := unstructured.NestedSlice(live.Object, "spec", "strategy", "canary", "steps")
	s.steps = int64(len(steps))
	abort, _, _ := unstructured.NestedBool(live.Object, "status", "abort")
	s.aborted = abort || text(live, "status", "phase") == "Degraded" && abortedCondition(live)
	return s
}

func abortedCondition(live *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(entry any) bool {
		c, _ := entry.(map[string]any)
		return c["type"] == "Progressing" && c["reason"] == "RolloutAborted"
	})
}

// rollback is what the controller wrote about it, when that is about the present revision; else what the status alone
// tells, so that a controller that writes no such annotation is understood too.
func (s rolloutStatus) rollback(live *unstructured.Unstructured) *v1alpha1.Rollback {
	if r, err := v1alpha1.RollbackOf(live.GetAnnotations()); err == nil && r != nil && r.Wanted.Hash == s.current {
		return r
	}
	r := &v1alpha1.Rollback{
		Wanted:  v1alpha1.RollbackRevision{Images: images(live), Hash: s.current, Revision: live.GetAnnotations()[v1alpha1.RevisionAnnotation]},
		Serving: v1alpha1.RollbackRevision{Hash: s.stable},
		Message: s.message,
	}
	since := &metav1.Time{}
	if err := since.UnmarshalQueryParameter(text(live, "status", "abortedAt")); err == nil {
		r.Since = *since
	}
	return r
}

func images(obj *unstructured.Unstructured) []string {
	containers, _, _ := unstructured.NestedSlice(obj.Object, "spec", "template", "spec", "containers")
	var names []string
	for _, entry := range containers {
		if c, ok := entry.(map[string]any); ok {
			if image, ok := c["image"].(string); ok {
				names = append(names, image)
			}
		}
	}
	return names
}

func text(obj *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(obj.Object, path...)
	return s
}
