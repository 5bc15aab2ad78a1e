package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// A field is a line of testdata/fields.txt: the wire schema of the five kinds as a tree. "*" marks what the API server
// requires, "[]" a list, "{}" a map of names.
type field struct {
	name, shape string
	required    bool
	fields      []*field
}

func readFields(t *testing.T) map[string]*field {
	text, err := os.ReadFile("testdata/fields.txt")
	if err != nil {
		t.Fatal(err)
	}
	roots := map[string]*field{}
	path := []*field{}
	for line := range strings.Lines(string(text)) {
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		name, shape, _ := strings.Cut(strings.TrimSpace(line), ": ")
		f := &field{name: strings.TrimSuffix(name, "*"), shape: shape, required: strings.HasSuffix(name, "*")}
		path = append(path[:depth], f)
		if depth > 0 {
			path[depth-1].fields = append(path[depth-1].fields, f)
			continue
		}
		for _, kind := range strings.Split(name, ", ") {
			roots[kind] = f
		}
	}
	return roots
}

func TestDefinitionsHaveTheFieldsOfTheWireSchema(t *testing.T) {
	roots := readFields(t)
	for kind, plural := range map[string]string{
		"Rollout": "rollouts", "AnalysisTemplate": "analysistemplates", "AnalysisRun": "analysisruns",
		"ClusterAnalysisTemplate": "clusteranalysistemplates", "Experiment": "experiments",
	} {
		t.Run(kind, func(t *testing.T) {
			schema := readSchema(t, plural)
			for _, f := range roots[kind].fields {
				checkField(t, roots, child(schema, "properties"), list(schema["required"]), f, kind)
			}
		})
	}
}

func readCRD(t *testing.T, plural string) object {
	text, err := os.ReadFile("../../manifests/crd/argoproj.io_" + plural + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd object
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	return crd
}

func readSchema(t *testing.T, plural string) object {
	version := list(child(readCRD(t, plural), "spec")["versions"])[0].(object)
	return child(child(version, "schema"), "openAPIV3Schema")
}

func checkField(t *testing.T, roots map[string]*field, properties object, required []any, f *field, path string) {
	t.Helper()
	path += "." + f.name
	schema := child(properties, f.name)
	if schema == nil {
		t.Errorf("%s: missing", path)
		return
	}
	if got := slices.Contains(required, any(f.name)); got != f.required {
		t.Errorf("%s: required is %v, want %v", path, got, f.required)
	}
	shape, extra, _ := strings.Cut(f.shape, " enum=")
	shape, def, _ := strings.Cut(shape, " default=")
	if list, after, ok := strings.Cut(extra, " default="); ok {
		extra, def = list, after
	}
	if got := fmt.Sprint(schema["default"]); def != "" && got != def || def == "" && schema["default"] != nil {
		t.Errorf("%s: default is %v, want %q", path, schema["default"], def)
	}
	if got := len(list(schema["enum"])); extra == "" && got != 0 || extra != "" && got != strings.Count(extra, "'")/2 {
		t.Errorf("%s: %d words, want %s", path, got, extra)
	}
	checkShape(t, roots, schema, shape, f.fields, path)
}

func checkShape(t *testing.T, roots map[string]*field, schema object, shape string, fields []*field, path string) {
	t.Helper()
	if element, ok := strings.CutSuffix(shape, "[]"); ok {
		if schema["type"] != "array" || schema["x-kubernetes-list-type"] != "atomic" {
			t.Errorf("%s: not an atomic list: %v %v", path, schema["type"], schema["x-kubernetes-list-type"])
		}
		checkShape(t, roots, child(schema, "items"), element, fields, path+"[]")
		return
	}
	if element, ok := strings.CutSuffix(shape, "{}"); ok {
		checkShape(t, roots, child(schema, "additionalProperties"), element, fields, path+"{}")
		return
	}
	if root := roots[shape]; root != nil {
		shape, fields = "object", root.fields
	}
	if want, ok := plainShapes[shape]; ok {
		for key, value := range want {
			if fmt.Sprint(schema[key]) != value {
				t.Errorf("%s: %s is %v, want %s", path, key, schema[key], value)
			}
		}
		return
	}
	switch shape {
	case "object":
		checkObject(t, roots, schema, fields, path)
	case "PodTemplateSpec":
		if !isPodTemplate(schema) {
			t.Errorf("%s: not a pod template", path)
		}
	case "batch/v1 JobSpec":
		if !isJobSpec(schema) {
			t.Errorf("%s: not a Job", path)
		}
	default:
		t.Errorf("%s: unknown shape %q", path, shape)
	}
}

func checkObject(t *testing.T, roots map[string]*field, schema object, fields []*field, path string) {
	t.Helper()
	if schema["type"] != "object" {
		t.Errorf("%s: type is %v, want object", path, schema["type"])
	}
	properties := child(schema, "properties")
	if len(properties) != len(fields) {
		t.Errorf("%s: %d fields, want %d", path, len(properties), len(fields))
	}
	for _, f := range fields {
		checkField(t, roots, properties, list(schema["required"]), f, path)
	}
}

var plainShapes = map[string]map[string]string{
	"string":     {"type": "string", "format": "<nil>"},
	"bool":       {"type": "boolean"},
	"int32":      {"type": "integer", "format": "int32"},
	"int64":      {"type": "integer", "format": "int64"},
	"int|string": {"x-kubernetes-int-or-string": "true"},
	"time":       {"type": "string", "format": "date-time"},
	"any JSON":   {"x-kubernetes-preserve-unknown-fields": "true", "properties": "<nil>"},
}
