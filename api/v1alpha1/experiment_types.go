package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Experiment runs several versions side by side for a while, and may measure them. It has no status subresource.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=experiments,shortName=exp
// +kubebuilder:printcolumn:name="Status",type="string",JSONPath=".status.phase",description="Phase of the experiment"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description="Time since this experiment was created"
type Experiment struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what to run.
	Spec ExperimentSpec `json:"spec"`
	// Status is what became of it.
	// +optional
	Status ExperimentStatus `json:"status,omitzero"`
}

// ExperimentList is a list of Experiments.
//
// +kubebuilder:object:root=true
type ExperimentList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Experiment `json:"items"`
}

// ExperimentSpec is what to run.
type ExperimentSpec struct {
	// Templates are the versions to run side by side.
	// +listType=atomic
	Templates []TemplateSpec `json:"templates"`
	// Duration is how long they run, counted from when all of them are available.
	// Absent: until the analyses are done, or for ever.
	// +optional
	Duration DurationString `json:"duration,omitempty"`
	// ProgressDeadlineSeconds is how long a template may go without progress. Absent: 600.
	// +optional
	ProgressDeadlineSeconds *int32 `json:"progressDeadlineSeconds,omitempty"`
	// Terminate ends the experiment before its time. Absent: it goes on.
	// +optional
	Terminate bool `json:"terminate,omitempty"`
	// Analyses measure while the experiment runs. Absent: nothing is measured.
	// +optional
	// +listType=atomic
	Analyses []ExperimentAnalysisTemplateRef `json:"analyses,omitempty"`
	// ScaleDownDelaySeconds is how long the pods live after the experiment ended. Absent: 30.
	// +optional
	ScaleDownDelaySeconds *int32 `json:"scaleDownDelaySeconds,omitempty"`
	// DryRun names metrics whose result does not count. Absent: all count.
	// +optional
	// +listType=atomic
	DryRun []DryRun `json:"dryRun,omitempty"`
	// MeasurementRetention says how many measurements are kept. Absent: the last 10 of each metric.
	// +optional
	// +listType=atomic
	MeasurementRetention []MeasurementRetention `json:"measurementRetention,omitempty"`
	// AnalysisRunMetadata is set on the AnalysisRuns. Absent: none.
	// +optional
	AnalysisRunMetadata PodTemplateMetadata `json:"analysisRunMetadata,omitzero"`
}

// TemplateSpec is one of the versions that an Experiment runs.
type TemplateSpec struct {
	// Name of the template, unique in the experiment.
	Name string `json:"name"`
	// Replicas is the number of pods. Absent: 1.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// MinReadySeconds is how long a pod has to be ready before it counts as available. Absent: 0.
	// +optional
	MinReadySeconds int32 `json:"minReadySeconds,omitempty"`
	// Selector of the pods. It must match the labels of the template.
	Selector *metav1.LabelSelector `json:"selector"`
	// Template describes the pods.
	Template corev1.PodTemplateSpec `json:"template"`
	// Service makes a Service for the template. Absent: there is none.
	// +optional
	Service *TemplateService `json:"service,omitempty"`
}

// TemplateService makes a Service for a template of an Experiment.
type TemplateService struct {
	// Name of the Service. Absent: that of the ReplicaSet.
	// +optional
	Name string `json:"name,omitempty"`
}

// ExperimentAnalysisTemplateRef starts an AnalysisRun with an Experiment.
type ExperimentAnalysisTemplateRef struct {
	// Name of the analysis, unique in the experiment.
	Name string `json:"name"`
	// TemplateName is the template to use.
	TemplateName string `json:"templateName"`
	// ClusterScope says that it is a ClusterAnalysisTemplate. Absent: it is an AnalysisTemplate.
	// +optional
	ClusterScope bool `json:"clusterScope,omitempty"`
	// Args of the template. Absent: those the template has values for.
	// +optional
	// +listType=atomic
	Args []Argument `json:"args,omitempty"`
	// RequiredForCompletion says that the experiment ends when this analysis does. Absent: it does not.
	// +optional
	RequiredForCompletion bool `json:"requiredForCompletion,omitempty"`
}

// ExperimentStatus is what became of an Experiment.
type ExperimentStatus struct {
	// Phase of the experiment.
	// +optional
	Phase AnalysisPhase `json:"phase,omitempty"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
	// TemplateStatuses are the states by template, in the order of the spec.
	// +optional
	// +listType=atomic
	TemplateStatuses []TemplateStatus `json:"templateStatuses,omitempty"`
	// AvailableAt is when all templates were available for the first time.
	// +optional
	AvailableAt *metav1.Time `json:"availableAt,omitempty"`
	// Conditions are the observations, the latest change last.
	// +optional
	// +listType=atomic
	Conditions []ExperimentCondition `json:"conditions,omitempty"`
	// AnalysisRuns are the states of the analyses.
	// +optional
	// +listType=atomic
	AnalysisRuns []ExperimentAnalysisRunStatus `json:"analysisRuns,omitempty"`
}

// TemplateStatus is the state of one of an Experiment's versions.
type TemplateStatus struct {
	// Name of the template.
	Name string `json:"name"`
	// Replicas is the number of pods.
	Replicas int32 `json:"replicas"`
	// UpdatedReplicas is the number of pods that run this template.
	UpdatedReplicas int32 `json:"updatedReplicas"`
	// ReadyReplicas is the number of ready pods.
	ReadyReplicas int32 `json:"readyReplicas"`
	// AvailableReplicas is the number of available pods.
	AvailableReplicas int32 `json:"availableReplicas"`
	// CollisionCount is how often the name was taken already.
	// +optional
	CollisionCount *int32 `json:"collisionCount,omitempty"`
	// Status of the template.
	// +optional
	Status TemplateStatusCode `json:"status,omitempty"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
	// LastTransitionTime is when something last changed.
	// +optional
	LastTransitionTime *metav1.Time `json:"lastTransitionTime,omitempty"`
	// ServiceName is the Service of the template. Absent: there is none.
	// +optional
	ServiceName string `json:"serviceName,omitempty"`
	// PodTemplateHash is the hash that the Service selects.
	// +optional
	PodTemplateHash string `json:"podTemplateHash,omitempty"`
}

// TemplateStatusCode is how far a template is, and how it ended.
type TemplateStatusCode string

// The states of a template.
const (
	TemplateStatusProgressing TemplateStatusCode = "Progressing"
	TemplateStatusRunning     TemplateStatusCode = "Running"
	TemplateStatusSuccessful  TemplateStatusCode = "Successful"
	TemplateStatusFailed      TemplateStatusCode = "Failed"
	TemplateStatusError       TemplateStatusCode = "Error"
)

// Completed says that the status is an end.
func (s TemplateStatusCode) Completed() bool {
	return s == TemplateStatusSuccessful || s == TemplateStatusFailed || s == TemplateStatusError
}

// ExperimentCondition is an observation about an Experiment.
type ExperimentCondition struct {
	// Type of the condition.
	Type ExperimentConditionType `json:"type"`
	// Status is True, False or Unknown.
	Status corev1.ConditionStatus `json:"status"`
	// LastUpdateTime is when it was last written.
	LastUpdateTime metav1.Time `json:"lastUpdateTime"`
	// LastTransitionTime is when its status last changed.
	LastTransitionTime metav1.Time `json:"lastTransitionTime"`
	// Reason in one word.
	Reason string `json:"reason"`
	// Message for a person.
	Message string `json:"message"`
}

// ExperimentConditionType names an observation.
type ExperimentConditionType string

// The types of an Experiment's conditions.
const (
	ExperimentConditionInvalidSpec    ExperimentConditionType = "InvalidSpec"
	ExperimentConditionProgressing    ExperimentConditionType = "Progressing"
	ExperimentConditionReplicaFailure ExperimentConditionType = "ReplicaFailure"
)

// ExperimentAnalysisRunStatus is the state of one of an Experiment's analyses.
type ExperimentAnalysisRunStatus struct {
	// Name of the analysis.
	Name string `json:"name"`
	// AnalysisRun is the name of the run.
	AnalysisRun string `json:"analysisRun"`
	// Phase of the run.
	Phase AnalysisPhase `json:"phase"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
}
