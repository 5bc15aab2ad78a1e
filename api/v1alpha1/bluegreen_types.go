package v1alpha1

import "k8s.io/apimachinery/pkg/util/intstr"

// BlueGreenStrategy brings up the new revision beside the old one and switches a Service at once.
type BlueGreenStrategy struct {
	// ActiveService is the Service that serves. Its selector gets the hash of the active revision.
	ActiveService string `json:"activeService"`
	// PreviewService is the Service that shows the new revision before it serves. Absent: there is no preview.
	// +optional
	PreviewService string `json:"previewService,omitempty"`
	// PreviewReplicaCount is the size of the new revision until it is promoted. Absent: spec.replicas.
	// +optional
	PreviewReplicaCount *int32 `json:"previewReplicaCount,omitempty"`
	// AutoPromotionEnabled says whether the switch happens without a person. Absent: true.
	// +optional
	AutoPromotionEnabled *bool `json:"autoPromotionEnabled,omitempty"`
	// AutoPromotionSeconds is the pause before a switch that nobody has to ask for. Absent or 0: no pause.
	// +optional
	AutoPromotionSeconds int32 `json:"autoPromotionSeconds,omitempty"`
	// MaxUnavailable limits how many pods a restart takes away at once, as a number or a percentage, rounded down.
	// Absent: 25%.
	// +optional
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	// ScaleDownDelaySeconds is how long the old revision lives after the switch. Absent: 30.
	// +optional
	ScaleDownDelaySeconds *int32 `json:"scaleDownDelaySeconds,omitempty"`
	// ScaleDownDelayRevisionLimit is the number of old revisions that may live inside that delay. Absent: any number.
	// +optional
	ScaleDownDelayRevisionLimit *int32 `json:"scaleDownDelayRevisionLimit,omitempty"`
	// PrePromotionAnalysis has to succeed before the switch. Absent: nothing is measured.
	// +optional
	PrePromotionAnalysis *RolloutAnalysis `json:"prePromotionAnalysis,omitempty"`
	// AntiAffinity keeps new and old pods on different nodes. Absent: they may share one.
	// +optional
	AntiAffinity *AntiAffinity `json:"antiAffinity,omitempty"`
	// PostPromotionAnalysis takes the switch back when it fails. Absent: nothing is measured.
	// +optional
	PostPromotionAnalysis *RolloutAnalysis `json:"postPromotionAnalysis,omitempty"`
	// PreviewMetadata is carried by the pods of a revision while it is the preview. Absent: none.
	// +optional
	PreviewMetadata *PodTemplateMetadata `json:"previewMetadata,omitempty"`
	// ActiveMetadata is carried by the pods of a revision while it is active. Absent: none.
	// +optional
	ActiveMetadata *PodTemplateMetadata `json:"activeMetadata,omitempty"`
	// AbortScaleDownDelaySeconds is how long the preview lives after an abort. Absent: 30. 0: for ever.
	// +optional
	AbortScaleDownDelaySeconds *int32 `json:"abortScaleDownDelaySeconds,omitempty"`
}
