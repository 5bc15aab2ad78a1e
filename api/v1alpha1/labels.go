package v1alpha1

// Keys of labels and annotations that this API gives a meaning to (spec 2.1).
const (
	// DefaultRolloutUniqueLabelKey is the label, and the selector key, that ties pods, ReplicaSets, Services,
	// AnalysisRuns and Experiments to one revision. Its value is the pod template hash.
	DefaultRolloutUniqueLabelKey = "rollouts-pod-template-hash"
	// RevisionAnnotation holds the decimal revision on Rollouts, ReplicaSets, AnalysisRuns and Experiments.
	RevisionAnnotation = "rollout.argoproj.io/revision"
	// RevisionHistoryAnnotation holds a ReplicaSet's older revisions, separated by commas.
	RevisionHistoryAnnotation = "rollout.argoproj.io/revision-history"
	// DesiredReplicasAnnotation holds the Rollout's spec.replicas when the ReplicaSet was last scaled.
	DesiredReplicasAnnotation = "rollout.argoproj.io/desired-replicas"
	// EphemeralMetadataAnnotation holds, as JSON, the ephemeral labels and annotations a ReplicaSet carries now.
	EphemeralMetadataAnnotation = "rollout.argoproj.io/ephemeral-metadata"
	// WorkloadGenerationAnnotation holds, on a Rollout, the generation of the referenced workload.
	WorkloadGenerationAnnotation = "rollout.argoproj.io/workload-generation"
	// ScaleDownDeadlineAnnotation holds, on a ReplicaSet, the RFC 3339 UTC time after which it is scaled to zero.
	ScaleDownDeadlineAnnotation = "scale-down-deadline"
	// ManagedByRolloutsAnnotation names the Rollout that manages a Service, DestinationRule or VirtualNode.
	ManagedByRolloutsAnnotation = "argo-rollouts.argoproj.io/managed-by-rollouts"
	// InstanceIDLabel assigns an object to one of several controllers.
	InstanceIDLabel = "argo-rollouts.argoproj.io/controller-instance-id"
	// RolloutTypeLabel says, on an AnalysisRun, what it is for: one of the RolloutType constants.
	RolloutTypeLabel = "rollout-type"
	// StepIndexLabel holds, on the AnalysisRun of a step, the zero-based index of that step.
	StepIndexLabel = "step-index"
	// ExperimentNameAnnotation names the Experiment of a ReplicaSet or Service.
	ExperimentNameAnnotation = "experiment.argoproj.io/name"
	// ExperimentTemplateNameAnnotation names the Experiment's template of a ReplicaSet or Service.
	ExperimentTemplateNameAnnotation = "experiment.argoproj.io/template-name"
	// AnalysisRunUIDLabel holds, on a Job and its pods, the UID of the AnalysisRun that measures with it.
	AnalysisRunUIDLabel = "analysisrun.argoproj.io/uid"
	// AnalysisRunNameAnnotation names, on a Job, the AnalysisRun that measures with it.
	AnalysisRunNameAnnotation = "analysisrun.argoproj.io/name"
	// AnalysisRunNamespaceAnnotation holds, on a Job, the namespace of the AnalysisRun that measures with it.
	AnalysisRunNamespaceAnnotation = "analysisrun.argoproj.io/namespace"
	// AnalysisRunMetricNameAnnotation names, on a Job, the metric that it measures.
	AnalysisRunMetricNameAnnotation = "analysisrun.argoproj.io/metric-name"
	// ManagedALBAnnotationsAnnotation maps, on an ALB ingress and as JSON, each Rollout to the annotations it owns there.
	ManagedALBAnnotationsAnnotation = "rollouts.argoproj.io/managed-alb-annotations"
	// ManagedALBActionsAnnotation is a legacy key, removed where it is seen.
	ManagedALBActionsAnnotation = "rollouts.argoproj.io/managed-alb-actions"
	// NotificationSubscriptionPrefix starts the annotations that subscribe to a trigger:
	// notifications.argoproj.io/subscribe.<trigger>.<service>, recipients separated by semicolons.
	NotificationSubscriptionPrefix = "notifications.argoproj.io/subscribe."
	// NotifiedAnnotation holds what was already told. It is never copied to a ReplicaSet.
	NotifiedAnnotation = "notified.notifications.argoproj.io"
	// IstioPrimaryClusterLabel marks, with "true", the Secret that holds the kubeconfig of Istio's primary cluster.
	IstioPrimaryClusterLabel = "istio.argoproj.io/primary-cluster"
)

// Keys of our own: the mirror between a Rollout and the GitOps side.
const (
	// SluicePrefix starts every key of our own. Such annotations are never copied to a ReplicaSet.
	SluicePrefix = "sluice.dev/"
	// ServingAnnotation says whether the revision in the spec is the one that serves.
	ServingAnnotation = "sluice.dev/serving"
	// RollbackAnnotation tells, as JSON, what was rolled back and why.
	RollbackAnnotation = "sluice.dev/rollback"
	// SteeredAnnotation says, on a VirtualService in Git, which of its routes a Rollout sets: http/NAME, http/*, tls/*,
	// tcp/* for weights, route/NAME for a route that comes and goes; separated by commas.
	SteeredAnnotation = "sluice.dev/steered"
	// ServingDesired is the value of ServingAnnotation that Git wants.
	ServingDesired = "desired"
	// ServingRolledBack is the value of ServingAnnotation after the controller took a revision back.
	ServingRolledBack = "rolled-back"
)

// Values of RolloutTypeLabel.
const (
	RolloutTypeStep          = "Step"
	RolloutTypeBackground    = "Background"
	RolloutTypePrePromotion  = "PrePromotion"
	RolloutTypePostPromotion = "PostPromotion"
)
