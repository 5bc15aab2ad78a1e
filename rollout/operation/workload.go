package operation

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A Workload is the object that holds the pod template of a Rollout: the Rollout itself, or what its workloadRef names.
type Workload struct {
	// Kind is Rollout, Deployment, ReplicaSet or PodTemplate.
	Kind string
	// Name of the object, in the namespace of the Rollout.
	Name string
	// ResourceVersion that Template was read at. A patch made from it is refused as a conflict once it is stale.
	ResourceVersion string
	// Template as it was read.
	Template corev1.PodTemplateSpec
}

// path of the pod template. A PodTemplate has no spec around it.
func (w Workload) path() string {
	if w.Kind == "PodTemplate" {
		return "/template"
	}
	return "/spec/template"
}

// edit is one entry of a JSON patch.
type edit struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// patch writes the edits on the condition that nobody else wrote since w was read: the API server answers a patch
// that names an old resource version with a conflict.
func (w Workload) patch(edits ...edit) ([]Patch, error) {
	if w.ResourceVersion != "" {
		edits = append([]edit{{"replace", "/metadata/resourceVersion", w.ResourceVersion}}, edits...)
	}
	body, err := json.Marshal(edits)
	if err != nil {
		return nil, fmt.Errorf("patch %s %s: %w", strings.ToLower(w.Kind), w.Name, err)
	}
	return []Patch{{Type: types.JSONPatchType, Body: body}}, nil
}

// SetImage gives the containers of that name, init and ephemeral ones too, another image. The name * means all.
func SetImage(w Workload, container, image string) (Change, error) {
	var edits []edit
	set := func(list string, index int, name string) {
		if name == container || container == "*" {
			edits = append(edits, edit{"add", fmt.Sprintf("%s/spec/%s/%d/image", w.path(), list, index), image})
		}
	}
	for i, c := range w.Template.Spec.InitContainers {
		set("initContainers", i, c.Name)
	}
	for i, c := range w.Template.Spec.Containers {
		set("containers", i, c.Name)
	}
	for i, c := range w.Template.Spec.EphemeralContainers {
		set("ephemeralContainers", i, c.Name)
	}
	if len(edits) == 0 {
		return Change{}, fmt.Errorf("unable to find container named %q", container)
	}
	patches, err := w.patch(edits...)
	return Change{patches, fmt.Sprintf("%s %q image updated", strings.ToLower(w.Kind), w.Name)}, err
}
