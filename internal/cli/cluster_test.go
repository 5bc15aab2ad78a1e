package cli

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// A watch asks for the mapping of the list, not only for that of the kind.
func TestMapperKnowsWhatIsReadAndWritten(t *testing.T) {
	m := mapper()
	for _, tc := range []struct {
		group, version, kind, resource string
		scope                          meta.RESTScope
	}{
		{v1alpha1.Group, v1alpha1.Version, "Rollout", "rollouts", meta.RESTScopeNamespace},
		{v1alpha1.Group, v1alpha1.Version, "AnalysisRun", "analysisruns", meta.RESTScopeNamespace},
		{v1alpha1.Group, v1alpha1.Version, "AnalysisTemplate", "analysistemplates", meta.RESTScopeNamespace},
		{v1alpha1.Group, v1alpha1.Version, "ClusterAnalysisTemplate", "clusteranalysistemplates", meta.RESTScopeRoot},
		{v1alpha1.Group, v1alpha1.Version, "Experiment", "experiments", meta.RESTScopeNamespace},
		{appsv1.GroupName, "v1", "ReplicaSet", "replicasets", meta.RESTScopeNamespace},
		{appsv1.GroupName, "v1", "Deployment", "deployments", meta.RESTScopeNamespace},
		{corev1.GroupName, "v1", "Pod", "pods", meta.RESTScopeNamespace},
		{corev1.GroupName, "v1", "PodTemplate", "podtemplates", meta.RESTScopeNamespace},
	} {
		for _, kind := range []string{tc.kind, tc.kind + "List"} {
			mapping, err := m.RESTMapping(schema.GroupKind{Group: tc.group, Kind: kind}, tc.version)
			if err != nil {
				t.Errorf("%s: %v", kind, err)
				continue
			}
			if mapping.Scope != tc.scope || kind == tc.kind && mapping.Resource.Resource != tc.resource {
				t.Errorf("%s is %v, %v", kind, mapping.Resource, mapping.Scope)
			}
		}
	}
}
