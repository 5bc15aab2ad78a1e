package v1alpha1

// Reasons of events (spec 4.5, 6 and 7). They are counted by metrics, and they trigger notifications.
const (
	EventRolloutAddedToInformer  = "RolloutAddedToInformer"
	EventRolloutUpdated          = "RolloutUpdated"
	EventRolloutNotCompleted     = "RolloutNotCompleted"
	EventNewReplicaSetCreated    = "NewReplicaSetCreated"
	EventReplicaSetCreateError   = "ReplicaSetCreateError"
	EventReplicaSetUpdateError   = "ReplicaSetUpdateError"
	EventScalingReplicaSet       = "ScalingReplicaSet"
	EventRolloutPaused           = "RolloutPaused"
	EventRolloutResumed          = "RolloutResumed"
	EventRolloutStepCompleted    = "RolloutStepCompleted"
	EventRolloutCompleted        = "RolloutCompleted"
	EventRolloutAborted          = "RolloutAborted"
	EventRolloutDeleted          = "RolloutDeleted"
	EventSkipSteps               = "SkipSteps"
	EventSwitchService           = "SwitchService"
	EventTrafficWeightUpdated    = "TrafficWeightUpdated"
	EventTrafficRoutingError     = "TrafficRoutingError"
	EventWeightVerifyError       = "WeightVerifyError"
	EventTargetGroupVerified     = "TargetGroupVerified"
	EventTargetGroupUnverified   = "TargetGroupUnverified"
	EventTargetGroupVerifyError  = "TargetGroupVerifyError"
	EventLoadBalancerNotFound    = "LoadBalancerNotFound"
	EventExperimentCreated       = "ExperimentCreated"
	EventStepPluginTransition    = "StepPluginTransition"
	EventReconciliationError     = "ReconciliationError"
	EventCreatingCanaryIngress   = "CreatingCanaryIngress"
	EventPatchingCanaryIngress   = "PatchingCanaryIngress"
	EventPatchingALBIngress      = "PatchingALBIngress"
	EventVirtualServiceUpdated   = "Updated VirtualService"
	EventVirtualServiceNotFound  = "VirtualServiceNotFound"
	EventUpdatedDestinationRule  = "UpdatedDestinationRule"
	EventDestinationRuleNotFound = "DestinationRuleNotFound"
	EventTrafficSplitCreated     = "TrafficSplitCreated"
	EventTrafficSplitNotCreated  = "TrafficSplitNotCreated"
	// EventAnalysisTemplateUnbounded is ours: an inline analysis has a metric with an interval and no count (spec 18).
	EventAnalysisTemplateUnbounded = "AnalysisTemplateUnbounded"

	// EventAnalysisRunPrefix is followed by the phase of the run.
	EventAnalysisRunPrefix = "AnalysisRun"
	// EventExperimentPrefix is followed by the phase of the experiment.
	EventExperimentPrefix = "Experiment"
	// EventTemplatePrefix is followed by the status of an experiment's template.
	EventTemplatePrefix = "Template"
)
