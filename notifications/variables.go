package notifications

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Variables are what expressions and templates can read about an object, beside the secrets of the configuration: the
// object itself as `rollout` whatever its kind, its analysisRuns, and time. now is the clock that time.Now reads.
func Variables(object map[string]any, runs []map[string]any, now func() time.Time) map[string]any {
	if _, has := object["status"]; !has { // a new one; expressions that read its status are not wrong because of that
		object = maps.Clone(object)
		object["status"] = map[string]any{}
	}
	list := make([]any, len(runs))
	for i, run := range runs {
		list[i] = run
	}
	return map[string]any{
		"rollout":      object,
		"analysisRuns": list,
		"time": map[string]any{
			"Now": now,
			"Parse": func(text string) (time.Time, error) {
				t, err := time.Parse(time.RFC3339, text)
				if err != nil {
					return t, fmt.Errorf("%q is not an RFC 3339 time", text)
				}
				return t, nil
			},
		},
	}
}

// RunsOf are the runs of a Rollout's current hash and revision, newest first.
func RunsOf(ro *v1alpha1.Rollout, runs []v1alpha1.AnalysisRun) []v1alpha1.AnalysisRun {
	var own []v1alpha1.AnalysisRun
	for _, run := range runs {
		owned := slices.ContainsFunc(run.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == ro.UID })
		if owned && run.Labels[v1alpha1.DefaultRolloutUniqueLabelKey] == ro.Status.CurrentPodHash &&
			run.Annotations[v1alpha1.RevisionAnnotation] == ro.Annotations[v1alpha1.RevisionAnnotation] {
			own = append(own, run)
		}
	}
	slices.SortFunc(own, func(a, b v1alpha1.AnalysisRun) int {
		if c := b.CreationTimestamp.Compare(a.CreationTimestamp.Time); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return own
}
