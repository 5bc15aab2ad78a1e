package analysis

import (
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Unbounded names the metrics that go on for ever while they succeed: those with an interval and without a count.
// A consecutiveSuccessLimit, which ends them too, makes them bounded.
func Unbounded(spec v1alpha1.AnalysisRunSpec) []string {
	var names []string
	for _, m := range spec.Metrics {
		if unbounded(m) {
			names = append(names, m.Name)
		}
	}
	return names
}

// Bound makes the spec of an analysis that something waits for finite (spec 18): the first success completes a metric
// without a count, and failureLimit fails it. That is what consecutiveSuccessLimit: 1 says, so the stored run shows it.
// A count of 1 would not do: it has to be at least failureLimit, and a failed measurement would use it up.
// A metric that ignores its failures (failureLimit -1) still ends with its first success.
func Bound(spec v1alpha1.AnalysisRunSpec) v1alpha1.AnalysisRunSpec {
	spec = *spec.DeepCopy()
	for i := range spec.Metrics {
		if unbounded(spec.Metrics[i]) {
			spec.Metrics[i].ConsecutiveSuccessLimit = new(intstr.FromInt32(1))
		}
	}
	return spec
}

func unbounded(m v1alpha1.Metric) bool {
	return m.Interval != "" && zero(m.Count) && zero(m.ConsecutiveSuccessLimit)
}

// zero reports whether a number is absent or 0, as a number or as text. Text with arguments in it is a number.
func zero(n *intstr.IntOrString) bool {
	return n == nil || n.Type == intstr.Int && n.IntVal == 0 || n.Type == intstr.String && (n.StrVal == "" || n.StrVal == "0")
}
