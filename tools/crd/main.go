// Command crd finishes the CustomResourceDefinitions that controller-gen wrote into a folder.
//
//	go run ./crd ../manifests/crd
//
// It changes what no marker can say. Pod templates keep the shape of their fields, so that no object can reach a
// controller that Go's types cannot hold, but not Kubernetes' rules for them: those are the controller's to report.
// It leaves the schema of our own fields alone.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: crd DIR")
		os.Exit(2)
	}
	if err := finishAll(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func finishAll(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if text, err = finish(text); err != nil {
			return fmt.Errorf("finish %s: %w", path, err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// finish rewrites one definition, given and returned as YAML.
func finish(text []byte) ([]byte, error) {
	var crd map[string]any
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return nil, err
	}
	for _, version := range list(child(crd, "spec")["versions"]) {
		root := child(child(version.(object), "schema"), "openAPIV3Schema")
		visit(root, func(schema object) {
			bound(schema)
			for _, name := range []string{"template", "spec"} {
				if s := child(child(schema, "properties"), name); isPodTemplate(s) || isJobSpec(s) {
					relax(s)
				}
			}
		})
	}
	out, err := yaml.Marshal(crd)
	return append([]byte("---\n"), out...), err
}
