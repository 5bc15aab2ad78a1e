package render

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	gosync "sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// Kustomize overrides what a kustomization says.
type Kustomize struct {
	NamePrefix, NameSuffix, Namespace string
	CommonLabels, CommonAnnotations   map[string]string
	// Images are [old=]name[:tag][@digest].
	Images []string
	// Replicas by the name of the workload.
	Replicas map[string]int64
	// Components are folders, relative to the kustomization.
	Components []string
	// Patches as in a kustomization.
	Patches []types.Patch
}

// schemas guards kustomize's schema of all kinds, which is one for the whole process.
var schemas gosync.Mutex

// kustomize builds the kustomization of a folder. It works on a copy of the tree in which every kustomization knows
// Rollouts.
func kustomize(tree filesys.FileSystem, folder string, overrides *Kustomize) (Result, error) {
	copied := filesys.MakeFsInMemory()
	scan := scan{tree: tree, copy: copied, top: folder, seen: map[string]bool{}}
	if err := scan.copyAll(); err != nil {
		return Result{}, err
	}
	if err := scan.folder(folder, overrides); err != nil {
		return Result{}, err
	}
	built, err := build(copied, folder, scan.ownSchema)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %s", shown(scan.file), brief(err))
	}
	result := Result{Source: "Kustomize", Warnings: scan.warnings}
	for _, r := range built {
		obj, file, err := unpack(r, folder)
		if err != nil {
			return Result{}, fmt.Errorf("%s: %w", shown(scan.file), err)
		}
		result.Objects, result.Files = append(result.Objects, obj), append(result.Files, file)
	}
	return result, nil
}

func build(tree filesys.FileSystem, folder string, ownSchema bool) (all []*resource.Resource, err error) {
	schemas.Lock()
	defer schemas.Unlock()
	if err := openapi.AddSchema(rolloutSchema); err != nil {
		return nil, fmt.Errorf("add the schema of Rollouts: %w", err)
	}
	defer func() {
		if broken := recover(); broken != nil {
			err, ownSchema = fmt.Errorf("kustomize gave up: %v", broken), true
		}
		if ownSchema { // what one source says of kinds must not reach the next
			openapi.ResetOpenAPI()
		}
	}()
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsRootOnly
	options.PluginConfig = types.DisabledPluginConfig()
	options.Reorder = krusty.ReorderOptionNone
	built, err := krusty.MakeKustomizer(options).Run(tree, folder)
	if err != nil {
		return nil, err
	}
	return built.Resources(), nil
}

const originAnnotation = "config.kubernetes.io/origin"

// unpack takes the object out of kustomize's wrapping and learns the file it came from.
func unpack(r *resource.Resource, folder string) (*unstructured.Unstructured, string, error) {
	file := ""
	if origin, err := r.GetOrigin(); err == nil && origin != nil {
		switch {
		case origin.Path != "":
			file = shown(path.Join(folder, origin.Path))
		case origin.ConfiguredIn != "":
			file = shown(path.Join(folder, origin.ConfiguredIn))
		}
	}
	data, err := r.MarshalJSON()
	if err != nil {
		return nil, "", err
	}
	obj := &unstructured.Unstructured{}
	if err := obj.UnmarshalJSON(data); err != nil {
		return nil, "", err
	}
	annotations := obj.GetAnnotations()
	delete(annotations, originAnnotation)
	if len(annotations) == 0 {
		unstructured.RemoveNestedField(obj.Object, "metadata", "annotations")
	} else {
		obj.SetAnnotations(annotations)
	}
	return obj, file, nil
}

var (
	noise  = regexp.MustCompile(`accumulating (resources|components): |accumulation err='|accumulating resources from '[^']*': |recursed (accumulation|merging) (of|from) path '[^']*': |accumulateFile "|(in |at )?'?/notCloned[^ ]*`)
	spaces = regexp.MustCompile(`\s+`)
)

// brief takes kustomize's wrapping off an error; it is shown where there is little room.
func brief(err error) string {
	text := strings.TrimSpace(spaces.ReplaceAllString(noise.ReplaceAllString(err.Error(), ""), " "))
	if len(text) > 600 {
		text = text[:600] + "…"
	}
	return text
}

// image reads [old=]name[:tag][@digest].
func image(text string) types.Image {
	old, with, renamed := strings.Cut(text, "=")
	if !renamed {
		old, with = "", text
	}
	out := types.Image{}
	if name, digest, found := strings.Cut(with, "@"); found {
		with, out.Digest = name, digest
	}
	if i := strings.LastIndex(with, ":"); i > strings.LastIndex(with, "/") {
		with, out.NewTag = with[:i], with[i+1:]
	}
	out.Name = with
	if renamed {
		out.Name, out.NewName = old, with
	}
	return out
}
