package analysis

import (
	"fmt"
	"slices"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// worst orders phases from the best to the worst (spec 5.3).
var worst = []v1alpha1.AnalysisPhase{
	v1alpha1.AnalysisPhaseSuccessful, v1alpha1.AnalysisPhaseRunning, v1alpha1.AnalysisPhasePending,
	v1alpha1.AnalysisPhaseInconclusive, v1alpha1.AnalysisPhaseError, v1alpha1.AnalysisPhaseFailed,
}

// Worse reports whether a is worse than b.
func Worse(a, b v1alpha1.AnalysisPhase) bool {
	return slices.Index(worst, a) > slices.Index(worst, b)
}

// phase is that of a metric which was measured and is not completed yet; the order of the rules is that of the spec.
func (m metric) phase(found *v1alpha1.MetricResult, ending bool) v1alpha1.AnalysisPhase {
	if last(found).FinishedAt == nil {
		return v1alpha1.AnalysisPhaseRunning
	}
	exceeded, _ := m.exceeded(found)
	switch {
	case exceeded != "":
		return exceeded
	case m.successes > 0 && int(found.ConsecutiveSuccess) >= m.successes:
		return v1alpha1.AnalysisPhaseSuccessful
	case m.reached(found) && m.successes > 0 && m.failures >= 0:
		return v1alpha1.AnalysisPhaseInconclusive
	case m.reached(found) && m.successes > 0:
		return v1alpha1.AnalysisPhaseFailed
	case m.reached(found) || ending:
		return v1alpha1.AnalysisPhaseSuccessful
	}
	return v1alpha1.AnalysisPhaseRunning
}

// exceeded is the phase that a limit of the metric calls for, and why; empty when none is exceeded. Later ones win.
func (m metric) exceeded(found *v1alpha1.MetricResult) (phase v1alpha1.AnalysisPhase, reason string) {
	if m.failures >= 0 && int(found.Failed) > m.failures {
		phase, reason = v1alpha1.AnalysisPhaseFailed, fmt.Sprintf("failed (%d) > failureLimit (%d)", found.Failed, m.failures)
	}
	if int(found.Inconclusive) > m.inconclusives {
		phase, reason = v1alpha1.AnalysisPhaseInconclusive, fmt.Sprintf("inconclusive (%d) > inconclusiveLimit (%d)", found.Inconclusive, m.inconclusives)
	}
	if int(found.ConsecutiveError) > m.errs {
		phase, reason = v1alpha1.AnalysisPhaseError, fmt.Sprintf("consecutiveErrors (%d) > consecutiveErrorLimit (%d)", found.ConsecutiveError, m.errs)
	}
	return phase, reason
}

// verdict is the phase of the run: that of its worst metric, trials left out, once every metric is done or the run
// is to end. The message is that of the first metric with that phase.
func verdict(spec v1alpha1.AnalysisRunSpec, status v1alpha1.AnalysisRunStatus, metrics []metric, ending bool) (v1alpha1.AnalysisPhase, string) {
	phase, message := v1alpha1.AnalysisPhaseSuccessful, ""
	for _, m := range metrics {
		found := result(&status, m.Name)
		if !ending && (found == nil || !found.Phase.Completed()) {
			return v1alpha1.AnalysisPhaseRunning, ""
		}
		if found != nil && !m.dryRun && Worse(found.Phase, phase) {
			phase, message = found.Phase, m.message(found)
		}
	}
	if phase == v1alpha1.AnalysisPhaseSuccessful && spec.Terminate {
		message = "Run Terminated"
	}
	return phase, message
}

// message says which limit of the metric was exceeded, and what the last measurement said.
func (m metric) message(found *v1alpha1.MetricResult) string {
	_, reason := m.exceeded(found)
	if reason == "" {
		return ""
	}
	text := fmt.Sprintf(`Metric "%s" assessed %s due to %s`, m.Name, found.Phase, reason)
	if found.Message != "" {
		text += fmt.Sprintf(`: "Error Message: %s"`, found.Message)
	}
	return text
}

// summary counts the metrics that are trials, or those that are none. Only limits count here: a metric that missed
// its consecutive successes counts as successful, as the wire format has it.
func summary(status v1alpha1.AnalysisRunStatus, metrics []metric, dryRun bool) (sum v1alpha1.RunSummary) {
	for _, m := range metrics {
		if m.dryRun != dryRun {
			continue
		}
		sum.Count++
		found := result(&status, m.Name)
		if found == nil || !found.Phase.Completed() {
			continue
		}
		switch phase, _ := m.exceeded(found); phase {
		case v1alpha1.AnalysisPhaseFailed:
			sum.Failed++
		case v1alpha1.AnalysisPhaseInconclusive:
			sum.Inconclusive++
		case v1alpha1.AnalysisPhaseError:
			sum.Error++
		default:
			sum.Successful++
		}
	}
	return sum
}
