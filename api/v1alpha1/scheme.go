package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group is the API group of all five kinds.
const Group = "argoproj.io"

// Version is the only version of the API.
const Version = "v1alpha1"

// The five kinds.
const (
	RolloutKind                 = "Rollout"
	AnalysisTemplateKind        = "AnalysisTemplate"
	ClusterAnalysisTemplateKind = "ClusterAnalysisTemplate"
	AnalysisRunKind             = "AnalysisRun"
	ExperimentKind              = "Experiment"
)

// SchemeGroupVersion is argoproj.io/v1alpha1.
var SchemeGroupVersion = schema.GroupVersion{Group: Group, Version: Version}

// The five kinds with their group and version, for owner references and unstructured objects.
var (
	RolloutGroupVersionKind                 = SchemeGroupVersion.WithKind(RolloutKind)
	AnalysisTemplateGroupVersionKind        = SchemeGroupVersion.WithKind(AnalysisTemplateKind)
	ClusterAnalysisTemplateGroupVersionKind = SchemeGroupVersion.WithKind(ClusterAnalysisTemplateKind)
	AnalysisRunGroupVersionKind             = SchemeGroupVersion.WithKind(AnalysisRunKind)
	ExperimentGroupVersionKind              = SchemeGroupVersion.WithKind(ExperimentKind)
)

// The five kinds as API resources, for dynamic clients.
var (
	RolloutGroupVersionResource                 = SchemeGroupVersion.WithResource("rollouts")
	AnalysisTemplateGroupVersionResource        = SchemeGroupVersion.WithResource("analysistemplates")
	ClusterAnalysisTemplateGroupVersionResource = SchemeGroupVersion.WithResource("clusteranalysistemplates")
	AnalysisRunGroupVersionResource             = SchemeGroupVersion.WithResource("analysisruns")
	ExperimentGroupVersionResource              = SchemeGroupVersion.WithResource("experiments")
)

// SchemeBuilder collects what AddToScheme does.
var SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

// AddToScheme makes the five kinds and their lists known to a scheme.
var AddToScheme = SchemeBuilder.AddToScheme

// Kind returns the group-qualified kind, e.g. for NoMatch errors.
func Kind(kind string) schema.GroupKind { return SchemeGroupVersion.WithKind(kind).GroupKind() }

// Resource returns the group-qualified resource, e.g. for NotFound errors.
func Resource(resource string) schema.GroupResource {
	return SchemeGroupVersion.WithResource(resource).GroupResource()
}

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion,
		&Rollout{}, &RolloutList{},
		&AnalysisTemplate{}, &AnalysisTemplateList{},
		&ClusterAnalysisTemplate{}, &ClusterAnalysisTemplateList{},
		&AnalysisRun{}, &AnalysisRunList{},
		&Experiment{}, &ExperimentList{},
	)
	metav1.AddToGroupVersion(scheme, SchemeGroupVersion)
	return nil
}
