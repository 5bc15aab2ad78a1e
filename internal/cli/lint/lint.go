// Package lint judges manifests offline (spec 12.4): the Rollouts of a file by themselves, and what stands beside them
// in the same file. It reads no file and asks no cluster.
package lint

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/cli/manifest"
)

// A Fault is something that is wrong.
type Fault struct {
	// Body says what is wrong, without the place.
	Body string
	// Text is the same with the place.
	Text string
}

// Report is what was found in a file.
type Report struct {
	// Faults in the order of the documents, and within a Rollout in that of the rules.
	Faults []Fault
	// Warnings are about what is accepted, and not what it looks like.
	Warnings []string
}

// contents are the objects of a file that a Rollout may name.
type contents struct {
	rollouts  []*v1alpha1.Rollout
	refs      v1alpha1.References
	templates analysis.Templates
}

// File judges a file of one document or several.
func File(file []byte) Report {
	var report Report
	documents, err := manifest.Documents(file)
	if err != nil {
		return Report{Faults: []Fault{{err.Error(), err.Error()}}}
	}
	c := contents{
		refs: v1alpha1.References{Services: map[string]*corev1.Service{}, VirtualServices: map[string]*unstructured.Unstructured{}},
		templates: analysis.Templates{
			Namespaced: map[string]*v1alpha1.AnalysisTemplate{}, Cluster: map[string]*v1alpha1.ClusterAnalysisTemplate{},
		},
	}
	for i, document := range documents {
		for _, err := range c.add(document) {
			report.Faults = append(report.Faults, Fault{err.Error(), fmt.Sprintf("document %d: %v", i+1, err)})
		}
	}
	for _, r := range c.rollouts {
		for _, e := range v1alpha1.Lint(r, c.refs) {
			report.Faults = append(report.Faults, Fault{e.ErrorBody(), v1alpha1.ErrorText(e)})
		}
		report.Warnings = append(report.Warnings, warnings(r, c.templates)...)
	}
	return report
}

// add reads one document. Only kinds that a Rollout depends on for its own sake are read strictly; what else stands in
// the file is somebody else's matter. Of Ingresses the form is all that counts: those that belong to a Rollout are
// recognised by a rule for its Service, so that whether there is such a rule is no question.
func (c *contents) add(document []byte) []error {
	kind, err := manifest.Kind(document)
	if err != nil {
		return []error{fmt.Errorf("read the kind: %s", strings.Join(strings.Fields(err.Error()), " "))}
	}
	var errs []error
	switch kind.APIVersion + "/" + kind.Kind {
	case "argoproj.io/v1alpha1/Rollout":
		r := &v1alpha1.Rollout{}
		if errs = manifest.Decode(document, r); len(errs) == 0 {
			c.rollouts = append(c.rollouts, r)
		}
	case "v1/Service":
		s := &corev1.Service{}
		if errs = manifest.Decode(document, s); len(errs) == 0 {
			c.refs.Services[s.Name] = s
		}
	case "networking.k8s.io/v1/Ingress":
		errs = manifest.Decode(document, &networkingv1.Ingress{})
	case "networking.k8s.io/v1beta1/Ingress":
		errs = manifest.Decode(document, &networkingv1beta1.Ingress{})
	case "extensions/v1beta1/Ingress":
		errs = manifest.Decode(document, &extensionsv1beta1.Ingress{})
	default:
		c.addLoosely(kind.Kind, document)
	}
	for i := range errs {
		errs[i] = fmt.Errorf("%s %s: %w", kind.Kind, manifest.Name(document), errs[i])
	}
	return errs
}

// addLoosely reads what is looked at only because a Rollout names it. A document that cannot be read is passed over:
// it is no Rollout, and the API server will say what is wrong with it.
func (c *contents) addLoosely(kind string, document []byte) {
	switch kind {
	case "VirtualService":
		vs := &unstructured.Unstructured{}
		if yaml.Unmarshal(document, &vs.Object) == nil {
			c.refs.VirtualServices[vs.GetName()] = vs
			c.refs.VirtualServices[vs.GetName()+"."+vs.GetNamespace()] = vs
		}
	case v1alpha1.AnalysisTemplateKind:
		t := &v1alpha1.AnalysisTemplate{}
		if yaml.Unmarshal(document, t) == nil {
			c.templates.Namespaced[t.Name] = t
		}
	case v1alpha1.ClusterAnalysisTemplateKind:
		t := &v1alpha1.ClusterAnalysisTemplate{}
		if yaml.Unmarshal(document, t) == nil {
			c.templates.Cluster[t.Name] = t
		}
	}
}
