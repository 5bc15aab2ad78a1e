package health

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// phases maps the phase of a run to its health. A phase that is not in the map gives the empty health.
type phases map[string]Health

var (
	runPhases = phases{
		"Pending":      {Progressing, "Analysis run is running"},
		"Running":      {Progressing, "Analysis run is running"},
		"Successful":   {Healthy, "Analysis run completed successfully"},
		"Failed":       {Degraded, "Analysis run failed"},
		"Error":        {Degraded, "Analysis run had an error"},
		"Inconclusive": {Unknown, "Analysis run was inconclusive"},
	}
	experimentPhases = phases{
		"Pending":    {Progressing, "Experiment is running"},
		"Running":    {Progressing, "Experiment is running"},
		"Successful": {Healthy, "Experiment completed successfully"},
		"Failed":     {Degraded, "Experiment failed"},
		"Error":      {Degraded, "Experiment had an error"},
	}
)

func analysisRun(obj *unstructured.Unstructured) (Health, error) {
	return runPhases.assess(obj, "Waiting for analysis run to finish: status has not been reconciled."), nil
}

func experiment(obj *unstructured.Unstructured) (Health, error) {
	return experimentPhases.assess(obj, "Waiting for experiment to finish: status has not been reconciled."), nil
}

// assess takes the message of the status; while the run goes on, and where there is none, that of the phase.
func (p phases) assess(obj *unstructured.Unstructured, waiting string) Health {
	status, found := fieldsOf(obj.Object["status"])
	if !found {
		return Health{Progressing, waiting}
	}
	h := p[status.text("phase")]
	if message := status.text("message"); message != "" && h.Status != "" && h.Status != Progressing {
		h.Message = message
	}
	return h
}
