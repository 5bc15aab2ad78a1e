package render

import _ "embed"

// configurationName is the file that is put beside each kustomization in the copy of the tree.
const configurationName = ".sluice-rollouts.yaml"

// rolloutConfiguration tells kustomize's transformers where a Rollout and its companions have images, replicas,
// labels, and the names of other objects.
//
//go:embed rollouts.yaml
var rolloutConfiguration []byte

// rolloutSchema tells kustomize by which keys lists are merged: containers by name, as in a Deployment.
//
//go:embed rollouts.json
var rolloutSchema []byte
