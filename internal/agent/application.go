package agent

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sluice-delivery/sluice/sync"
)

// Kind of the objects that the agent reads. It is Argo CD's, so that the same manifest works with both.
var Kind = schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application"}

// Application is the supported part of an Application. What is not here is refused by its name.
type Application struct {
	Spec      Spec       `json:"spec"`
	Operation *Operation `json:"operation,omitempty"`
}

// Spec says what to sync, where to, and when.
type Spec struct {
	// Project is accepted and has no meaning here.
	Project     string      `json:"project,omitempty"`
	Source      *Source     `json:"source,omitempty"`
	Destination Destination `json:"destination"`
	SyncPolicy  *SyncPolicy `json:"syncPolicy,omitempty"`
	// IgnoreDifferences names fields that are no drift.
	IgnoreDifferences []IgnoreDifference `json:"ignoreDifferences,omitempty"`
	// RevisionHistoryLimit is how many syncs status.history holds. Absent: 10.
	RevisionHistoryLimit *int64 `json:"revisionHistoryLimit,omitempty"`
	// Info is for people.
	Info []Info `json:"info,omitempty"`
}

// Info is a remark.
type Info struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Source is a folder of a Git repository.
type Source struct {
	RepoURL        string           `json:"repoURL"`
	Path           string           `json:"path,omitempty"`
	TargetRevision string           `json:"targetRevision,omitempty"`
	Kustomize      *KustomizeSource `json:"kustomize,omitempty"`
	Directory      *DirectorySource `json:"directory,omitempty"`
}

// KustomizeSource overrides the kustomization in the folder.
type KustomizeSource struct {
	NamePrefix        string            `json:"namePrefix,omitempty"`
	NameSuffix        string            `json:"nameSuffix,omitempty"`
	Namespace         string            `json:"namespace,omitempty"`
	CommonLabels      map[string]string `json:"commonLabels,omitempty"`
	CommonAnnotations map[string]string `json:"commonAnnotations,omitempty"`
	Images            []string          `json:"images,omitempty"`
	Replicas          []Replica         `json:"replicas,omitempty"`
	Components        []string          `json:"components,omitempty"`
}

// Replica is the size of one workload.
type Replica struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// DirectorySource reads plain YAML and JSON.
type DirectorySource struct {
	Recurse bool   `json:"recurse,omitempty"`
	Include string `json:"include,omitempty"`
	Exclude string `json:"exclude,omitempty"`
}

// Destination is the cluster that the agent runs for: server https://kubernetes.default.svc, or name in-cluster.
type Destination struct {
	Server    string `json:"server,omitempty"`
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

// SyncPolicy says when and how to sync.
type SyncPolicy struct {
	Automated   *Automated `json:"automated,omitempty"`
	SyncOptions []string   `json:"syncOptions,omitempty"`
	Retry       *Retry     `json:"retry,omitempty"`
}

// Automated allows syncs that nobody asks for.
type Automated struct {
	Enabled    *bool `json:"enabled,omitempty"`
	Prune      *bool `json:"prune,omitempty"`
	SelfHeal   *bool `json:"selfHeal,omitempty"`
	AllowEmpty *bool `json:"allowEmpty,omitempty"`
}

// Retry says how a failed sync is tried again.
type Retry struct {
	Limit   *int64   `json:"limit,omitempty"`
	Backoff *Backoff `json:"backoff,omitempty"`
}

// Backoff spaces attempts. Durations are Go's, or a number of seconds.
type Backoff struct {
	Duration    string `json:"duration,omitempty"`
	Factor      *int64 `json:"factor,omitempty"`
	MaxDuration string `json:"maxDuration,omitempty"`
}

// IgnoreDifference names fields of objects.
type IgnoreDifference struct {
	Group        string   `json:"group,omitempty"`
	Kind         string   `json:"kind"`
	Name         string   `json:"name,omitempty"`
	Namespace    string   `json:"namespace,omitempty"`
	JSONPointers []string `json:"jsonPointers,omitempty"`
}

// Operation is a person's request to sync now. The agent removes it when it has begun.
type Operation struct {
	Sync        *OperationSync `json:"sync,omitempty"`
	InitiatedBy *Initiator     `json:"initiatedBy,omitempty"`
	Info        []Info         `json:"info,omitempty"`
}

// OperationSync says how. Revision may be empty, or has to be what targetRevision means anyway.
type OperationSync struct {
	Revision string `json:"revision,omitempty"`
	Prune    bool   `json:"prune,omitempty"`
}

// Initiator is who asked.
type Initiator struct {
	Username  string `json:"username,omitempty"`
	Automated bool   `json:"automated,omitempty"`
}

// Status is what the agent says of an Application, in the form of Argo CD's; reason and message are ours.
type Status struct {
	Sync                SyncStatus       `json:"sync"`
	Health              HealthStatus     `json:"health"`
	Resources           []ResourceStatus `json:"resources,omitempty"`
	Conditions          []Condition      `json:"conditions,omitempty"`
	OperationState      *OperationState  `json:"operationState,omitempty"`
	History             []Deployment     `json:"history,omitempty"`
	ReconciledAt        *metav1.Time     `json:"reconciledAt,omitempty"`
	SourceType          string           `json:"sourceType,omitempty"`
	Summary             *Summary         `json:"summary,omitempty"`
	ControllerNamespace string           `json:"controllerNamespace,omitempty"`
}

// SyncStatus is the verdict over the whole application.
type SyncStatus struct {
	Status     string          `json:"status"`
	Revision   string          `json:"revision,omitempty"`
	Reason     string          `json:"reason,omitempty"`
	Message    string          `json:"message,omitempty"`
	ComparedTo json.RawMessage `json:"comparedTo,omitempty"`
}

// HealthStatus is one of the six words.
type HealthStatus struct {
	Status             string       `json:"status,omitempty"`
	Message            string       `json:"message,omitempty"`
	LastTransitionTime *metav1.Time `json:"lastTransitionTime,omitempty"`
}

// ResourceStatus is the verdict over one object.
type ResourceStatus struct {
	Group           string        `json:"group,omitempty"`
	Version         string        `json:"version,omitempty"`
	Kind            string        `json:"kind"`
	Namespace       string        `json:"namespace,omitempty"`
	Name            string        `json:"name"`
	Status          string        `json:"status"`
	Reason          string        `json:"reason,omitempty"`
	Message         string        `json:"message,omitempty"`
	Health          *HealthStatus `json:"health,omitempty"`
	RequiresPruning bool          `json:"requiresPruning,omitempty"`
}

// Condition is something a person should know.
type Condition struct {
	Type               string      `json:"type"`
	Message            string      `json:"message"`
	LastTransitionTime metav1.Time `json:"lastTransitionTime"`
}

// OperationState is the last sync.
type OperationState struct {
	Operation  Operation    `json:"operation"`
	Phase      string       `json:"phase"`
	Message    string       `json:"message,omitempty"`
	StartedAt  metav1.Time  `json:"startedAt"`
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	RetryCount int          `json:"retryCount,omitempty"`
	SyncResult *SyncResult  `json:"syncResult,omitempty"`
}

// SyncResult is what became of each object.
type SyncResult struct {
	Revision  string           `json:"revision"`
	Resources []ResourceResult `json:"resources,omitempty"`
}

// ResourceResult is what became of one object.
type ResourceResult struct {
	Group     string `json:"group"`
	Version   string `json:"version,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Status    string `json:"status,omitempty"`
	Message   string `json:"message,omitempty"`
	HookPhase string `json:"hookPhase,omitempty"`
	HookType  string `json:"hookType,omitempty"`
	SyncPhase string `json:"syncPhase,omitempty"`
}

// Deployment is a commit that was synced.
type Deployment struct {
	ID              int64       `json:"id"`
	Revision        string      `json:"revision"`
	DeployStartedAt metav1.Time `json:"deployStartedAt"`
	DeployedAt      metav1.Time `json:"deployedAt"`
}

// Summary is for lists.
type Summary struct {
	Images []string `json:"images,omitempty"`
}

// memory is what has to survive a restart of the agent. It is kept in the annotation that marks an Application as
// taken by the agent.
type memory struct {
	Attempt  *sync.Attempt    `json:"attempt,omitempty"`
	Rejected []sync.Rejection `json:"rejected,omitempty"`
}
