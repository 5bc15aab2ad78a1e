package analysis

import (
	"encoding/json"
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Name is the name for a new run of an owner: base, or base.1, base.2, … when it is taken (spec 2.5). A run of such a
// name that is the owner's, still going and of the same spec is the wanted one already: then reuse is that run.
// existing are the owner's runs; taken are names of runs in the namespace that belong to others.
func Name(base string, wanted v1alpha1.AnalysisRunSpec, owner types.UID, existing []*v1alpha1.AnalysisRun, taken map[string]bool) (name string, reuse *v1alpha1.AnalysisRun) {
	byName := map[string]*v1alpha1.AnalysisRun{}
	for _, run := range existing {
		byName[run.Name] = run
	}
	name = base
	for i := 1; ; i++ {
		run := byName[name]
		switch {
		case run != nil && !run.Status.Phase.Completed() && metav1.IsControlledBy(run, &metav1.ObjectMeta{UID: owner}) && same(run.Spec, wanted):
			return name, run
		case run == nil && !taken[name]:
			return name, nil
		}
		name = fmt.Sprintf("%s.%d", base, i)
	}
}

// same compares specs as they are stored: what has the same JSON is the same.
func same(a, b v1alpha1.AnalysisRunSpec) bool {
	return reflect.DeepEqual(stored(a), stored(b))
}

func stored(spec v1alpha1.AnalysisRunSpec) (value any) {
	text, err := json.Marshal(spec)
	if err != nil || json.Unmarshal(text, &value) != nil {
		return err
	}
	return value
}
