package health

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// What people install is what is tested here.
func TestThePackForArgoCDHoldsTheseScripts(t *testing.T) {
	text, err := os.ReadFile("../manifests/argocd/argocd-cm-health.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var pack struct{ Data map[string]string }
	if err := yaml.Unmarshal(text, &pack); err != nil {
		t.Fatal(err)
	}
	scripts, want := Customizations(), map[string]bool{}
	folders, err := fs.Glob(scripts, "*/*")
	if err != nil || len(folders) != 3 {
		t.Fatal(folders, err)
	}
	for _, folder := range folders {
		name := strings.ReplaceAll(folder, "/", "_")
		want["resource.customizations.health."+name] = true
		want["resource.customizations.actions."+name] = true
		check, err := fs.ReadFile(scripts, folder+"/health.lua")
		if err != nil || pack.Data["resource.customizations.health."+name] != string(check) {
			t.Errorf("make generate: the health check of %s is another one (%v)", folder, err)
		}
		var actions struct {
			Discovery   string `json:"discovery.lua"`
			Definitions []struct {
				Name   string `json:"name"`
				Action string `json:"action.lua"`
			} `json:"definitions"`
		}
		if err := yaml.UnmarshalStrict([]byte(pack.Data["resource.customizations.actions."+name]), &actions); err != nil {
			t.Fatal(err)
		}
		discovery, err := fs.ReadFile(scripts, folder+"/actions/discovery.lua")
		if err != nil || actions.Discovery != string(discovery) {
			t.Errorf("make generate: the discovery of %s is another one (%v)", folder, err)
		}
		files, err := fs.Glob(scripts, folder+"/actions/*/action.lua")
		if err != nil || len(files) != len(actions.Definitions) {
			t.Fatalf("make generate: %s has %d actions, the pack %d (%v)", folder, len(files), len(actions.Definitions), err)
		}
		for i, file := range files {
			action, err := fs.ReadFile(scripts, file)
			if err != nil || path.Base(path.Dir(file)) != actions.Definitions[i].Name || actions.Definitions[i].Action != string(action) {
				t.Errorf("make generate: %s is another one (%v)", file, err)
			}
		}
	}
	for key := range pack.Data {
		if !want[key] && key != "resource.customizations.useOpenLibs.argoproj.io_Rollout" {
			t.Errorf("make generate: nobody wrote %s", key)
		}
	}
	if pack.Data["resource.customizations.useOpenLibs.argoproj.io_Rollout"] != "true" {
		t.Error("the health check of Rollouts reads text, and needs the libraries")
	}
}
