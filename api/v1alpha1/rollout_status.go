package v1alpha1

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RolloutStatus is what the controller last saw.
type RolloutStatus struct {
	// Abort gives the update up. Set by a person or by the controller.
	// +optional
	Abort bool `json:"abort,omitempty"`
	// PauseConditions are the reasons for which the controller waits for a person or for time to pass.
	// +optional
	// +listType=atomic
	PauseConditions []PauseCondition `json:"pauseConditions,omitempty"`
	// ControllerPause says that the controller paused. Without pause conditions it means that a person resumed.
	// +optional
	ControllerPause bool `json:"controllerPause,omitempty"`
	// AbortedAt is when the controller first saw the abort.
	// +optional
	AbortedAt *metav1.Time `json:"abortedAt,omitempty"`
	// CurrentPodHash is the hash of the pod template in the spec.
	// +optional
	CurrentPodHash string `json:"currentPodHash,omitempty"`
	// CurrentStepHash is the hash of the steps in the spec. Another value starts the steps anew.
	// +optional
	CurrentStepHash string `json:"currentStepHash,omitempty"`
	// Replicas is the number of pods of all revisions.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`
	// UpdatedReplicas is the number of pods of the current revision.
	// +optional
	UpdatedReplicas int32 `json:"updatedReplicas,omitempty"`
	// ReadyReplicas is the number of ready pods: of all revisions (canary) or of the active one (blue-green).
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`
	// AvailableReplicas is the number of available pods: of all revisions (canary) or of the active one (blue-green).
	// +optional
	AvailableReplicas int32 `json:"availableReplicas,omitempty"`
	// CurrentStepIndex is the zero-based index of the step being taken, and the number of steps when all are done.
	// Absent: there are no steps.
	// +optional
	CurrentStepIndex *int32 `json:"currentStepIndex,omitempty"`
	// CollisionCount is how often a hash was taken already. It never shrinks.
	// +optional
	CollisionCount *int32 `json:"collisionCount,omitempty"`
	// ObservedGeneration is the metadata.generation that this status tells about, as a decimal text.
	// +optional
	ObservedGeneration string `json:"observedGeneration,omitempty"`
	// Conditions are the observations, the latest change last.
	// +optional
	// +listType=atomic
	Conditions []RolloutCondition `json:"conditions,omitempty"`
	// Canary belongs to the canary strategy.
	// +optional
	Canary CanaryStatus `json:"canary,omitzero"`
	// BlueGreen belongs to the blue-green strategy.
	// +optional
	BlueGreen BlueGreenStatus `json:"blueGreen,omitzero"`
	// HPAReplicas is the number of pods that a horizontal autoscaler should count.
	// +optional
	HPAReplicas int32 `json:"HPAReplicas,omitempty"`
	// Selector is the text of the selector that finds those pods.
	// +optional
	Selector string `json:"selector,omitempty"`
	// StableRS is the hash of the revision that was promoted last.
	// +optional
	StableRS string `json:"stableRS,omitempty"`
	// RestartedAt is the spec.restartAt up to which all pods were restarted.
	// +optional
	RestartedAt *metav1.Time `json:"restartedAt,omitempty"`
	// PromoteFull skips the rest of the update. Set by a person.
	// +optional
	PromoteFull bool `json:"promoteFull,omitempty"`
	// Phase is the state in one word.
	// +optional
	Phase RolloutPhase `json:"phase,omitempty"`
	// Message says why the phase is what it is. Empty when Healthy.
	// +optional
	Message string `json:"message,omitempty"`
	// WorkloadObservedGeneration is the generation of the referenced workload that this status tells about.
	// +optional
	WorkloadObservedGeneration string `json:"workloadObservedGeneration,omitempty"`
	// ALB is the load balancer of the last Ingress that was verified.
	// +optional
	ALB *ALBStatus `json:"alb,omitempty"`
	// ALBs are the load balancers of all Ingresses that were verified.
	// +optional
	// +listType=atomic
	ALBs []ALBStatus `json:"albs,omitempty"`
	// Duration tells how long the update took.
	// +optional
	Duration *RolloutDuration `json:"duration,omitempty"`
}

// RolloutPhase is the state of a Rollout in one word (spec 4.1).
type RolloutPhase string

// The phases of a Rollout.
const (
	RolloutPhaseHealthy     RolloutPhase = "Healthy"
	RolloutPhaseDegraded    RolloutPhase = "Degraded"
	RolloutPhaseProgressing RolloutPhase = "Progressing"
	RolloutPhasePaused      RolloutPhase = "Paused"
)

// PauseCondition is a reason for which the controller waits.
type PauseCondition struct {
	// Reason of the pause.
	Reason PauseReason `json:"reason"`
	// StartTime is when it began.
	StartTime metav1.Time `json:"startTime"`
}

// PauseReason is why the controller waits.
type PauseReason string

// The reasons for which the controller waits.
const (
	PauseReasonCanaryPauseStep        PauseReason = "CanaryPauseStep"
	PauseReasonBlueGreenPause         PauseReason = "BlueGreenPause"
	PauseReasonInconclusiveAnalysis   PauseReason = "InconclusiveAnalysisRun"
	PauseReasonInconclusiveExperiment PauseReason = "InconclusiveExperiment"
)

// RolloutCondition is an observation about a Rollout (spec 4.2).
type RolloutCondition struct {
	// Type of the condition.
	Type RolloutConditionType `json:"type"`
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

// RolloutConditionType names an observation.
type RolloutConditionType string

// The types of conditions.
const (
	ConditionInvalidSpec    RolloutConditionType = "InvalidSpec"
	ConditionAvailable      RolloutConditionType = "Available"
	ConditionProgressing    RolloutConditionType = "Progressing"
	ConditionPaused         RolloutConditionType = "Paused"
	ConditionReplicaFailure RolloutConditionType = "ReplicaFailure"
	ConditionHealthy        RolloutConditionType = "Healthy"
	ConditionCompleted      RolloutConditionType = "Completed"
)

// CanaryStatus belongs to the canary strategy.
type CanaryStatus struct {
	// CurrentStepAnalysisRunStatus is the analysis of the current step.
	// +optional
	CurrentStepAnalysisRunStatus *RolloutAnalysisRunStatus `json:"currentStepAnalysisRunStatus,omitempty"`
	// CurrentBackgroundAnalysisRunStatus is the analysis beside the steps.
	// +optional
	CurrentBackgroundAnalysisRunStatus *RolloutAnalysisRunStatus `json:"currentBackgroundAnalysisRunStatus,omitempty"`
	// CurrentExperiment is the name of the current step's Experiment.
	// +optional
	CurrentExperiment string `json:"currentExperiment,omitempty"`
	// Weights are what the routers were last told. Absent: there is no router.
	// +optional
	Weights *TrafficWeights `json:"weights,omitempty"`
	// StablePingPong says which of the two Services of pingPong is stable: ping or pong.
	// +optional
	StablePingPong string `json:"stablePingPong,omitempty"`
	// StepPluginStatuses is what step plugins did.
	// +optional
	// +listType=atomic
	StepPluginStatuses []StepPluginStatus `json:"stepPluginStatuses,omitempty"`
}

// TrafficWeights are what the routers were last told.
type TrafficWeights struct {
	// Canary is the share of the new revision.
	Canary WeightDestination `json:"canary"`
	// Stable is the share of the stable revision.
	Stable WeightDestination `json:"stable"`
	// Additional are the shares of an experiment's templates.
	// +optional
	// +listType=atomic
	Additional []WeightDestination `json:"additional,omitempty"`
	// Verified says whether the data plane carries these weights. Absent: the router can't tell.
	// +optional
	Verified *bool `json:"verified,omitempty"`
}

// WeightDestination is a share of the traffic.
type WeightDestination struct {
	// Weight is the share.
	Weight int32 `json:"weight"`
	// ServiceName of the destination.
	// +optional
	ServiceName string `json:"serviceName,omitempty"`
	// PodTemplateHash of the destination.
	// +optional
	PodTemplateHash string `json:"podTemplateHash,omitempty"`
}

// BlueGreenStatus belongs to the blue-green strategy.
type BlueGreenStatus struct {
	// PreviewSelector is the hash in the preview Service's selector.
	// +optional
	PreviewSelector string `json:"previewSelector,omitempty"`
	// ActiveSelector is the hash in the active Service's selector.
	// +optional
	ActiveSelector string `json:"activeSelector,omitempty"`
	// ScaleUpPreviewCheckPoint says that the preview may grow to its full size.
	// +optional
	ScaleUpPreviewCheckPoint bool `json:"scaleUpPreviewCheckPoint,omitempty"`
	// PrePromotionAnalysisRunStatus is the analysis before the switch.
	// +optional
	PrePromotionAnalysisRunStatus *RolloutAnalysisRunStatus `json:"prePromotionAnalysisRunStatus,omitempty"`
	// PostPromotionAnalysisRunStatus is the analysis after the switch.
	// +optional
	PostPromotionAnalysisRunStatus *RolloutAnalysisRunStatus `json:"postPromotionAnalysisRunStatus,omitempty"`
}

// RolloutAnalysisRunStatus is the state of an AnalysisRun, as its Rollout last saw it.
type RolloutAnalysisRunStatus struct {
	// Name of the AnalysisRun.
	Name string `json:"name"`
	// Status is its phase.
	Status AnalysisPhase `json:"status"`
	// Message says why.
	// +optional
	Message string `json:"message,omitempty"`
}

// StepPluginStatus is what a step plugin did.
type StepPluginStatus struct {
	// Index of the step, from zero.
	Index int32 `json:"index"`
	// Name of the plugin.
	Name string `json:"name"`
	// Message for a person.
	// +optional
	Message string `json:"message,omitempty"`
	// StartedAt is when the operation began.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// UpdatedAt is when the plugin last answered.
	// +optional
	UpdatedAt *metav1.Time `json:"updatedAt,omitempty"`
	// FinishedAt is when the operation ended.
	// +optional
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	// Operation is Run, Terminate or Abort.
	Operation StepPluginOperation `json:"operation"`
	// Backoff is how long to wait before the plugin is asked again, such as "30s".
	// +optional
	Backoff DurationString `json:"backoff,omitempty"`
	// Executions is how often the plugin was asked.
	// +optional
	Executions int32 `json:"executions,omitempty"`
	// Phase of the operation.
	// +optional
	Phase StepPluginPhase `json:"phase,omitempty"`
	// Disabled says that the plugin was switched off when its step came.
	// +optional
	Disabled bool `json:"disabled,omitempty"`
	// Status is what the plugin wants to be told again.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Status json.RawMessage `json:"status,omitempty"`
}

// StepPluginOperation is what a step plugin is asked to do.
type StepPluginOperation string

// The operations of a step plugin.
const (
	StepPluginOperationRun       StepPluginOperation = "Run"
	StepPluginOperationTerminate StepPluginOperation = "Terminate"
	StepPluginOperationAbort     StepPluginOperation = "Abort"
)

// StepPluginPhase is how far a step plugin's operation is.
type StepPluginPhase string

// The phases of a step plugin's operation.
const (
	StepPluginPhaseRunning    StepPluginPhase = "Running"
	StepPluginPhaseSuccessful StepPluginPhase = "Successful"
	StepPluginPhaseFailed     StepPluginPhase = "Failed"
	StepPluginPhaseError      StepPluginPhase = "Error"
)

// ALBStatus is what the AWS API says about the load balancer of an Ingress.
type ALBStatus struct {
	// LoadBalancer of the Ingress.
	// +optional
	LoadBalancer AWSResourceRef `json:"loadBalancer,omitzero"`
	// CanaryTargetGroup is that of the canary Service.
	// +optional
	CanaryTargetGroup AWSResourceRef `json:"canaryTargetGroup,omitzero"`
	// StableTargetGroup is that of the stable Service.
	// +optional
	StableTargetGroup AWSResourceRef `json:"stableTargetGroup,omitzero"`
	// Ingress is its name.
	// +optional
	Ingress string `json:"ingress,omitempty"`
}

// AWSResourceRef names a resource of AWS.
type AWSResourceRef struct {
	// Name of the resource.
	Name string `json:"name"`
	// ARN of the resource.
	ARN string `json:"arn"`
	// FullName is the last part of the ARN, as metrics use it.
	// +optional
	FullName string `json:"fullName,omitempty"`
}

// RolloutDuration tells how long an update took (spec 3.18).
type RolloutDuration struct {
	// RolloutStartedAt is when the update began.
	// +optional
	RolloutStartedAt *metav1.Time `json:"rolloutStartedAt,omitempty"`
	// ManualPauseStartedAt is when the wait for a person that lasts now began. Absent: nobody is waited for.
	// +optional
	ManualPauseStartedAt *metav1.Time `json:"manualPauseStartedAt,omitempty"`
	// TotalManualPauseDurationSeconds is how long a person was waited for, in waits that ended.
	// +optional
	TotalManualPauseDurationSeconds int64 `json:"totalManualPauseDurationSeconds,omitempty"`
	// FinishedAt is when the update ended. Absent: it has not.
	// +optional
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	// CompletionStatus is how it ended.
	// +optional
	CompletionStatus CompletionStatus `json:"completionStatus,omitempty"`
}

// CompletionStatus is how an update ended (spec 4.6).
type CompletionStatus string

// The ways in which an update ends.
const (
	CompletionPromoted       CompletionStatus = "Promoted"
	CompletionFastPromoted   CompletionStatus = "FastPromoted"
	CompletionAborted        CompletionStatus = "Aborted"
	CompletionSuperseded     CompletionStatus = "Superseded"
	CompletionRolledBack     CompletionStatus = "RolledBack"
	CompletionFastRolledBack CompletionStatus = "FastRolledBack"
)
