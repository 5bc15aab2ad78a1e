// Package render makes manifests of a source tree: kustomize or plain YAML and JSON, with Rollouts understood. It
// answers what Git wants, as objects, or says in one line why it cannot, with file and line.
//
// It runs nothing and fetches nothing: no remote bases, no plugins, no Helm. It leaves to others to fetch the tree
// (sync/git, internal/cmp), to add namespaces and tracking ids, and to compare and apply.
package render

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// Options say what to render and how. The zero value renders the root of the tree.
type Options struct {
	// Path is the folder of the application in the tree. Empty: the root.
	Path string
	// Kustomize overrides what a kustomization says. It is an error to set it for plain YAML.
	Kustomize *Kustomize
	// Directory says which files of a plain folder count. Setting it means plain YAML, also beside a kustomization.
	Directory *Directory
	// HideRollbacks leaves the annotation sluice.dev/serving out of Rollouts (parameter surfaceRollback: false).
	HideRollbacks bool
	// AllowEmpty accepts a source without any manifest. With pruning that deletes everything.
	AllowEmpty bool
	// FromDeployment turns Deployments into Rollouts.
	FromDeployment *FromDeployment
	// CreateServices makes the Services that Rollouts need and the source does not have.
	CreateServices bool
	// Origins asks for Result.Files of a kustomization too, which costs as much again as the build.
	Origins bool
	// Bounds of what is read and made. Zero fields: DefaultBounds.
	Bounds Bounds
}

// A Result is what a tree renders to.
type Result struct {
	// Source is Kustomize or Directory: how the folder was read.
	Source string
	// Objects in the order in which kustomize, or the files, have them.
	Objects []*unstructured.Unstructured
	// Files has, for each object, the file it comes from, relative to the tree. Empty: not known, or not asked for.
	Files []string
	// Warnings are for people; nothing is wrong enough to stop.
	Warnings []string
}

// Render makes the manifests of the application in options.Path. Errors are short, and name a file where one is known.
func Render(tree filesys.FileSystem, options Options) (Result, error) {
	folder, err := inside(tree, options.Path)
	if err != nil {
		return Result{}, err
	}
	result, err := source(tree, folder, options)
	if err != nil {
		return Result{}, err
	}
	if len(result.Objects) == 0 && !options.AllowEmpty {
		return Result{}, fmt.Errorf("%s has no manifests; with pruning that would delete every object (allowEmpty accepts it)", shown(folder))
	}
	if options.FromDeployment != nil {
		if err := options.FromDeployment.convert(&result); err != nil {
			return Result{}, err
		}
	}
	if options.CreateServices {
		if err := createServices(&result); err != nil {
			return Result{}, err
		}
	}
	if err := finish(&result, options); err != nil {
		return Result{}, locate(tree, folder, options, err)
	}
	return result, nil
}

func source(tree filesys.FileSystem, folder string, options Options) (Result, error) {
	kustomization, err := kustomizationFile(tree, folder)
	switch {
	case err != nil:
		return Result{}, err
	case options.Directory != nil && options.Kustomize != nil:
		return Result{}, errors.New("a source is either a kustomization or a directory, not both")
	case options.Directory != nil:
		return directory(tree, folder, *options.Directory, options.Bounds.orDefault())
	case kustomization != "":
		return kustomize(tree, folder, options)
	case tree.Exists(path.Join(folder, "Chart.yaml")):
		return Result{}, fmt.Errorf("%s is a Helm chart, which is not supported: render it with helm template and commit the result, or use a kustomization", shown(folder))
	case options.Kustomize != nil:
		return Result{}, fmt.Errorf("%s has no kustomization.yaml, but kustomize options are set", shown(folder))
	}
	return directory(tree, folder, Directory{}, options.Bounds.orDefault())
}

// inside is the folder as the tree names it, if it is one of its folders.
func inside(tree filesys.FileSystem, folder string) (string, error) {
	if path.IsAbs(folder) || folder == ".." || strings.HasPrefix(path.Clean(folder), "../") {
		return "", fmt.Errorf("path %q leaves the source tree", folder)
	}
	clean := path.Join("/", folder)
	if clean != "/" && !tree.Exists(clean) {
		return "", fmt.Errorf("path %q does not exist in the source tree", folder)
	}
	if clean != "/" && !tree.IsDir(clean) {
		return "", fmt.Errorf("path %q is a file; a folder is needed", folder)
	}
	return clean, nil
}

// shown is a path of the tree as people write it.
func shown(file string) string {
	if relative := strings.TrimPrefix(file, "/"); relative != "" {
		return relative
	}
	return "."
}
