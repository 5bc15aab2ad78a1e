// Package v1alpha1 is the argoproj.io/v1alpha1 API: what a person writes and what a controller answers.
//
// It answers, from the objects alone: which fields there are, what an absent one means (defaults.go), whether a
// spec may be executed (validation*.go), and which word describes a rollout now (phase.go). It leaves to others
// everything that needs a cluster, a clock or a second object: references are handed in as values.
//
// The JSON names, the literal status words and the messages are a wire format shared with other programs
// (controllers, the kubectl plugin, dashboards, GitOps health checks). They do not follow our taste and do not change.
//
// +kubebuilder:object:generate=true
// +groupName=argoproj.io
package v1alpha1

//go:generate go tool -modfile=../../tools/go.mod controller-gen object paths=.
//go:generate go tool -modfile=../../tools/go.mod controller-gen crd paths=. output:crd:dir=../../manifests/crd
//go:generate go -C ../../tools run ./crd ../manifests/crd
//go:generate go -C ../../tools run ./reference ../api/v1alpha1 ../docs/reference
