package render

import (
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Every path that kustomize is told about has to exist in our types; a typing error there would never be noticed.
func TestRolloutConfigurationNamesRealFields(t *testing.T) {
	config := map[string][]struct {
		types.FieldSpec
		FieldSpecs []types.FieldSpec `json:"fieldSpecs"`
	}{}
	if err := yaml.Unmarshal(rolloutConfiguration, &config); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]any{
		"Rollout": v1alpha1.Rollout{}, "AnalysisTemplate": v1alpha1.AnalysisTemplate{}, "ClusterAnalysisTemplate": v1alpha1.ClusterAnalysisTemplate{},
		"AnalysisRun": v1alpha1.AnalysisRun{}, "Experiment": v1alpha1.Experiment{},
	}
	checked := 0
	for section, entries := range config {
		for _, entry := range entries {
			specs := entry.FieldSpecs
			if section != "nameReference" {
				specs = []types.FieldSpec{entry.FieldSpec}
			}
			for _, spec := range specs {
				if kind, ours := kinds[spec.Kind]; ours {
					checked++
					if err := field(reflect.TypeOf(kind), strings.Split(spec.Path, "/")); err != "" {
						t.Errorf("%s: %s %s: %s", section, spec.Kind, spec.Path, err)
					}
				}
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d paths were found", checked)
	}
}

// field says what is wrong with a path; empty when it leads somewhere.
func field(in reflect.Type, path []string) string {
	for in.Kind() == reflect.Pointer || in.Kind() == reflect.Slice {
		in = in.Elem()
	}
	if len(path) == 0 || in.Kind() == reflect.Map {
		return ""
	}
	if in.Kind() != reflect.Struct {
		return in.String() + " has no fields"
	}
	for i := range in.NumField() {
		name, options, _ := strings.Cut(in.Field(i).Tag.Get("json"), ",")
		if name == path[0] {
			return field(in.Field(i).Type, path[1:])
		}
		if name == "" && options == "inline" {
			if field(in.Field(i).Type, path) == "" {
				return ""
			}
		}
	}
	return "no field " + path[0] + " in " + in.String()
}
