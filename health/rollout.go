package health

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const unobserved = "Waiting for rollout spec update to be observed"

// rollout follows argocd-spec 2.3 row by row; the first that matches wins. Our addition is the message of a rollback.
// resource_customizations/argoproj.io/Rollout/health.lua says the same in Lua, also of objects that no API server would
// take: a field of another type than it should have is as good as none.
func rollout(obj *unstructured.Unstructured) (Health, error) {
	r := reading(obj)
	for _, rule := range []func(*rolloutFields) (Health, bool){
		(*rolloutFields).notObserved, (*rolloutFields).phase, (*rolloutFields).broken, (*rolloutFields).paused,
		(*rolloutFields).unreconciled, (*rolloutFields).replicas, (*rolloutFields).cutover,
	} {
		if h, decided := rule(&r); decided {
			return r.withRollback(h), nil
		}
	}
	return Health{Status: Healthy}, nil
}

// rolloutFields is a Rollout in its parts, none of them copied.
type rolloutFields struct {
	metadata, annotations, spec, status fields
	annotated, reconciled               bool
}

func reading(obj *unstructured.Unstructured) (r rolloutFields) {
	r.metadata, _ = fieldsOf(obj.Object["metadata"])
	r.annotations, r.annotated = fieldsOf(r.metadata["annotations"])
	r.spec, _ = fieldsOf(obj.Object["spec"])
	r.status, r.reconciled = fieldsOf(obj.Object["status"])
	return r
}

func (r *rolloutFields) notObserved() (Health, bool) {
	if !r.reconciled {
		return Health{Progressing, unobserved}, true
	}
	generation, _ := numberOf(r.metadata["generation"])
	if observed, known := generationOf(r.status["observedGeneration"]); known && observed < generation {
		return Health{Progressing, unobserved}, true
	}
	_, byReference := fieldsOf(r.spec["workloadRef"])
	wanted, observed := r.annotations.text(v1alpha1.WorkloadGenerationAnnotation), r.status.text("workloadObservedGeneration")
	return Health{Progressing, unobserved}, byReference && r.annotated && wanted != observed
}

// generationOf reads a number written as text. A hash, such as controllers of old wrote, counts as observed, and so does
// what is too long to be a generation.
func generationOf(v any) (float64, bool) {
	digits, isText := v.(string)
	if !isText {
		return numberOf(v)
	}
	if len(digits) > 15 {
		return 0, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return float64(n), err == nil
}

func (r *rolloutFields) phase() (Health, bool) {
	word, message := r.status.text("phase"), r.status.text("message")
	switch Status(word) {
	case "":
		return Health{}, false
	case "Paused":
		return Health{Suspended, message}, true
	case Healthy, Suspended, Progressing, Missing, Degraded, Unknown:
		return Health{Status(word), message}, true
	}
	return Health{Unknown, "unknown phase: " + word}, true
}

// broken, and what follows it, are for controllers that write no phase.
func (r *rolloutFields) broken() (Health, bool) {
	list, _ := r.status["conditions"].([]any)
	for _, entry := range list {
		c, _ := fieldsOf(entry)
		kind, reason := c.text("type"), c.text("reason")
		if kind == "InvalidSpec" || kind == "Progressing" && (reason == "RolloutAborted" || reason == "ProgressDeadlineExceeded") {
			return Health{Degraded, c.text("message")}, true
		}
	}
	return Health{}, false
}

func (r *rolloutFields) paused() (Health, bool) {
	pauses, byHand := false, r.spec["paused"] == true
	list, _ := r.status["pauseConditions"].([]any)
	for _, entry := range list {
		pauses = pauses || entry != nil
	}
	return Health{Suspended, "Rollout is paused"}, pauses || byHand
}

func (r *rolloutFields) unreconciled() (Health, bool) {
	return Health{Progressing, "Waiting for rollout to finish: not reconciled yet"}, r.status.text("currentPodHash") == ""
}

func (r *rolloutFields) replicas() (Health, bool) {
	wanted, given := numberOf(r.spec["replicas"])
	if !given {
		wanted = 1
	}
	updated, _ := numberOf(r.status["updatedReplicas"])
	available, _ := numberOf(r.status["availableReplicas"])
	switch {
	case updated < wanted:
		return Health{Progressing, "Waiting for roll out to finish: More replicas need to be updated"}, true
	case available < updated:
		return Health{Progressing, "Waiting for roll out to finish: updated replicas are still becoming available"}, true
	}
	return Health{}, false
}

func (r *rolloutFields) cutover() (Health, bool) {
	current, stable := r.status.text("currentPodHash"), r.status.text("stableRS")
	strategy, _ := fieldsOf(r.spec["strategy"])
	_, blueGreen := fieldsOf(strategy["blueGreen"])
	_, canary := fieldsOf(strategy["canary"])
	switched, _ := fieldsOf(r.status["blueGreen"])
	all, _ := numberOf(r.status["replicas"])
	updated, _ := numberOf(r.status["updatedReplicas"])
	switch {
	case blueGreen && switched.text("activeSelector") != current:
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

// withRollback makes a Degraded rollout say what is wanted, what serves and what decided. Details of another revision
// than the current one are a leftover, and those that cannot be read are no reason to say less than the status does.
func (r *rolloutFields) withRollback(h Health) Health {
	details := r.annotations.text(v1alpha1.RollbackAnnotation)
	if h.Status != Degraded || details == "" {
		return h
	}
	if message, hash, ok := readRollback(details); ok && hash == r.status.text("currentPodHash") {
		return Health{Degraded, message}
	}
	return h
}
