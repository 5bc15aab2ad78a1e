package analysis

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Due says what to do about a run at this instant (spec 5.3). A completed run has nothing to do.
func Due(run *v1alpha1.AnalysisRun, now time.Time) Agenda {
	if run.Status.Phase.Completed() {
		return Agenda{}
	}
	metrics, err := read(run.Spec)
	if err != nil {
		return Agenda{Refusal: err.Error()}
	}
	var due Agenda
	ending := terminating(run.Spec, run.Status, metrics)
	for i, m := range metrics {
		found := result(&run.Status, m.Name)
		action, at, ok := m.next(found, run.Status.StartedAt, ending)
		if !ok || at.After(now) {
			continue
		}
		task := Task{Action: action, Index: i, Metric: run.Spec.Metrics[i]}
		if action != Measure {
			task.Unfinished = *last(found)
		}
		due.Tasks = append(due.Tasks, task)
	}
	return due
}

// next is what comes next for a metric, and when; ok is false when nothing does. An initial delay counts from the
// start of the run, which its first pass records: before that, a delayed metric has to wait.
func (m metric) next(found *v1alpha1.MetricResult, started *metav1.Time, ending bool) (action Action, at time.Time, ok bool) {
	latest := last(found)
	switch {
	case found != nil && found.Phase.Completed():
		return "", at, false
	case latest != nil && latest.FinishedAt == nil && ending:
		return Terminate, at, true
	case latest != nil && latest.FinishedAt == nil:
		if latest.ResumeAt != nil {
			at = latest.ResumeAt.Time
		}
		return Resume, at, true
	case ending:
		return "", at, false
	case latest == nil && m.delay > 0 && started == nil:
		return "", at, false
	case latest == nil && m.delay > 0:
		return Measure, started.Add(m.delay), true
	case latest == nil:
		return Measure, at, true
	case m.reached(found):
		return "", at, false
	case m.interval <= 0 || latest.Phase == v1alpha1.AnalysisPhaseError:
		return Measure, latest.FinishedAt.Add(errorDelay), true
	}
	return Measure, latest.FinishedAt.Add(m.interval), true
}

// reached reports whether the metric has as many measurements as it wants. Errors do not count.
func (m metric) reached(found *v1alpha1.MetricResult) bool {
	return !m.endless() && int(found.Count) >= m.wanted()
}

// terminating reports whether a run is to end now: somebody asked for it, or a metric that is no trial went wrong.
func terminating(spec v1alpha1.AnalysisRunSpec, status v1alpha1.AnalysisRunStatus, metrics []metric) bool {
	if spec.Terminate {
		return true
	}
	for _, m := range metrics {
		found := result(&status, m.Name)
		if !m.dryRun && found != nil && found.Phase.Completed() && found.Phase != v1alpha1.AnalysisPhaseSuccessful {
			return true
		}
	}
	return false
}

// result is what a status holds of a metric; nil: it was never measured.
func result(status *v1alpha1.AnalysisRunStatus, name string) *v1alpha1.MetricResult {
	for i := range status.MetricResults {
		if status.MetricResults[i].Name == name {
			return &status.MetricResults[i]
		}
	}
	return nil
}

// last is the latest measurement; nil: there is none.
func last(found *v1alpha1.MetricResult) *v1alpha1.Measurement {
	if found == nil || len(found.Measurements) == 0 {
		return nil
	}
	return &found.Measurements[len(found.Measurements)-1]
}
