package render

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	gosync "sync"

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

// kustomize builds the kustomization of a folder, in which every kustomization is shown as one that knows Rollouts.
func kustomize(tree filesys.FileSystem, folder string, o Options) (Result, error) {
	scan := scan{tree: tree, written: map[string][]byte{}, top: folder, weights: map[string]weight{}, bounds: o.Bounds.orDefault(), origins: o.Origins}
	if err := scan.begin(folder, o.Kustomize); err != nil {
		return Result{}, err
	}
	built, err := build(&overlay{tree, scan.written}, folder, scan.ownSchema)
	if err != nil {
		if located := scan.diagnose(); located != nil {
			return Result{}, located
		}
		return Result{}, fmt.Errorf("%s: %s", shown(scan.file), brief(err))
	}
	if len(built) > scan.bounds.Objects {
		return Result{}, tooMany(shown(scan.file), scan.bounds.Objects)
	}
	result := Result{Source: "Kustomize", Warnings: scan.warnings}
	for _, r := range built {
		file := ""
		if o.Origins {
			file = originOf(r, folder, !scan.userOrigins)
		}
		obj, err := objectOf(r)
		if err != nil {
			if located := scan.diagnose(); located != nil {
				return Result{}, located
			}
			return Result{}, fmt.Errorf("%s: %s %s: %w", shown(scan.file), r.GetKind(), r.GetName(), err)
		}
		result.Objects, result.Files = append(result.Objects, obj), append(result.Files, file)
	}
	return result, nil
}

// Kustomize's schema of all kinds is one for the whole process. Builds share it as it is; one with a schema of its own
// waits until it has it alone, and stops nobody from starting meanwhile. Afterwards it is made anew: what one source
// says of kinds must not reach the next.
var (
	schemas  gosync.Mutex
	released = gosync.NewCond(&schemas)
	sharing  int  // builds
	alone    bool // or one with a schema of its own
	known    bool // the schema has the Rollouts
)

// teach makes the schema of all kinds complete, so that nobody writes to it while builds read. The caller has the lock.
func teach() error {
	if known {
		return nil
	}
	openapi.Schema() // reads kustomize's own
	if err := openapi.AddSchema(rolloutSchema); err != nil {
		return fmt.Errorf("add the schema of Rollouts: %w", err)
	}
	known = true
	return nil
}

// share gives the schema to a build; the function that is returned gives it back.
func share(own bool) (func(), error) {
	schemas.Lock()
	defer schemas.Unlock()
	for alone || own && sharing > 0 {
		released.Wait()
	}
	if err := teach(); err != nil {
		return nil, err
	}
	if alone = own; !own {
		sharing++
	}
	return func() {
		schemas.Lock()
		defer schemas.Unlock()
		if own {
			openapi.ResetOpenAPI()
			known, alone = false, false
		} else {
			sharing--
		}
		released.Broadcast()
	}, nil
}

func build(tree filesys.FileSystem, folder string, ownSchema bool) (all []*resource.Resource, err error) {
	release, err := share(ownSchema)
	if err != nil {
		return nil, err
	}
	defer release()
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("kustomize gave up: %v", broken)
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

// originOf is the file that an object comes from, as kustomize remembers it; empty when it does not.
func originOf(r *resource.Resource, folder string, remove bool) string {
	origin, err := r.GetOrigin()
	if err != nil || origin == nil {
		return ""
	}
	if remove {
		annotations := r.GetAnnotations()
		delete(annotations, originAnnotation)
		_ = r.SetAnnotations(annotations) // fewer of those that were valid
	}
	if origin.Path != "" {
		return shown(path.Join(folder, origin.Path))
	}
	if origin.ConfiguredIn != "" {
		return shown(path.Join(folder, origin.ConfiguredIn))
	}
	return ""
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
