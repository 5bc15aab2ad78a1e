// Package view shows a Rollout and an Experiment to a person: observed objects become a model (Rollout, Experiment),
// and the model becomes text. Both are functions of their arguments; observing is left to others, and so is every
// other form that the model may be shown in.
package view

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Objects are what may belong to a Rollout or an Experiment: those of one namespace, in any order. What belongs to
// somebody else is passed over.
type Objects struct {
	ReplicaSets []*appsv1.ReplicaSet
	Pods        []*corev1.Pod
	Runs        []*v1alpha1.AnalysisRun
	Experiments []*v1alpha1.Experiment
}

// RolloutInfo is a Rollout as it is shown (spec 9.3 and 10.1).
type RolloutInfo struct {
	ObjectMeta metav1.ObjectMeta `json:"objectMeta"`
	// Status and Message are phase and message by the rules for clients (spec 4.1).
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
	Icon    Icon   `json:"icon"`
	// Strategy is Canary or BlueGreen.
	Strategy string `json:"strategy"`
	// Step is "index/number", empty without steps. SetWeight and ActualWeight are empty for blue-green.
	Step         string `json:"step,omitempty"`
	SetWeight    string `json:"setWeight,omitempty"`
	ActualWeight string `json:"actualWeight,omitempty"`
	Ready        int32  `json:"ready"`
	Current      int32  `json:"current"`
	Desired      int32  `json:"desired"`
	Updated      int32  `json:"updated"`
	Available    int32  `json:"available"`
	// RestartedAt is RFC 3339, or empty.
	RestartedAt    string                `json:"restartedAt,omitempty"`
	Generation     string                `json:"generation"`
	ReplicaSets    []ReplicaSetInfo      `json:"replicaSets,omitempty"`
	Experiments    []ExperimentInfo      `json:"experiments,omitempty"`
	AnalysisRuns   []AnalysisRunInfo     `json:"analysisRuns,omitempty"`
	Containers     []ContainerInfo       `json:"containers,omitempty"`
	InitContainers []ContainerInfo       `json:"initContainers,omitempty"`
	Steps          []v1alpha1.CanaryStep `json:"steps,omitempty"`
}

// ContainerInfo is a container of the current revision.
type ContainerInfo struct {
	Name  string `json:"name"`
	Image string `json:"image"`
}

// ReplicaSetInfo is one revision, or one template of an Experiment.
type ReplicaSetInfo struct {
	ObjectMeta metav1.ObjectMeta `json:"objectMeta"`
	// Status is Healthy, Progressing, ScaledDown or ReplicaFailure.
	Status    string `json:"status"`
	Icon      Icon   `json:"icon"`
	Revision  int64  `json:"revision"`
	Stable    bool   `json:"stable"`
	Canary    bool   `json:"canary"`
	Active    bool   `json:"active"`
	Preview   bool   `json:"preview"`
	Ping      bool   `json:"ping"`
	Pong      bool   `json:"pong"`
	Replicas  int32  `json:"replicas"`
	Available int32  `json:"available"`
	// Template is the name of the Experiment's template; empty for a revision.
	Template string `json:"template,omitempty"`
	// ScaleDownDeadline is RFC 3339, or empty.
	ScaleDownDeadline   string    `json:"scaleDownDeadline,omitempty"`
	Images              []string  `json:"images,omitempty"`
	InitContainerImages []string  `json:"initContainerImages,omitempty"`
	Pods                []PodInfo `json:"pods,omitempty"`
}

// PodInfo is a pod. Status is the word that kubectl shows.
type PodInfo struct {
	ObjectMeta metav1.ObjectMeta `json:"objectMeta"`
	Status     string            `json:"status"`
	Icon       Icon              `json:"icon"`
	// Ready is "containers that are ready/all containers".
	Ready    string `json:"ready"`
	Restarts int32  `json:"restarts"`
}

// AnalysisRunInfo is an AnalysisRun. The four numbers are measurements, of all metrics together.
type AnalysisRunInfo struct {
	ObjectMeta   metav1.ObjectMeta `json:"objectMeta"`
	Icon         Icon              `json:"icon"`
	Revision     int64             `json:"revision"`
	Status       string            `json:"status"`
	Successful   int32             `json:"successful"`
	Failed       int32             `json:"failed"`
	Inconclusive int32             `json:"inconclusive"`
	Error        int32             `json:"error"`
	Jobs         []JobInfo         `json:"jobs,omitempty"`
}

// JobInfo is a measurement that a Job makes.
type JobInfo struct {
	Name       string    `json:"name"`
	Status     string    `json:"status"`
	Icon       Icon      `json:"icon"`
	MetricName string    `json:"metricName"`
	StartedAt  time.Time `json:"startedAt,omitzero"`
}

// ExperimentInfo is an Experiment with what belongs to it.
type ExperimentInfo struct {
	ObjectMeta   metav1.ObjectMeta `json:"objectMeta"`
	Icon         Icon              `json:"icon"`
	Revision     int64             `json:"revision"`
	Status       string            `json:"status"`
	Message      string            `json:"message,omitempty"`
	ReplicaSets  []ReplicaSetInfo  `json:"replicaSets,omitempty"`
	AnalysisRuns []AnalysisRunInfo `json:"analysisRuns,omitempty"`
}

// Icon is the meaning of a picture (spec 9.2); how it looks is up to the form that it is shown in.
type Icon string

// The icons of states.
const (
	IconWaiting     Icon = "waiting"
	IconProgressing Icon = "progressing"
	IconWarning     Icon = "warning"
	IconUnknown     Icon = "unknown"
	IconOK          Icon = "ok"
	IconBad         Icon = "bad"
	IconPaused      Icon = "paused"
	IconNeutral     Icon = "neutral"
)
