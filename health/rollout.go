package health

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const unobserved = "Waiting for rollout spec update to be observed"

// rollout follows argocd-spec 2.3 row by row; the first that matches wins. Our addition is the message of a rollback.
func rollout(obj *unstructured.Unstructured) (Health, error) {
	for _, rule := range []func(*unstructured.Unstructured) (Health, bool){
		notObserved, phase, brokenCondition, paused, unreconciled, replicas, cutover,
	} {
		if h, decided := rule(obj); decided {
			return withRollback(obj, h), nil
		}
	}
	return Health{Status: Healthy}, nil
}

func notObserved(obj *unstructured.Unstructured) (Health, bool) {
	status, found, _ := unstructured.NestedMap(obj.Object, "status")
	if !found || len(status) == 0 {
		return Health{Progressing, unobserved}, true
	}
	// Text that is no number, such as a hash, and a number that is too large, count as observed.
	observed, err := strconv.ParseFloat(text(obj, "status", "observedGeneration"), 64)
	if generation := float64(obj.GetGeneration()); err == nil && observed < generation {
		return Health{Progressing, unobserved}, true
	}
	_, byReference, _ := unstructured.NestedMap(obj.Object, "spec", "workloadRef")
	wanted := obj.GetAnnotations()[v1alpha1.WorkloadGenerationAnnotation]
	if byReference && obj.GetAnnotations() != nil && wanted != text(obj, "status", "workloadObservedGeneration") {
		return Health{Progressing, unobserved}, true
	}
	return Health{}, false
}

func phase(obj *unstructured.Unstructured) (Health, bool) {
	word, message := text(obj, "status", "phase"), text(obj, "status", "message")
	switch word {
	case "":
		return Health{}, false
	case "Paused":
		return Health{Suspended, message}, true
	}
	return Health{Status(word), message}, true
}

// brokenCondition, and what follows it, are for controllers that write no phase.
func brokenCondition(obj *unstructured.Unstructured) (Health, bool) {
	for _, c := range conditions(obj) {
		if c.Type == "InvalidSpec" ||
			c.Type == "Progressing" && (c.Reason == "RolloutAborted" || c.Reason == "ProgressDeadlineExceeded") {
			return Health{Degraded, c.Message}, true
		}
	}
	return Health{}, false
}

func paused(obj *unstructured.Unstructured) (Health, bool) {
	pauses, _, _ := unstructured.NestedSlice(obj.Object, "status", "pauseConditions")
	byHand, _, _ := unstructured.NestedBool(obj.Object, "spec", "paused")
	return Health{Suspended, "Rollout is paused"}, len(pauses) > 0 || byHand
}

func unreconciled(obj *unstructured.Unstructured) (Health, bool) {
	return Health{Progressing, "Waiting for rollout to finish: not reconciled yet"}, text(obj, "status", "currentPodHash") == ""
}

func replicas(obj *unstructured.Unstructured) (Health, bool) {
	wanted := int64(1)
	if n, found := number(obj, "spec", "replicas"); found {
		wanted = n
	}
	updated, _ := number(obj, "status", "updatedReplicas")
	available, _ := number(obj, "status", "availableReplicas")
	switch {
	case updated < wanted:
		return Health{Progressing, "Waiting for roll out to finish: More replicas need to be updated"}, true
	case available < updated:
		return Health{Progressing, "Waiting for roll out to finish: updated replicas are still becoming available"}, true
	}
	return Health{}, false
}

func cutover(obj *unstructured.Unstructured) (Health, bool) {
	current, stable := text(obj, "status", "currentPodHash"), text(obj, "status", "stableRS")
	_, blueGreen, _ := unstructured.NestedMap(obj.Object, "spec", "strategy", "blueGreen")
	_, canary, _ := unstructured.NestedMap(obj.Object, "spec", "strategy", "canary")
	all, _ := number(obj, "status", "replicas")
	updated, _ := number(obj, "status", "updatedReplicas")
	switch {
	case blueGreen && text(obj, "status", "blueGreen", "activeSelector") != current:
		return Health{Progressing, "active service cutover pending"}, true
	case blueGreen && stable != "" && stable != current:
		return Health{Progressing, "waiting for analysis to complete"}, true
	case canary && all > updated:
		return Health{Progressing, "Waiting for roll out to finish: old replicas are pending termination"}, true
	case canary && stable != current:
		return Health{Progressing, "Waiting for rollout to finish steps"}, true
	}
	return Health{}, false
}

// withRollback makes a Degraded rollout say what is wanted, what serves and what decided. An annotation that speaks
// of another revision than the current one is a leftover, and one that cannot be read is no reason to say less than
// the status does.
func withRollback(obj *unstructured.Unstructured, h Health) Health {
	if h.Status != Degraded {
		return h
	}
	rollback, err := v1alpha1.RollbackOf(obj.GetAnnotations())
	if err != nil || rollback == nil || rollback.Wanted.Hash != text(obj, "status", "currentPodHash") {
		return h
	}
	return Health{Degraded, rollback.String()}
}
