package render

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// FromDeployment turns Deployments into Rollouts that do the same, and get a strategy.
type FromDeployment struct {
	// Names as they are rendered, with prefix and suffix. "*" is every Deployment.
	Names []string
	// Strategy is canary, canary-N (N steps) or blueGreen. Empty: canary, which is canary-4.
	Strategy string
	// Pause after each step of a canary, as 90s, 5m or 1h. Empty: 1m. "manual": until somebody promotes.
	Pause string
}

const (
	defaultSteps = 4
	mostSteps    = 50
)

// steps reads a strategy; 0 steps are blue-green.
func (f *FromDeployment) steps() (int, error) {
	count := 0
	switch {
	case f.Strategy == "" || f.Strategy == "canary":
		return defaultSteps, nil
	case strings.EqualFold(f.Strategy, "blueGreen"):
		return 0, nil
	}
	if _, err := fmt.Sscanf(f.Strategy, "canary-%d", &count); err != nil || f.Strategy != fmt.Sprintf("canary-%d", count) || count < 1 || count > mostSteps {
		return 0, fmt.Errorf("strategy %q is none of canary, canary-1 to canary-%d, blueGreen", f.Strategy, mostSteps)
	}
	return count, nil
}

func (f *FromDeployment) pause() (map[string]any, error) {
	switch f.Pause {
	case "":
		return map[string]any{"duration": "1m"}, nil
	case "manual":
		return map[string]any{}, nil
	}
	if d, err := time.ParseDuration(f.Pause); err != nil || d <= 0 {
		return nil, fmt.Errorf("pause %q is no duration such as 90s, 5m or 1h, and not manual", f.Pause)
	}
	return map[string]any{"duration": f.Pause}, nil
}

// convert does it, in place.
func (f *FromDeployment) convert(result *Result) error {
	steps, err := f.steps()
	if err != nil {
		return err
	}
	pause, err := f.pause()
	if err != nil {
		return err
	}
	var there []string
	converted := map[string]bool{}
	for i, obj := range result.Objects {
		if obj.GroupVersionKind().GroupKind() != (schema.GroupKind{Group: "apps", Kind: "Deployment"}) {
			continue
		}
		there = append(there, obj.GetName())
		if !slices.Contains(f.Names, obj.GetName()) && !slices.Contains(f.Names, "*") {
			continue
		}
		if err := rolloutOf(obj, steps, pause, result.Objects); err != nil {
			return fmt.Errorf("%sDeployment %s: %w", prefix(result.Files[i]), obj.GetName(), err)
		}
		converted[obj.GetName()] = true
	}
	for _, name := range f.Names {
		if converted[name] || name == "*" {
			continue
		}
		if near, found := Nearest(name, there); found {
			return fmt.Errorf("fromDeployment: there is no Deployment %q: did you mean %q?", name, near)
		}
		return fmt.Errorf("fromDeployment: there is no Deployment %q; there are %v", name, there)
	}
	retarget(result.Objects, converted)
	return nil
}

func prefix(file string) string {
	if file == "" {
		return ""
	}
	return file + ": "
}

// rolloutOf keeps all that both kinds have. What the Deployment says of surge and unavailability goes on to hold.
func rolloutOf(obj *unstructured.Unstructured, steps int, pause map[string]any, all []*unstructured.Unstructured) error {
	if kind, _, _ := unstructured.NestedString(obj.Object, "spec", "strategy", "type"); kind == "Recreate" {
		return fmt.Errorf("strategy Recreate stops the old pods first, which no step of a Rollout does: keep the Deployment, or take the strategy out")
	}
	rolling, _, _ := unstructured.NestedMap(obj.Object, "spec", "strategy", "rollingUpdate")
	strategy := map[string]any{}
	if steps == 0 {
		service := selecting(obj, all)
		if service == nil {
			return fmt.Errorf("blueGreen needs a Service for the active pods, and none selects them: add one, or choose canary")
		}
		strategy["blueGreen"] = map[string]any{"activeService": service.GetName()}
	} else {
		canary := map[string]any{"steps": ramp(steps, pause)}
		for _, field := range []string{"maxSurge", "maxUnavailable"} {
			if value, found := rolling[field]; found {
				canary[field] = value
			}
		}
		strategy["canary"] = canary
	}
	obj.SetAPIVersion(v1alpha1.SchemeGroupVersion.String())
	obj.SetKind(v1alpha1.RolloutKind)
	unstructured.RemoveNestedField(obj.Object, "status")
	return unstructured.SetNestedMap(obj.Object, strategy, "spec", "strategy")
}

// ramp goes up in equal steps, of which the last is followed by all.
func ramp(steps int, pause map[string]any) (all []any) {
	for i := 1; i <= steps; i++ {
		weight := int64(math.Round(100 * float64(i) / float64(steps+1)))
		all = append(all, map[string]any{"setWeight": weight}, map[string]any{"pause": pause})
	}
	return all
}

// retarget points what scaled a Deployment at the Rollout: autoscalers, in spec.scaleTargetRef or spec.targetRef.
func retarget(all []*unstructured.Unstructured, converted map[string]bool) {
	for _, obj := range all {
		for _, field := range []string{"scaleTargetRef", "targetRef"} {
			ref, found, _ := unstructured.NestedMap(obj.Object, "spec", field)
			name, _ := ref["name"].(string)
			kind, _ := ref["kind"].(string)
			if !found || !converted[name] || kind != "Deployment" && (kind != "" || obj.GetKind() != "ScaledObject") {
				continue // KEDA takes a reference without a kind for a Deployment
			}
			ref["apiVersion"], ref["kind"] = v1alpha1.SchemeGroupVersion.String(), v1alpha1.RolloutKind
			_ = unstructured.SetNestedMap(obj.Object, ref, "spec", field) // it was read from there
		}
	}
}
