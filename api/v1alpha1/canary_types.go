package v1alpha1

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// CanaryStrategy moves pods, or traffic, to the new revision step by step.
type CanaryStrategy struct {
	// CanaryService is the Service whose selector gets the hash of the new revision. Most routers need it.
	// +optional
	CanaryService string `json:"canaryService,omitempty"`
	// StableService is the Service whose selector gets the hash of the stable revision. Most routers need it.
	// +optional
	StableService string `json:"stableService,omitempty"`
	// Steps are taken one after the other. Absent: all pods are replaced within maxSurge and maxUnavailable.
	// +optional
	// +listType=atomic
	Steps []CanaryStep `json:"steps,omitempty"`
	// TrafficRouting steers traffic by weight. Absent: the share of pods decides.
	// +optional
	TrafficRouting *RolloutTrafficRouting `json:"trafficRouting,omitempty"`
	// MaxUnavailable is how many pods may be missing during an update without traffic routing, as a number or a
	// percentage, rounded down. Absent: 25%. When it and maxSurge both come to 0, one pod may be missing.
	// +optional
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	// MaxSurge is how many extra pods there may be during an update without traffic routing, as a number or a
	// percentage, rounded up. Absent: 25%.
	// +optional
	MaxSurge *intstr.IntOrString `json:"maxSurge,omitempty"`
	// Analysis measures in the background, from a chosen step to the end of the update. Absent: nothing is measured.
	// +optional
	Analysis *RolloutAnalysisBackground `json:"analysis,omitempty"`
	// AntiAffinity keeps new and old pods on different nodes. Absent: they may share one.
	// +optional
	AntiAffinity *AntiAffinity `json:"antiAffinity,omitempty"`
	// CanaryMetadata is carried by the pods of a revision while it is the canary. Absent: none.
	// +optional
	CanaryMetadata *PodTemplateMetadata `json:"canaryMetadata,omitempty"`
	// StableMetadata is carried by the pods of a revision while it is stable. Absent: none.
	// +optional
	StableMetadata *PodTemplateMetadata `json:"stableMetadata,omitempty"`
	// ScaleDownDelaySeconds is how long the old revision lives after the promotion. With traffic routing only.
	// Absent: 30 with traffic routing.
	// +optional
	ScaleDownDelaySeconds *int32 `json:"scaleDownDelaySeconds,omitempty"`
	// ScaleDownDelayRevisionLimit is the number of old revisions that may live inside that delay. Absent: any number.
	// +optional
	ScaleDownDelayRevisionLimit *int32 `json:"scaleDownDelayRevisionLimit,omitempty"`
	// AbortScaleDownDelaySeconds is how long the canary lives after an abort, with traffic routing. Without, it is
	// ignored. Absent: 30. 0: for ever.
	// +optional
	AbortScaleDownDelaySeconds *int32 `json:"abortScaleDownDelaySeconds,omitempty"`
	// DynamicStableScale shrinks the stable revision while traffic leaves it. With traffic routing only.
	// Absent: stable keeps all its pods until the promotion.
	// +optional
	DynamicStableScale bool `json:"dynamicStableScale,omitempty"`
	// PingPong lets two Services take turns at being stable, instead of canaryService and stableService.
	// +optional
	PingPong *PingPongSpec `json:"pingPong,omitempty"`
	// MinPodsPerReplicaSet is the smallest size of a revision that has pods at all, with traffic routing only.
	// Absent: 1.
	// +optional
	MinPodsPerReplicaSet *int32 `json:"minPodsPerReplicaSet,omitempty"`
	// ReplicaProgressThreshold is the share of pods that has to be available before a step counts as scaled.
	// Absent: all of them.
	// +optional
	ReplicaProgressThreshold *ReplicaProgressThreshold `json:"replicaProgressThreshold,omitempty"`
}

// PingPongSpec names two Services that take turns at being stable.
type PingPongSpec struct {
	// PingService is one of the two.
	PingService string `json:"pingService"`
	// PongService is the other one.
	PongService string `json:"pongService"`
}

// Values of CanaryStatus.StablePingPong.
const (
	PingPongPing = "ping"
	PingPongPong = "pong"
)

// ReplicaProgressThreshold is a number or a share of pods.
type ReplicaProgressThreshold struct {
	// Type is Percent or Pods.
	Type ProgressThresholdType `json:"type"`
	// Value is the number, or the percentage, of pods.
	Value int32 `json:"value"`
}

// ProgressThresholdType is the unit of a ReplicaProgressThreshold.
type ProgressThresholdType string

// The units of a ReplicaProgressThreshold.
const (
	ProgressThresholdPercent ProgressThresholdType = "Percent"
	ProgressThresholdPods    ProgressThresholdType = "Pods"
)

// CanaryStep is one step of a canary. Exactly one of its kinds is set.
type CanaryStep struct {
	// SetWeight is the share, from 0 to trafficRouting.maxTrafficWeight (100), that the canary should have.
	// +optional
	SetWeight *int32 `json:"setWeight,omitempty"`
	// Pause waits for a time, or for a person.
	// +optional
	Pause *RolloutPause `json:"pause,omitempty"`
	// Experiment runs an Experiment and waits until it is successful.
	// +optional
	Experiment *RolloutExperimentStep `json:"experiment,omitempty"`
	// Analysis runs an AnalysisRun and waits until it is successful.
	// +optional
	Analysis *RolloutAnalysis `json:"analysis,omitempty"`
	// SetCanaryScale sizes the canary without moving traffic. It needs traffic routing.
	// +optional
	SetCanaryScale *SetCanaryScale `json:"setCanaryScale,omitempty"`
	// SetHeaderRoute sends requests with certain headers to the canary. It needs traffic routing.
	// +optional
	SetHeaderRoute *SetHeaderRoute `json:"setHeaderRoute,omitempty"`
	// SetMirrorRoute sends copies of requests to the canary. It needs traffic routing.
	// +optional
	SetMirrorRoute *SetMirrorRoute `json:"setMirrorRoute,omitempty"`
	// Plugin runs a step plugin and waits until it is successful.
	// +optional
	Plugin *PluginStep `json:"plugin,omitempty"`
}

// RolloutPause waits.
type RolloutPause struct {
	// Duration is a number of seconds, or a text such as "90s" or "1h30m". Absent: until a person resumes.
	// +optional
	Duration *intstr.IntOrString `json:"duration,omitempty"`
}

// SetCanaryScale sizes the canary without moving traffic. Exactly one of its fields is set.
type SetCanaryScale struct {
	// Weight is the share of spec.replicas, in percent.
	// +optional
	Weight *int32 `json:"weight,omitempty"`
	// Replicas is the exact number of pods.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// MatchTrafficWeight lets the size follow the traffic weight again.
	// +optional
	MatchTrafficWeight bool `json:"matchTrafficWeight,omitempty"`
}

// SetHeaderRoute sends requests that carry all of certain headers to the canary.
type SetHeaderRoute struct {
	// Name of the route. It is used to change and to remove it.
	// +optional
	Name string `json:"name,omitempty"`
	// Match is a list of headers that a request has to carry. Absent: the route is removed.
	// +optional
	// +listType=atomic
	Match []HeaderRoutingMatch `json:"match,omitempty"`
}

// HeaderRoutingMatch is a header that a request has to carry.
type HeaderRoutingMatch struct {
	// HeaderName is the name of the header.
	HeaderName string `json:"headerName"`
	// HeaderValue is what its value has to be.
	HeaderValue *StringMatch `json:"headerValue"`
}

// StringMatch compares a text. Exactly one of its fields is set.
type StringMatch struct {
	// Exact is the whole text.
	// +optional
	Exact string `json:"exact,omitempty"`
	// Prefix is how the text begins.
	// +optional
	Prefix string `json:"prefix,omitempty"`
	// Regex is a regular expression in the dialect of the router.
	// +optional
	Regex string `json:"regex,omitempty"`
}

// SetMirrorRoute sends copies of matching requests to the canary, whose answers are dropped.
type SetMirrorRoute struct {
	// Name of the route. It is used to change and to remove it.
	Name string `json:"name"`
	// Match is a list of rules, of which a request has to fulfil one. Absent: the route is removed.
	// +optional
	// +listType=atomic
	Match []RouteMatch `json:"match,omitempty"`
	// Percentage of the matching requests that is copied. Absent: 100.
	// +optional
	Percentage *int32 `json:"percentage,omitempty"`
}

// RouteMatch is a rule for requests. All of its fields that are set have to match.
type RouteMatch struct {
	// Method of the request. Absent: any.
	// +optional
	Method *StringMatch `json:"method,omitempty"`
	// Path of the request. Absent: any.
	// +optional
	Path *StringMatch `json:"path,omitempty"`
	// Headers of the request, by name. Absent: any.
	// +optional
	Headers map[string]StringMatch `json:"headers,omitempty"`
}

// PluginStep runs a step plugin.
type PluginStep struct {
	// Name of the plugin, as in the controller's configuration.
	Name string `json:"name"`
	// Config is handed to the plugin as it is.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	Config json.RawMessage `json:"config,omitempty"`
}

// RolloutExperimentStep runs an Experiment as a step.
type RolloutExperimentStep struct {
	// Templates are the revisions to run side by side.
	// +listType=atomic
	Templates []RolloutExperimentTemplate `json:"templates"`
	// Duration of the experiment, such as "10m". Absent: until its analyses are done.
	// +optional
	Duration DurationString `json:"duration,omitempty"`
	// Analyses measure while the experiment runs. Absent: nothing is measured.
	// +optional
	// +listType=atomic
	Analyses []RolloutExperimentStepAnalysisTemplateRef `json:"analyses,omitempty"`
	// DryRun names metrics whose result does not count. Absent: all count.
	// +optional
	// +listType=atomic
	DryRun []DryRun `json:"dryRun,omitempty"`
	// AnalysisRunMetadata is set on the AnalysisRuns. Absent: none.
	// (Written even when empty, as template metadata is: the step hash is taken of this text.)
	// +optional
	AnalysisRunMetadata PodTemplateMetadata `json:"analysisRunMetadata"`
	// ScaleDownDelaySeconds is how long the experiment's pods live after it ended. Absent: 30.
	// +optional
	ScaleDownDelaySeconds *int32 `json:"scaleDownDelaySeconds,omitempty"`
}

// RolloutExperimentTemplate is one of the revisions that an experiment step runs.
type RolloutExperimentTemplate struct {
	// Name of the template, unique in the step.
	Name string `json:"name"`
	// SpecRef is the revision to run: canary or stable.
	SpecRef ReplicaSetSpecRef `json:"specRef"`
	// Replicas is the number of pods. Absent: 1.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// Metadata is added to the pods. Absent: none.
	// +optional
	Metadata PodTemplateMetadata `json:"metadata"`
	// Selector of the pods. Absent: that of the Rollout.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
	// Weight is the share of traffic the template gets, with traffic routing only. Absent: none.
	// +optional
	Weight *int32 `json:"weight,omitempty"`
	// Service makes a Service for the template. Absent: there is one only when weight is set.
	// +optional
	Service *TemplateService `json:"service,omitempty"`
}

// ReplicaSetSpecRef names the revision an experiment template runs.
type ReplicaSetSpecRef string

// The revisions an experiment template can run.
const (
	CanarySpecRef ReplicaSetSpecRef = "canary"
	StableSpecRef ReplicaSetSpecRef = "stable"
)

// RolloutExperimentStepAnalysisTemplateRef starts an AnalysisRun with the experiment of a step.
type RolloutExperimentStepAnalysisTemplateRef struct {
	// Name of the analysis, unique in the step.
	Name string `json:"name"`
	// TemplateName is the AnalysisTemplate to use.
	TemplateName string `json:"templateName"`
	// ClusterScope says that it is a ClusterAnalysisTemplate. Absent: it is in the namespace of the Rollout.
	// +optional
	ClusterScope bool `json:"clusterScope,omitempty"`
	// Args of the template. Absent: those the template has values for.
	// +optional
	// +listType=atomic
	Args []AnalysisRunArgument `json:"args,omitempty"`
	// RequiredForCompletion says that the experiment ends when this analysis does. Absent: it does not.
	// +optional
	RequiredForCompletion bool `json:"requiredForCompletion,omitempty"`
}

// RolloutAnalysis starts an AnalysisRun.
type RolloutAnalysis struct {
	// Templates to measure by. Their metrics are put together.
	// +optional
	// +listType=atomic
	Templates []TemplateRef `json:"templates,omitempty"`
	// Args of the templates. Absent: those the templates have values for.
	// +optional
	// +listType=atomic
	Args []AnalysisRunArgument `json:"args,omitempty"`
	// DryRun names metrics whose result does not count. Absent: all count.
	// +optional
	// +listType=atomic
	DryRun []DryRun `json:"dryRun,omitempty"`
	// MeasurementRetention says how many measurements are kept. Absent: the last 10 of each metric.
	// +optional
	// +listType=atomic
	MeasurementRetention []MeasurementRetention `json:"measurementRetention,omitempty"`
	// AnalysisRunMetadata is set on the AnalysisRun. Absent: none.
	// +optional
	AnalysisRunMetadata PodTemplateMetadata `json:"analysisRunMetadata,omitzero"`
}

// RolloutAnalysisBackground is an analysis beside the steps.
type RolloutAnalysisBackground struct {
	RolloutAnalysis `json:",inline"`
	// StartingStep is the zero-based index of the step from which on it measures. Absent: 0.
	// +optional
	StartingStep *int32 `json:"startingStep,omitempty"`
}

// AnalysisRunArgument gives an argument of an analysis its value, from a Rollout's point of view.
type AnalysisRunArgument struct {
	// Name of the argument.
	Name string `json:"name"`
	// Value is the value itself. Absent: see valueFrom.
	// +optional
	Value string `json:"value,omitempty"`
	// ValueFrom is where the value comes from. Absent: see value.
	// +optional
	ValueFrom *ArgumentValueFrom `json:"valueFrom,omitempty"`
}

// ArgumentValueFrom says where a Rollout takes the value of an argument from.
type ArgumentValueFrom struct {
	// PodTemplateHashValue is the hash of a revision: Stable or Latest.
	// +optional
	PodTemplateHashValue *ValueFromPodTemplateHash `json:"podTemplateHashValue,omitempty"`
	// FieldRef is a field of the Rollout.
	// +optional
	FieldRef *FieldRef `json:"fieldRef,omitempty"`
}

// ValueFromPodTemplateHash names a revision.
type ValueFromPodTemplateHash string

// The revisions an argument can take the hash of.
const (
	// Stable is the revision before the update.
	Stable ValueFromPodTemplateHash = "Stable"
	// Latest is the revision of the update.
	Latest ValueFromPodTemplateHash = "Latest"
)

// FieldRef names a field of an object.
type FieldRef struct {
	// FieldPath is its path, such as metadata.labels['app'] or status.currentPodHash.
	FieldPath string `json:"fieldPath"`
}
