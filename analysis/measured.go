package analysis

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/analysis/condition"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// long is how many bytes of a value or a message are kept: a run keeps many measurements, and an object of more than
// about a megabyte cannot be stored at all.
const long = 8 << 10

// Measured makes a finished measurement of what a metrics system said, or of the error why it said nothing.
// The metric's arguments are resolved. Secrets are replaced in all texts.
func Measured(m v1alpha1.Metric, said Sample, err error, started, finished time.Time, secrets []string) v1alpha1.Measurement {
	taken := v1alpha1.Measurement{Phase: said.Phase, Message: said.Message, Value: said.Value, StartedAt: second(started), FinishedAt: second(finished)}
	if err == nil && said.Phase == "" {
		taken.Phase, err = condition.Judge(m.SuccessCondition, m.FailureCondition, said.Result, finished)
	}
	if err != nil {
		taken.Phase, taken.Message, taken.Value = v1alpha1.AnalysisPhaseError, err.Error(), ""
	}
	for key, text := range said.Metadata {
		if taken.Metadata == nil {
			taken.Metadata = map[string]string{}
		}
		taken.Metadata[key] = cut(Hide(text, secrets))
	}
	taken.Message, taken.Value = cut(Hide(taken.Message, secrets)), cut(Hide(taken.Value, secrets))
	return taken
}

// Terminated is a measurement that was given up: only its error, or its failure, still matters.
func Terminated(unfinished v1alpha1.Measurement, now time.Time) v1alpha1.Measurement {
	unfinished.FinishedAt, unfinished.ResumeAt = second(now), nil
	switch unfinished.Phase {
	case v1alpha1.AnalysisPhaseFailed, v1alpha1.AnalysisPhaseError:
	case v1alpha1.AnalysisPhaseSuccessful, v1alpha1.AnalysisPhaseInconclusive:
		unfinished.Message = "Metric Terminated"
	default:
		unfinished.Phase, unfinished.Message = v1alpha1.AnalysisPhaseInconclusive, "Metric Terminated"
	}
	return unfinished
}

func cut(text string) string {
	if len(text) <= long {
		return text
	}
	return fmt.Sprintf("%s… (cut, %d bytes)", text[:long], len(text))
}

// second is an instant as it comes back from the API server: without fractions. Decisions never see another one.
func second(at time.Time) *metav1.Time {
	return new(metav1.NewTime(at.Truncate(time.Second)))
}
