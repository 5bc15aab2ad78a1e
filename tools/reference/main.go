// Command reference writes the field reference from the comments of the API's types: a page for each kind.
//
//	go run ./reference ../api/v1alpha1 ../docs/reference
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: reference TYPES DOCS")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var kinds = []string{"Rollout", "AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun", "Experiment"}

func run(from, to string) error {
	types, err := read(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, kind := range kinds {
		text, err := page(types, kind)
		if err != nil {
			return err
		}
		name := strings.ToLower(kind) + ".md"
		if err := os.WriteFile(filepath.Join(to, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(to, "README.md"), []byte(index(types)), 0o644)
}
