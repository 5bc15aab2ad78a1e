package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Rollout runs pods as a Deployment does, and replaces them by a canary or a blue-green strategy.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=rollouts,shortName=ro
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.HPAReplicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="Desired",type="integer",JSONPath=".spec.replicas",description="Number of desired pods"
// +kubebuilder:printcolumn:name="Current",type="integer",JSONPath=".status.replicas",description="Number of pods of this rollout, of any revision"
// +kubebuilder:printcolumn:name="Up-to-date",type="integer",JSONPath=".status.updatedReplicas",description="Number of pods that run the current pod template"
// +kubebuilder:printcolumn:name="Available",type="integer",JSONPath=".status.availableReplicas",description="Number of available pods"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description="Time since this rollout was created"
type Rollout struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what a person wants.
	Spec RolloutSpec `json:"spec"`
	// Status is what the controller last saw. Only the controller, and the commands of the kubectl plugin, write it.
	// +optional
	Status RolloutStatus `json:"status,omitzero"`
}

// RolloutList is a list of Rollouts.
//
// +kubebuilder:object:root=true
type RolloutList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Rollout `json:"items"`
}

// RolloutSpec is what a person wants of a Rollout.
type RolloutSpec struct {
	// Replicas is the number of pods wanted. Absent: the controller writes 1. Zero is a size like any other.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// Selector chooses the pods of this rollout and must match the labels of the template. It cannot be changed.
	// Required, unless workloadRef is used: then it is that of the workload when absent here.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message=".spec.selector is immutable"
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
	// Template describes the pods. Any change of it starts an update. It must be empty with workloadRef.
	// +optional
	Template corev1.PodTemplateSpec `json:"template,omitzero"`
	// WorkloadRef takes the pod template from a Deployment, ReplicaSet or PodTemplate instead of template.
	// +optional
	WorkloadRef *ObjectRef `json:"workloadRef,omitempty"`
	// MinReadySeconds is how long a pod has to be ready before it counts as available. Absent: 0.
	// +optional
	MinReadySeconds int32 `json:"minReadySeconds,omitempty"`
	// RollbackWindow lets a rollback to a recent revision skip all steps and analyses. Absent: it never does.
	// +optional
	RollbackWindow *RollbackWindowSpec `json:"rollbackWindow,omitempty"`
	// Strategy says how pods are replaced. Exactly one of its two kinds has to be set.
	// +optional
	Strategy RolloutStrategy `json:"strategy,omitzero"`
	// RevisionHistoryLimit is the number of old ReplicaSets without pods that are kept. Absent: 10.
	// +optional
	RevisionHistoryLimit *int32 `json:"revisionHistoryLimit,omitempty"`
	// Paused stops the rollout by hand. Absent: it runs.
	// +optional
	Paused bool `json:"paused,omitempty"`
	// ProgressDeadlineSeconds is how long an update may go without progress before it counts as failed.
	// It must be greater than minReadySeconds. Absent: 600.
	// +optional
	ProgressDeadlineSeconds *int32 `json:"progressDeadlineSeconds,omitempty"`
	// ProgressDeadlineAbort aborts an update that missed its progress deadline. Absent: it is only reported.
	// +optional
	ProgressDeadlineAbort bool `json:"progressDeadlineAbort,omitempty"`
	// RestartAt restarts, a few at a time, all pods that were created before it. Absent: none.
	// +optional
	RestartAt *metav1.Time `json:"restartAt,omitempty"`
	// Analysis limits the finished AnalysisRuns and Experiments that are kept. Absent: 5 successful and 5 unsuccessful.
	// +optional
	Analysis *AnalysisRunStrategy `json:"analysis,omitempty"`

	// SelectorResolvedFromRef says that Selector was read from the referenced workload. Such a selector is never written.
	SelectorResolvedFromRef bool `json:"-"`
	// TemplateResolvedFromRef says that Template was read from the referenced workload. Such a template is never written.
	TemplateResolvedFromRef bool `json:"-"`
}

// ObjectRef names the workload that a Rollout takes its pod template from.
type ObjectRef struct {
	// APIVersion of the workload, e.g. apps/v1.
	// +optional
	APIVersion string `json:"apiVersion,omitempty"`
	// Kind of the workload: Deployment, ReplicaSet or PodTemplate.
	// +optional
	Kind string `json:"kind,omitempty"`
	// Name of the workload, in the namespace of the Rollout.
	// +optional
	Name string `json:"name,omitempty"`
	// ScaleDown says what becomes of a referenced Deployment's own pods: never, onsuccess or progressively.
	// Absent: never.
	// +optional
	ScaleDown string `json:"scaleDown,omitempty"`
}

// Values of ObjectRef.ScaleDown.
const (
	// ScaleDownNever leaves the workload's own pods alone.
	ScaleDownNever = "never"
	// ScaleDownOnSuccess scales the workload to zero once the Rollout is healthy.
	ScaleDownOnSuccess = "onsuccess"
	// ScaleDownProgressively shrinks the workload while the Rollout grows.
	ScaleDownProgressively = "progressively"
)

// RollbackWindowSpec says how far back a rollback may go without steps.
type RollbackWindowSpec struct {
	// Revisions is the number of revisions back that count as recent. Absent or 0: none.
	// +optional
	Revisions int32 `json:"revisions,omitempty"`
}

// AnalysisRunStrategy limits how many finished AnalysisRuns and Experiments a Rollout keeps.
type AnalysisRunStrategy struct {
	// SuccessfulRunHistoryLimit is the number of successful ones kept. Absent: 5.
	// +optional
	SuccessfulRunHistoryLimit *int32 `json:"successfulRunHistoryLimit,omitempty"`
	// UnsuccessfulRunHistoryLimit is the number of failed, inconclusive and erroneous ones kept. Absent: 5.
	// +optional
	UnsuccessfulRunHistoryLimit *int32 `json:"unsuccessfulRunHistoryLimit,omitempty"`
}

// RolloutStrategy holds exactly one strategy.
type RolloutStrategy struct {
	// BlueGreen brings up the new revision beside the old one and switches a Service at once.
	// +optional
	BlueGreen *BlueGreenStrategy `json:"blueGreen,omitempty"`
	// Canary moves pods, or traffic, to the new revision step by step.
	// +optional
	Canary *CanaryStrategy `json:"canary,omitempty"`
}

// PodTemplateMetadata is a set of labels and annotations.
type PodTemplateMetadata struct {
	// Labels to set. Absent: none.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations to set. Absent: none.
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// AntiAffinity keeps pods of the new and of the old revision off each other's nodes. Exactly one of its kinds is set.
type AntiAffinity struct {
	// PreferredDuringSchedulingIgnoredDuringExecution makes it a wish.
	// +optional
	PreferredDuringSchedulingIgnoredDuringExecution *PreferredDuringSchedulingIgnoredDuringExecution `json:"preferredDuringSchedulingIgnoredDuringExecution,omitempty"`
	// RequiredDuringSchedulingIgnoredDuringExecution makes it a rule.
	// +optional
	RequiredDuringSchedulingIgnoredDuringExecution *RequiredDuringSchedulingIgnoredDuringExecution `json:"requiredDuringSchedulingIgnoredDuringExecution,omitempty"`
}

// PreferredDuringSchedulingIgnoredDuringExecution says how strong the wish is.
type PreferredDuringSchedulingIgnoredDuringExecution struct {
	// Weight is from 1 to 100.
	Weight int32 `json:"weight"`
}

// RequiredDuringSchedulingIgnoredDuringExecution has no fields.
type RequiredDuringSchedulingIgnoredDuringExecution struct{}
