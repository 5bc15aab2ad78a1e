// Package analysis judges a rollout by measurements: which templates make up a run, which measurements are due, and
// what the samples amount to. Asking the metrics systems is left to analysis/provider, running all this to the shell.
package analysis

import (
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Templates are the AnalysisTemplates of one namespace and the cluster's, by name, as far as they exist.
type Templates struct {
	Namespaced map[string]*v1alpha1.AnalysisTemplate
	Cluster    map[string]*v1alpha1.ClusterAnalysisTemplate
}
