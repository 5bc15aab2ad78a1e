package plan

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// A Snapshot is everything that one look at the cluster showed of one Rollout. Nobody may change it.
// What is missing or broken is a fact in it, not an error.
type Snapshot struct {
	// Rollout as stored; defaults are not filled in.
	Rollout *v1alpha1.Rollout
	// ReplicaSets that the Rollout controls, in any order, those being deleted included.
	ReplicaSets []*appsv1.ReplicaSet
	// Pods of these ReplicaSets. Only needed for restarts and for ephemeral metadata.
	Pods []*corev1.Pod
	// Services by name, of those that the spec names and that exist.
	Services map[string]*corev1.Service
	// Runs are all AnalysisRuns that the Rollout controls.
	Runs []*v1alpha1.AnalysisRun
	// TakenRunNames are names of AnalysisRuns in the namespace that this Rollout does not control.
	TakenRunNames map[string]bool
	// Templates are the AnalysisTemplates that the spec names, nested ones included.
	Templates analysis.Templates
	// References is what validation needs to know about the objects that the spec names (spec section 12.3).
	References v1alpha1.References
	// Steering are the objects that carry the traffic split (ingresses, virtual services, destination rules).
	Steering traffic.Objects
	// Carries reports whether the steering objects, as seen, carry a split already (each router's pure edit changes
	// nothing). Nil: nobody looked, and a Route is planned.
	Carries func(traffic.Split) bool
	// Verified says whether the data plane carries the recorded weights. Nil: nobody can tell, or nobody was asked.
	Verified *bool
	// Defaulted is the spec's pod template after the API server's defaulting (a dry run), observed only when no
	// ReplicaSet matches by hash. Nil: not observed.
	Defaulted *corev1.PodTemplateSpec
	// CreateError is what the API server said to a dry-run create of the new ReplicaSet. Empty: nothing was wrong.
	CreateError string
	// Collision reports that a ReplicaSet of the name that the next one needs exists and is not ours.
	Collision bool
}
