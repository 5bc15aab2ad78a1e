package plan

import (
	"k8s.io/apimachinery/pkg/types"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// An Effect is one change to the cluster, with the reason for it. Objects in an effect carry the resource version
// that the decision saw; when an earlier effect of the same plan wrote the same object, that write's version counts
// instead. So a stale plan cannot be applied.
type Effect interface {
	// Why is the reason, for the log, the timeline and the person who asks.
	Why() string
	// Events are told when this effect succeeded.
	Events() []Event
}

// Reason is what all effects share.
type Reason struct {
	Text string
	Tell []Event
}

// Why implements Effect.
func (r Reason) Why() string { return r.Text }

// Events implements Effect.
func (r Reason) Events() []Event { return r.Tell }

// SetReplicas writes spec.replicas of a Rollout that has none (spec 1.2). It is alone in its plan.
type SetReplicas struct {
	Reason
	To int32
}

// Annotate sets annotations of the Rollout on the main resource; nil removes one.
type Annotate struct {
	Reason
	Annotations map[string]*string
}

// Create makes a ReplicaSet. AlreadyExists is a collision: the shell looks again.
type Create struct {
	Reason
	ReplicaSet *appsv1.ReplicaSet
}

// Scale changes the size of a ReplicaSet. Want is the whole object as it shall be, annotations included.
type Scale struct {
	Reason
	Want     *appsv1.ReplicaSet
	From, To int32
}

// Amend changes a ReplicaSet in anything but its size: annotations, minReadySeconds, template metadata, affinity.
type Amend struct {
	Reason
	Want *appsv1.ReplicaSet
}

// Relabel changes labels and annotations of a living pod in place; nil removes a key.
type Relabel struct {
	Reason
	Pod                 *corev1.Pod
	Labels, Annotations map[string]*string
}

// Evict asks the eviction API to end a pod. A refusal by a disruption budget is an outcome, not an error.
type Evict struct {
	Reason
	Pod *corev1.Pod
}

// Delete removes an object that the Rollout controls: a ReplicaSet or an AnalysisRun.
type Delete struct {
	Reason
	Kind string // "ReplicaSet" or "AnalysisRun"
	Name string
	UID  types.UID
}

// Point makes a Service select the pods of one revision: the hash key of its selector, and the managed-by annotation.
type Point struct {
	Reason
	Service  *corev1.Service
	From, To string // hashes; From is empty when the selector has none
}

// Route makes every configured router carry the split. Routers tell their own events; after them come Tell's.
type Route struct {
	Reason
	Split traffic.Split
}

// Begin creates an AnalysisRun.
type Begin struct {
	Reason
	Run *v1alpha1.AnalysisRun
}

// End asks an AnalysisRun to terminate.
type End struct {
	Reason
	Run *v1alpha1.AnalysisRun
}
