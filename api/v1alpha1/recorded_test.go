package v1alpha1_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// What the reference controller does not do, or does otherwise (spec 18): each has a reason.
var ours = map[string]string{
	"header-nginx":   "NGINX supports header routes",
	"header-no-list": "a route name used by a step is managed when no list is given",
	"in-a-step":      "a template without count is accepted inline",
}

// What the content of templates and workloads amounts to is not known to this package: it is handed in.
var elsewhere = regexp.MustCompile(`templateNames: |runs indefinitely|workload of type `)

var recordedMessage = regexp.MustCompile(`(?m)^ *\.status\.conditions\[InvalidSpec\]\.message: (.*)$`)

// TestRecordedMessages validates every Rollout of the recorded cases whose condition InvalidSpec was recorded and
// compares the first error with the recorded text, to the letter.
func TestRecordedMessages(t *testing.T) {
	recordings, err := filepath.Glob("../../test/traces/recorded/*.yaml")
	if err != nil || len(recordings) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	compared := 0
	for _, recording := range recordings {
		text, err := os.ReadFile(recording)
		if err != nil {
			t.Fatal(err)
		}
		lines := recordedMessage.FindAllStringSubmatch(string(text), -1)
		if len(lines) == 0 {
			continue
		}
		refs, rollouts := objects(t, filepath.Join("../../test/traces/cases", filepath.Base(recording)))
		for _, line := range lines {
			var want string
			if err := yaml.Unmarshal([]byte(line[1]), &want); err != nil {
				t.Fatal(err)
			}
			name, _, _ := strings.Cut(strings.TrimPrefix(want, `The Rollout "`), `"`)
			r := rollouts[name]
			if r == nil || elsewhere.MatchString(want) {
				continue
			}
			errs := v1alpha1.Validate(r, refs)
			if why, ok := ours[name]; ok {
				for _, err := range errs {
					if v1alpha1.InvalidSpecMessage(r, err) == want {
						t.Errorf("%s: refused as before, though %s", name, why)
					}
				}
				continue
			}
			if len(errs) == 0 && edited[filepath.Base(recording)] {
				continue
			}
			if len(errs) == 0 {
				t.Errorf("%s: %s is accepted, want %s", recording, name, want)
				continue
			}
			compared++
			if got := v1alpha1.InvalidSpecMessage(r, errs[0]); got != want {
				t.Errorf("%s:\n got %s\nwant %s", recording, got, want)
			}
		}
	}
	t.Logf("%d recorded messages", compared)
	if compared < 40 {
		t.Errorf("compared %d messages only", compared)
	}
}

// In these cases the spec becomes invalid, or the referenced object goes away, while the case runs.
var edited = map[string]bool{
	"invalid-edit-in-mid-update.yaml": true,
	"invalid-then-healed.yaml":        true,
}

// objects are the Rollouts that a case starts with, by name, and what they name.
func objects(t *testing.T, path string) (v1alpha1.References, map[string]*v1alpha1.Rollout) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ Objects string }
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	refs := v1alpha1.References{
		Services: map[string]*corev1.Service{}, Ingresses: map[string]*networkingv1.Ingress{},
		VirtualServices:          map[string]*unstructured.Unstructured{},
		AnalysisTemplates:        map[string]*v1alpha1.AnalysisTemplate{},
		ClusterAnalysisTemplates: map[string]*v1alpha1.ClusterAnalysisTemplate{},
	}
	rollouts := map[string]*v1alpha1.Rollout{}
	for _, document := range strings.Split("\n"+c.Objects, "\n---") {
		var u unstructured.Unstructured
		if err := yaml.Unmarshal([]byte(document), &u.Object); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		switch u.GetKind() {
		case "Rollout":
			rollouts[u.GetName()] = decode[v1alpha1.Rollout](t, document)
		case "Service":
			refs.Services[u.GetName()] = decode[corev1.Service](t, document)
		case "Ingress":
			refs.Ingresses[u.GetName()] = decode[networkingv1.Ingress](t, document)
		case "VirtualService":
			refs.VirtualServices[u.GetName()] = &u
		case "AnalysisTemplate":
			refs.AnalysisTemplates[u.GetName()] = decode[v1alpha1.AnalysisTemplate](t, document)
		case "ClusterAnalysisTemplate":
			refs.ClusterAnalysisTemplates[u.GetName()] = decode[v1alpha1.ClusterAnalysisTemplate](t, document)
		}
	}
	return refs, rollouts
}

func decode[T any](t *testing.T, text string) *T {
	t.Helper()
	var o T
	if err := yaml.UnmarshalStrict([]byte(text), &o); err != nil {
		t.Fatalf("decode: %v\n%s", err, text)
	}
	return &o
}

func services(t *testing.T, texts ...string) map[string]*corev1.Service {
	t.Helper()
	all := map[string]*corev1.Service{}
	for _, text := range texts {
		s := decode[corev1.Service](t, text)
		all[s.Name] = s
	}
	return all
}

// leading is an Ingress that leads to a Service.
func leading(service string) *networkingv1.Ingress {
	return &networkingv1.Ingress{Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{
		IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
			Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: service}},
		}}}},
	}}}}
}
