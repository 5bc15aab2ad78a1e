package v1alpha1

// Reasons of conditions (spec 4.2). Some of them are event reasons too.
const (
	ReasonInvalidSpec              = "InvalidSpec"
	ReasonNewReplicaSetCreated     = "NewReplicaSetCreated"
	ReasonFoundNewReplicaSet       = "FoundNewReplicaSet"
	ReasonReplicaSetUpdated        = "ReplicaSetUpdated"
	ReasonReplicaSetNotAvailable   = "ReplicaSetNotAvailable"
	ReasonNewReplicaSetAvailable   = "NewReplicaSetAvailable"
	ReasonProgressDeadlineExceeded = "ProgressDeadlineExceeded"
	ReasonRolloutAborted           = "RolloutAborted"
	ReasonReplicaSetCreateError    = "ReplicaSetCreateError"
	ReasonRolloutPaused            = "RolloutPaused"
	ReasonRolloutResumed           = "RolloutResumed"
	ReasonRolloutRetry             = "RolloutRetry"
	ReasonAvailable                = "AvailableReason"
	ReasonRolloutHealthy           = "RolloutHealthy"
	ReasonRolloutCompleted         = "RolloutCompleted"
)

// Messages of conditions (spec 4.2). Those with verbs are formats for fmt.Sprintf.
const (
	// MessageInvalidSpec takes the name of the Rollout and the error text.
	MessageInvalidSpec = `The Rollout "%s" is invalid: %s`
	// MessageNewReplicaSet takes the name of the ReplicaSet.
	MessageNewReplicaSet = `Created new replica set "%s"`
	// MessageFoundNewReplicaSet takes the name of the ReplicaSet.
	MessageFoundNewReplicaSet = `Found new replica set "%s"`
	// MessageReplicaSetProgressing takes the name of the ReplicaSet.
	MessageReplicaSetProgressing = `ReplicaSet "%s" is progressing.`
	// MessageReplicaSetCompleted takes the name of the ReplicaSet.
	MessageReplicaSetCompleted = `ReplicaSet "%s" has successfully progressed.`
	// MessageReplicaSetTimeOut takes the name of the ReplicaSet.
	MessageReplicaSetTimeOut = `ReplicaSet "%s" has timed out progressing.`
	// MessageRolloutAborted takes the revision, a number. A cause follows after ": ".
	MessageRolloutAborted = `Rollout aborted update to revision %d`
	// MessageFailedToCreateReplicaSet takes the name of the ReplicaSet and the error.
	MessageFailedToCreateReplicaSet = `Failed to create new replica set "%s": %v`
	MessageRolloutPaused            = "Rollout is paused"
	MessageRolloutResumed           = "Rollout is resumed"
	MessageRolloutRetry             = "Retrying Rollout after abort"
	MessageAvailable                = "Rollout has minimum availability"
	MessageNotAvailable             = "Rollout does not have minimum availability"
	MessageRolloutHealthy           = "Rollout is healthy"
	MessageRolloutNotHealthy        = "Rollout is not healthy"
	MessageRolloutCompleted         = "RolloutCompleted"
)
