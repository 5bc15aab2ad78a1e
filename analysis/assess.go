package analysis

import (
	"fmt"
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Assess says what a run amounts to after the measurements that a pass took, in the order in which they were taken
// (spec 5.3). A completed run stays as it is.
func Assess(run *v1alpha1.AnalysisRun, taken []Taken, now time.Time) Outcome {
	out := Outcome{Status: *run.Status.DeepCopy()}
	if run.Status.Phase.Completed() {
		return out
	}
	metrics, err := read(run.Spec)
	if err != nil {
		return Refuse(run, err.Error())
	}
	// A metric that goes wrong ends the others in the next pass, so that those being measured are terminated properly.
	ending := terminating(run.Spec, run.Status, metrics)
	status := &out.Status
	if status.StartedAt == nil {
		status.StartedAt = second(now)
	}
	for _, one := range taken {
		metrics[one.Index].record(status, one)
	}
	for _, m := range metrics {
		out.Events = append(out.Events, m.settle(result(status, m.Name), ending)...)
	}
	status.Phase, status.Message = verdict(run.Spec, *status, metrics, ending)
	status.RunSummary = summary(*status, metrics, false)
	status.DryRunSummary = new(summary(*status, metrics, true))
	if status.Phase.Completed() {
		status.CompletedAt = second(now)
		out.Events = append(out.Events, completed(status.Phase))
		return out
	}
	out.Wake = wake(*status, metrics, terminating(run.Spec, *status, metrics), now)
	return out
}

// Refuse ends a run that cannot be executed. It has no completedAt (spec 5.3).
func Refuse(run *v1alpha1.AnalysisRun, message string) Outcome {
	out := Outcome{Status: *run.Status.DeepCopy()}
	out.Status.Phase, out.Status.Message = v1alpha1.AnalysisPhaseError, message
	out.Events = []Event{completed(v1alpha1.AnalysisPhaseError)}
	return out
}

// record adds a measurement, or replaces the unfinished one, and counts it when it is finished.
func (m metric) record(status *v1alpha1.AnalysisRunStatus, one Taken) {
	found := result(status, m.Name)
	if found == nil {
		status.MetricResults = append(status.MetricResults, v1alpha1.MetricResult{Name: m.Name, Phase: v1alpha1.AnalysisPhaseRunning, DryRun: m.dryRun})
		found = &status.MetricResults[len(status.MetricResults)-1]
	}
	if len(one.Description) > 0 {
		found.Metadata = one.Description
	}
	if latest := last(found); latest != nil && latest.FinishedAt == nil {
		*latest = one.Measurement
	} else {
		found.Measurements = append(found.Measurements, one.Measurement)
	}
	if one.Measurement.FinishedAt != nil {
		tally(found, one.Measurement.Phase)
	}
	if extra := len(found.Measurements) - m.keep; extra > 0 {
		found.Measurements = found.Measurements[extra:]
	}
}

// tally counts a finished measurement.
func tally(found *v1alpha1.MetricResult, phase v1alpha1.AnalysisPhase) {
	if phase == v1alpha1.AnalysisPhaseError {
		found.Error++
		found.ConsecutiveError++
		found.ConsecutiveSuccess = 0
		return
	}
	found.Count++
	found.ConsecutiveError = 0
	switch phase {
	case v1alpha1.AnalysisPhaseSuccessful:
		found.Successful++
		found.ConsecutiveSuccess++
		return
	case v1alpha1.AnalysisPhaseFailed:
		found.Failed++
	case v1alpha1.AnalysisPhaseInconclusive:
		found.Inconclusive++
	}
	found.ConsecutiveSuccess = 0
}

// settle gives a metric its phase, and its event when that completes it.
func (m metric) settle(found *v1alpha1.MetricResult, ending bool) []Event {
	if found == nil || found.Phase.Completed() {
		return nil
	}
	phase := m.phase(found, ending)
	if phase == found.Phase {
		return nil
	}
	found.Phase, found.Message = phase, last(found).Message
	if _, reason := m.exceeded(found); m.dryRun && reason != "" {
		found.Message = fmt.Sprintf("Metric assessed %s due to %s", phase, reason)
	}
	if !phase.Completed() {
		return nil
	}
	return []Event{{
		Reason:  "Metric" + string(phase),
		Message: fmt.Sprintf("Metric '%s' Completed. Result: %s", m.Name, phase),
		Warning: bad(phase),
	}}
}

func completed(phase v1alpha1.AnalysisPhase) Event {
	return Event{
		Reason:  v1alpha1.EventAnalysisRunPrefix + string(phase),
		Message: fmt.Sprintf("Analysis Completed. Result: %s", phase),
		Warning: bad(phase),
	}
}

func bad(phase v1alpha1.AnalysisPhase) bool {
	return phase == v1alpha1.AnalysisPhaseFailed || phase == v1alpha1.AnalysisPhaseError
}

// wake is the earliest instant at which something is due: now, when a metric that went wrong ends the others.
func wake(status v1alpha1.AnalysisRunStatus, metrics []metric, ending bool, now time.Time) time.Time {
	if ending {
		return now
	}
	var earliest time.Time
	for _, m := range metrics {
		_, at, ok := m.next(result(&status, m.Name), status.StartedAt, false)
		if ok && at.Before(now) {
			at = now
		}
		if ok && (earliest.IsZero() || at.Before(earliest)) {
			earliest = at
		}
	}
	return earliest
}
