package operation

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"
)

// TerminateRun ends an AnalysisRun before its time.
func TerminateRun(name string) Change {
	return Change{[]Patch{spec(fields{"terminate": true})}, fmt.Sprintf("analysisRun '%s' terminated", name)}
}

// TerminateExperiment ends an Experiment before its time. The output is what upstream says, word for word.
func TerminateExperiment(name string) Change {
	return Change{[]Patch{spec(fields{"terminate": true})}, fmt.Sprintf("experiment '%s' retried", name)}
}

// RetryExperiment starts an Experiment anew by forgetting what became of it. Experiments have no status subresource.
func RetryExperiment(name string) Change {
	forget := Patch{Type: types.MergePatchType, Body: []byte(`{"status":null}`)}
	return Change{[]Patch{forget}, fmt.Sprintf("experiment '%s' retried", name)}
}
