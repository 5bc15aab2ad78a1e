package cmp

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-delivery/sluice/render"
)

// value is what Argo CD sends for one parameter: a text, a list or a map.
type value struct {
	Name   string            `json:"name"`
	String *string           `json:"string"`
	Array  []string          `json:"array"`
	Map    map[string]string `json:"map"`
}

// parameter is one that the renderer understands.
type parameter struct {
	announcement
	set func(*render.Options, value) error
}

func kustomize(o *render.Options) *render.Kustomize {
	if o.Kustomize == nil {
		o.Kustomize = &render.Kustomize{}
	}
	return o.Kustomize
}

func deployments(o *render.Options) *render.FromDeployment {
	if o.FromDeployment == nil {
		o.FromDeployment = &render.FromDeployment{}
	}
	return o.FromDeployment
}

func preset(field func(*render.FromDeployment) *string) func(*render.Options, value) error {
	return func(o *render.Options, v value) error {
		if v.String == nil {
			return errors.New("a text is needed")
		}
		*field(deployments(o)) = *v.String
		return nil
	}
}

func text(field func(*render.Kustomize) *string) func(*render.Options, value) error {
	return func(o *render.Options, v value) error {
		if v.String == nil {
			return fmt.Errorf("a text is needed")
		}
		if *v.String != "" {
			*field(kustomize(o)) = *v.String
		}
		return nil
	}
}

func texts(field func(*render.Kustomize) *map[string]string) func(*render.Options, value) error {
	return func(o *render.Options, v value) error {
		if v.Map == nil {
			return fmt.Errorf("a map is needed")
		}
		if len(v.Map) > 0 {
			*field(kustomize(o)) = v.Map
		}
		return nil
	}
}

func flag(set func(*render.Options, bool)) func(*render.Options, value) error {
	return func(o *render.Options, v value) error {
		if v.String == nil || *v.String != "true" && *v.String != "false" {
			return fmt.Errorf("true or false is needed")
		}
		set(o, *v.String == "true")
		return nil
	}
}

// parameters are all there are, in the order in which the UI shows them.
var parameters = []parameter{
	{announcement{Name: "images", Title: "Images", Tooltip: "[old=]name[:tag][@digest], as kustomize edit set image takes them. Default: none", CollectionType: "array"},
		func(o *render.Options, v value) error {
			if len(v.Array) > 0 {
				kustomize(o).Images = v.Array
			}
			return nil
		}},
	{announcement{Name: "namespace", Title: "Namespace", Tooltip: "of all objects. Default: what the kustomization says"},
		text(func(k *render.Kustomize) *string { return &k.Namespace })},
	{announcement{Name: "namePrefix", Title: "Name prefix", Tooltip: "put in front of every name. Default: what the kustomization says"},
		text(func(k *render.Kustomize) *string { return &k.NamePrefix })},
	{announcement{Name: "nameSuffix", Title: "Name suffix", Tooltip: "put behind every name. Default: what the kustomization says"},
		text(func(k *render.Kustomize) *string { return &k.NameSuffix })},
	{announcement{Name: "commonLabels", Title: "Common labels", Tooltip: "set on all objects, pod templates and selectors. Default: none", CollectionType: "map"},
		texts(func(k *render.Kustomize) *map[string]string { return &k.CommonLabels })},
	{announcement{Name: "commonAnnotations", Title: "Common annotations", Tooltip: "set on all objects and pod templates. Default: none", CollectionType: "map"},
		texts(func(k *render.Kustomize) *map[string]string { return &k.CommonAnnotations })},
	{announcement{Name: "replicas", Title: "Replicas", Tooltip: "number of pods, by the name of the workload. Default: what the manifests say", CollectionType: "map"}, setReplicas},
	{announcement{Name: "fromDeployment", Title: "Rollouts from Deployments", Tooltip: "names of Deployments, as they are rendered, that become Rollouts; * for all. Default: none", CollectionType: "array"},
		func(o *render.Options, v value) error {
			if v.Array == nil {
				return errors.New("a list is needed")
			}
			if len(v.Array) > 0 {
				deployments(o).Names = v.Array
			}
			return nil
		}},
	{announcement{Name: "strategy", Title: "Strategy", Tooltip: "of Rollouts from Deployments: canary, canary-N (N steps, 1 to 50) or blueGreen. Default: canary, which has 4 steps: 20, 40, 60 and 80 %", String: "canary"},
		preset(func(f *render.FromDeployment) *string { return &f.Strategy })},
	{announcement{Name: "stepPause", Title: "Pause after each step", Tooltip: "of Rollouts from Deployments: a duration such as 90s, 5m or 1h, or manual. Default: 1m", String: "1m"},
		preset(func(f *render.FromDeployment) *string { return &f.Pause })},
	{announcement{Name: "services", Title: "Services", Tooltip: "create makes the Services that a Rollout needs and the source does not have; keep leaves that to the source. Default: keep", String: "keep"},
		func(o *render.Options, v value) error {
			if v.String == nil || *v.String != "create" && *v.String != "keep" && *v.String != "" {
				return errors.New("create or keep is needed")
			}
			o.CreateServices = *v.String == "create"
			return nil
		}},
	{announcement{Name: "surfaceRollback", Title: "Surface rollbacks", Tooltip: "show a Rollout that was rolled back as OutOfSync, by the annotation sluice.dev/serving. Default: true", ItemType: "boolean", String: "true"},
		flag(func(o *render.Options, on bool) { o.HideRollbacks = !on })},
	{announcement{Name: "allowEmpty", Title: "Allow empty", Tooltip: "accept a source without manifests; with pruning that deletes everything. Default: false", ItemType: "boolean", String: "false"},
		flag(func(o *render.Options, on bool) { o.AllowEmpty = on })},
	{announcement{Name: "recurse", Title: "Recurse", Tooltip: "read plain YAML in sub-folders too, also beside a kustomization. Default: false", ItemType: "boolean", String: "false"},
		flag(func(o *render.Options, on bool) {
			if on {
				o.Directory = &render.Directory{Recurse: true}
			}
		})},
}

func setReplicas(o *render.Options, v value) error {
	for name, text := range v.Map {
		count, err := strconv.ParseInt(text, 10, 32)
		if err != nil || count < 0 {
			return fmt.Errorf("%s: %q is no number of pods", name, text)
		}
		if kustomize(o).Replicas == nil {
			o.Kustomize.Replicas = map[string]int64{}
		}
		o.Kustomize.Replicas[name] = count
	}
	return nil
}

// announcements are the parameters for the UI.
func announcements() []announcement {
	var all []announcement
	for _, p := range parameters {
		if p.ItemType == "" {
			p.ItemType = "string"
		}
		all = append(all, p.announcement)
	}
	return all
}

// options reads what Argo CD sends in ARGOCD_APP_PARAMETERS: null, or a list.
func options(environment map[string]string) (render.Options, error) {
	o := render.Options{}
	var values []value
	if sent := environment["ARGOCD_APP_PARAMETERS"]; sent != "" {
		if err := json.Unmarshal([]byte(sent), &values); err != nil {
			return o, fmt.Errorf("read ARGOCD_APP_PARAMETERS: %w", err)
		}
	}
	for _, v := range values {
		i := slices.IndexFunc(parameters, func(p parameter) bool { return p.Name == v.Name })
		if i < 0 {
			return o, unknown(v.Name)
		}
		if err := parameters[i].set(&o, v); err != nil {
			return o, fmt.Errorf("parameter %s: %w", v.Name, err)
		}
	}
	if f := o.FromDeployment; f != nil && len(f.Names) == 0 {
		o.FromDeployment = nil // the presets alone convert nothing
	}
	return o, nil
}

// unknown names the parameter that was perhaps meant, or all there are.
func unknown(name string) error {
	var all []string
	for _, p := range parameters {
		all = append(all, p.Name)
	}
	if near, found := render.Nearest(name, all); found {
		return fmt.Errorf("unknown parameter %q: did you mean %q?", name, near)
	}
	return fmt.Errorf("unknown parameter %q: there are %s", name, strings.Join(all, ", "))
}
