package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// AnalysisTemplate says what to measure, for runs in its own namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=analysistemplates,shortName=at
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description="Time since this template was created"
type AnalysisTemplate struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what to measure.
	Spec AnalysisTemplateSpec `json:"spec"`
}

// AnalysisTemplateList is a list of AnalysisTemplates.
//
// +kubebuilder:object:root=true
type AnalysisTemplateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []AnalysisTemplate `json:"items"`
}

// ClusterAnalysisTemplate says what to measure, for runs in any namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=clusteranalysistemplates,shortName=cat,scope=Cluster
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description="Time since this template was created"
type ClusterAnalysisTemplate struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what to measure.
	Spec AnalysisTemplateSpec `json:"spec"`
}

// ClusterAnalysisTemplateList is a list of ClusterAnalysisTemplates.
//
// +kubebuilder:object:root=true
type ClusterAnalysisTemplateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ClusterAnalysisTemplate `json:"items"`
}

// AnalysisTemplateSpec is what to measure.
type AnalysisTemplateSpec struct {
	// Metrics to measure. They may be absent where templates is used.
	// +optional
	// +listType=atomic
	Metrics []Metric `json:"metrics,omitempty"`
	// Args are the template's arguments. One without a value has to be given one by whoever uses the template.
	// +optional
	// +listType=atomic
	Args []Argument `json:"args,omitempty"`
	// DryRun names metrics whose result does not count. Absent: all count.
	// +optional
	// +listType=atomic
	DryRun []DryRun `json:"dryRun,omitempty"`
	// MeasurementRetention says how many measurements are kept. Absent: the last 10 of each metric.
	// +optional
	// +listType=atomic
	MeasurementRetention []MeasurementRetention `json:"measurementRetention,omitempty"`
	// Templates are other templates that this one includes. Absent: none.
	// +optional
	// +listType=atomic
	Templates []TemplateRef `json:"templates,omitempty"`
}

// TemplateRef names an AnalysisTemplate or a ClusterAnalysisTemplate.
type TemplateRef struct {
	// TemplateName is its name.
	// +optional
	TemplateName string `json:"templateName,omitempty"`
	// ClusterScope says that it is a ClusterAnalysisTemplate. Absent: it is an AnalysisTemplate.
	// +optional
	ClusterScope bool `json:"clusterScope,omitempty"`
}

// DurationString is a duration as Go writes it, such as "90s" or "1h30m".
type DurationString string

// Metric is one thing to measure.
type Metric struct {
	// Name of the metric, unique in the run.
	Name string `json:"name"`
	// Interval is the time between two measurements. Absent: it is measured once.
	// +optional
	Interval DurationString `json:"interval,omitempty"`
	// InitialDelay is the time before the first measurement. Absent: none.
	// +optional
	InitialDelay DurationString `json:"initialDelay,omitempty"`
	// Count is the number of measurements. Absent or 0: one without interval; with one, until the run is ended
	// (as inline analysis: until the first success, or until failureLimit is passed).
	// +optional
	Count *intstr.IntOrString `json:"count,omitempty"`
	// SuccessCondition is an expression that is true for a good measurement.
	// Absent: what does not fulfil failureCondition is good.
	// +optional
	SuccessCondition string `json:"successCondition,omitempty"`
	// FailureCondition is an expression that is true for a bad measurement.
	// Absent: what does not fulfil successCondition is bad.
	// +optional
	FailureCondition string `json:"failureCondition,omitempty"`
	// FailureLimit is the number of bad measurements that are tolerated: one more fails the metric. Absent: 0.
	// -1, only beside consecutiveSuccessLimit: any number.
	// +optional
	FailureLimit *intstr.IntOrString `json:"failureLimit,omitempty"`
	// InconclusiveLimit is the number of inconclusive measurements that are tolerated. Absent: 0.
	// +optional
	InconclusiveLimit *intstr.IntOrString `json:"inconclusiveLimit,omitempty"`
	// ConsecutiveErrorLimit is the number of errors in a row that are tolerated. Absent: 4.
	// +optional
	ConsecutiveErrorLimit *intstr.IntOrString `json:"consecutiveErrorLimit,omitempty"`
	// ConsecutiveSuccessLimit is the number of good measurements in a row that make the metric successful.
	// Absent or 0: it is not looked at.
	// +optional
	ConsecutiveSuccessLimit *intstr.IntOrString `json:"consecutiveSuccessLimit,omitempty"`
	// Provider is who is asked. Exactly one of its kinds is set.
	Provider MetricProvider `json:"provider"`
}

// DryRun names metrics whose result does not count.
type DryRun struct {
	// MetricName is a name, or a regular expression.
	MetricName string `json:"metricName"`
}

// MeasurementRetention says how many measurements of a metric are kept.
type MeasurementRetention struct {
	// MetricName is a name, or a regular expression.
	MetricName string `json:"metricName"`
	// Limit is the number of measurements kept.
	Limit int32 `json:"limit"`
}

// Argument is an argument of a template or a run.
type Argument struct {
	// Name of the argument.
	Name string `json:"name"`
	// Value is the value itself. Absent: see valueFrom. An empty text is a value.
	// +optional
	Value *string `json:"value,omitempty"`
	// ValueFrom is where the value comes from. Absent: see value.
	// +optional
	ValueFrom *ValueFrom `json:"valueFrom,omitempty"`
}

// ValueFrom says where the value of an argument comes from. Exactly one of its kinds is set.
type ValueFrom struct {
	// SecretKeyRef is an entry of a Secret in the namespace of the run.
	// +optional
	SecretKeyRef *SecretKeyRef `json:"secretKeyRef,omitempty"`
	// FieldRef is a field of the object that starts the run.
	// +optional
	FieldRef *FieldRef `json:"fieldRef,omitempty"`
}

// SecretKeyRef names an entry of a Secret.
type SecretKeyRef struct {
	// Name of the Secret.
	Name string `json:"name"`
	// Key of the entry.
	Key string `json:"key"`
}

// AnalysisRun measures, and comes to a verdict. It has no status subresource.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=analysisruns,shortName=ar
// +kubebuilder:printcolumn:name="Status",type="string",JSONPath=".status.phase",description="Phase of the run"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description="Time since this run was created"
type AnalysisRun struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what to measure.
	Spec AnalysisRunSpec `json:"spec"`
	// Status is what was measured.
	// +optional
	Status AnalysisRunStatus `json:"status,omitzero"`
}

// AnalysisRunList is a list of AnalysisRuns.
//
// +kubebuilder:object:root=true
type AnalysisRunList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []AnalysisRun `json:"items"`
}

// AnalysisRunSpec is what to measure.
type AnalysisRunSpec struct {
	// Metrics to measure.
	// +listType=atomic
	Metrics []Metric `json:"metrics"`
	// Args are the values of the arguments that the metrics use.
	// +optional
	// +listType=atomic
	Args []Argument `json:"args,omitempty"`
	// Terminate ends the run before its time. Absent: it goes on.
	// +optional
	Terminate bool `json:"terminate,omitempty"`
	// DryRun names metrics whose result does not count. Absent: all count.
	// +optional
	// +listType=atomic
	DryRun []DryRun `json:"dryRun,omitempty"`
	// MeasurementRetention says how many measurements are kept. Absent: the last 10 of each metric.
	// +optional
	// +listType=atomic
	MeasurementRetention []MeasurementRetention `json:"measurementRetention,omitempty"`
	// TTLStrategy says when the finished run is deleted. Absent: it is kept.
	// +optional
	TTLStrategy *TTLStrategy `json:"ttlStrategy,omitempty"`
}

// TTLStrategy says when a finished run is deleted. The more exact field wins.
type TTLStrategy struct {
	// SecondsAfterCompletion counts from the end, however it ended. Absent: it is kept.
	// +optional
	SecondsAfterCompletion *int32 `json:"secondsAfterCompletion,omitempty"`
	// SecondsAfterFailure counts from a failed end. Absent: see secondsAfterCompletion.
	// +optional
	SecondsAfterFailure *int32 `json:"secondsAfterFailure,omitempty"`
	// SecondsAfterSuccess counts from a successful end. Absent: see secondsAfterCompletion.
	// +optional
	SecondsAfterSuccess *int32 `json:"secondsAfterSuccess,omitempty"`
}

// AnalysisPhase is how far a run, a metric or a measurement is, and how it ended.
type AnalysisPhase string

// The phases of an analysis.
const (
	AnalysisPhasePending      AnalysisPhase = "Pending"
	AnalysisPhaseRunning      AnalysisPhase = "Running"
	AnalysisPhaseSuccessful   AnalysisPhase = "Successful"
	AnalysisPhaseFailed       AnalysisPhase = "Failed"
	AnalysisPhaseError        AnalysisPhase = "Error"
	AnalysisPhaseInconclusive AnalysisPhase = "Inconclusive"
)

// Completed says that the phase is an end.
func (p AnalysisPhase) Completed() bool {
	switch p {
	case AnalysisPhaseSuccessful, AnalysisPhaseFailed, AnalysisPhaseError, AnalysisPhaseInconclusive:
		return true
	}
	return false
}

// AnalysisRunStatus is what was measured.
type AnalysisRunStatus struct {
	// Phase of the run.
	Phase AnalysisPhase `json:"phase"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
	// MetricResults are the results by metric, in the order of the spec.
	// +optional
	// +listType=atomic
	MetricResults []MetricResult `json:"metricResults,omitempty"`
	// StartedAt is when the run began.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// RunSummary counts the metrics whose result counts.
	// +optional
	RunSummary RunSummary `json:"runSummary,omitzero"`
	// DryRunSummary counts the metrics whose result does not count.
	// +optional
	DryRunSummary *RunSummary `json:"dryRunSummary,omitempty"`
	// CompletedAt is when the run ended.
	// +optional
	CompletedAt *metav1.Time `json:"completedAt,omitempty"`
}

// RunSummary counts metrics.
type RunSummary struct {
	// Count is the number of metrics.
	// +optional
	Count int32 `json:"count,omitempty"`
	// Successful is the number of those that ended well.
	// +optional
	Successful int32 `json:"successful,omitempty"`
	// Failed is the number of those that ended badly.
	// +optional
	Failed int32 `json:"failed,omitempty"`
	// Inconclusive is the number of those that ended undecided.
	// +optional
	Inconclusive int32 `json:"inconclusive,omitempty"`
	// Error is the number of those that could not be measured.
	// +optional
	Error int32 `json:"error,omitempty"`
}

// MetricResult is what was measured of one metric.
type MetricResult struct {
	// Name of the metric.
	Name string `json:"name"`
	// Phase of the metric.
	Phase AnalysisPhase `json:"phase"`
	// Measurements are the latest ones, the newest last.
	// +optional
	// +listType=atomic
	Measurements []Measurement `json:"measurements,omitempty"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
	// Count is the number of measurements without an error.
	// +optional
	Count int32 `json:"count,omitempty"`
	// Successful is the number of good measurements.
	// +optional
	Successful int32 `json:"successful,omitempty"`
	// Failed is the number of bad measurements.
	// +optional
	Failed int32 `json:"failed,omitempty"`
	// Inconclusive is the number of undecided measurements.
	// +optional
	Inconclusive int32 `json:"inconclusive,omitempty"`
	// Error is the number of errors.
	// +optional
	Error int32 `json:"error,omitempty"`
	// ConsecutiveError is the number of errors in a row, up to now.
	// +optional
	ConsecutiveError int32 `json:"consecutiveError,omitempty"`
	// DryRun says that the result does not count.
	// +optional
	DryRun bool `json:"dryRun,omitempty"`
	// Metadata is what the provider tells about the metric.
	// +optional
	Metadata map[string]string `json:"metadata,omitempty"`
	// ConsecutiveSuccess is the number of good measurements in a row, up to now.
	// +optional
	ConsecutiveSuccess int32 `json:"consecutiveSuccess,omitempty"`
}

// Measurement is one look at a metric.
type Measurement struct {
	// Phase of the measurement.
	Phase AnalysisPhase `json:"phase"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
	// StartedAt is when it began.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// FinishedAt is when it ended. Absent: it has not.
	// +optional
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	// Value is what was measured, as a text.
	// +optional
	Value string `json:"value,omitempty"`
	// Metadata is what the provider has to remember.
	// +optional
	Metadata map[string]string `json:"metadata,omitempty"`
	// ResumeAt is when to ask for the result of a measurement that takes time.
	// +optional
	ResumeAt *metav1.Time `json:"resumeAt,omitempty"`
}
