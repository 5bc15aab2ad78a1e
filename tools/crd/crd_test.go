package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestDefinitionsAreNamedAsUsersKnowThem(t *testing.T) {
	for plural, want := range map[string]struct{ short, scope, columns, subresources string }{
		"rollouts":                 {"ro", "Namespaced", "Desired .spec.replicas, Current .status.replicas, Up-to-date .status.updatedReplicas, Available .status.availableReplicas, Age .metadata.creationTimestamp", "map[scale:map[labelSelectorPath:.status.selector specReplicasPath:.spec.replicas statusReplicasPath:.status.HPAReplicas] status:map[]]"},
		"analysistemplates":        {"at", "Namespaced", "Age .metadata.creationTimestamp", "map[]"},
		"clusteranalysistemplates": {"cat", "Cluster", "Age .metadata.creationTimestamp", "map[]"},
		"analysisruns":             {"ar", "Namespaced", "Status .status.phase, Age .metadata.creationTimestamp", "map[]"},
		"experiments":              {"exp", "Namespaced", "Status .status.phase, Age .metadata.creationTimestamp", "map[]"},
	} {
		t.Run(plural, func(t *testing.T) {
			spec := child(readCRD(t, plural), "spec")
			version := list(spec["versions"])[0].(object)
			var columns []string
			for _, c := range list(version["additionalPrinterColumns"]) {
				columns = append(columns, fmt.Sprintf("%s %s", c.(object)["name"], c.(object)["jsonPath"]))
			}
			for name, pair := range map[string][2]string{
				"short name":   {fmt.Sprint(child(spec, "names")["shortNames"]), "[" + want.short + "]"},
				"scope":        {fmt.Sprint(spec["scope"]), want.scope},
				"columns":      {strings.Join(columns, ", "), want.columns},
				"subresources": {fmt.Sprint(child(version, "subresources")), want.subresources},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s: %s, want %s", name, pair[0], pair[1])
				}
			}
		})
	}
}

func TestASelectorCannotBeChanged(t *testing.T) {
	spec := child(child(readSchema(t, "rollouts"), "properties"), "spec")
	rules := list(child(child(spec, "properties"), "selector")["x-kubernetes-validations"])
	want := object{"rule": "self == oldSelf", "message": ".spec.selector is immutable"}
	if len(rules) != 1 || fmt.Sprint(rules[0]) != fmt.Sprint(want) {
		t.Errorf("rules of the selector: %v, want %v", rules, want)
	}
}

func TestPodTemplatesKeepTypesButNotRules(t *testing.T) {
	template := child(child(child(child(readSchema(t, "rollouts"), "properties"), "spec"), "properties"), "template")
	pod := child(child(child(template, "properties"), "spec"), "properties")
	container := child(child(child(pod, "containers"), "items"), "properties")
	if got := child(pod, "containers")["x-kubernetes-list-map-keys"]; fmt.Sprint(got) != "[name]" {
		t.Errorf("two containers of the same name must be refused; keys of the list: %v", got)
	}
	if got := child(child(child(child(container, "ports"), "items"), "properties"), "protocol")["default"]; got != "TCP" {
		t.Errorf("the default of a port's protocol is part of recorded hashes, but it is %v", got)
	}
	if got := child(pod, "volumes")["x-kubernetes-list-type"]; got != "atomic" {
		t.Errorf("volumes are a %v list", got)
	}
	if child(child(pod, "volumes"), "items")["x-kubernetes-preserve-unknown-fields"] != true {
		t.Error("unknown kinds of volumes are dropped")
	}
	labels := child(child(child(template, "properties"), "metadata"), "properties")
	if child(labels, "labels") == nil || child(labels, "annotations") == nil {
		t.Errorf("labels and annotations of pods are dropped: %v", labels)
	}
	visit(child(template, "properties")["spec"].(object), func(s object) {
		for _, rule := range []string{"enum", "maxLength", "x-kubernetes-validations", "description"} {
			if s[rule] != nil {
				t.Errorf("a field of the pod has %s: %v", rule, s[rule])
			}
		}
	})
}

func TestFinishingTwiceChangesNothing(t *testing.T) {
	text, err := os.ReadFile("../../manifests/crd/argoproj.io_analysisruns.yaml")
	if err != nil {
		t.Fatal(err)
	}
	again, err := finish(slices.Clone(text))
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(text) {
		t.Error("the committed definition is not what finish makes of it")
	}
}
