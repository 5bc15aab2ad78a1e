package istio

import (
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/traffic"
)

// hash writes the hashes of the split into the subsets of the DestinationRule.
//
// Without Services, the subsets alone decide which pods answer, so a switch waits until they are there. It waits as
// well when nothing is to be switched while an update is on its way, which ends the pass (case istio-subsets).
func (x *Router) hash(objs traffic.Objects, want traffic.Split, lowers bool) ([]traffic.Event, error) {
	if x.rule == nil {
		return nil, nil
	}
	o, err := x.destinationRule(objs)
	if err != nil {
		return []traffic.Event{warn(v1alpha1.EventDestinationRuleNotFound, "DestinationRule `%s` not found", x.rule.Name)}, err
	}
	if waits := x.waits(want); waits != "" {
		leaves, err := x.leaves(o, want, lowers)
		if err != nil || leaves {
			return nil, err
		}
		return nil, &traffic.Delay{Reason: fmt.Sprintf("delaying destination rule switch: ReplicaSet %s not fully available", waits)}
	}
	changed, err := x.label(o, want)
	if err != nil || !changed {
		return nil, err
	}
	return []traffic.Event{tell(v1alpha1.EventUpdatedDestinationRule, "DestinationRule %s subset updated (%s: %s, %s: %s)", x.rule.Name,
		x.rule.CanarySubsetName, want.Canary.Hash, x.rule.StableSubsetName, want.Stable.Hash)}, nil
}

// leaves tells whether the rest of a split may go on without the hashes: traffic leaves the canary and the stable
// subset is right as it is, or the update is over and there is nothing to switch.
func (x *Router) leaves(o *unstructured.Unstructured, want traffic.Split, lowers bool) (bool, error) {
	stable, err := subsetHash(o, x.rule.StableSubsetName)
	if err != nil {
		return false, err
	}
	if want.WeightFirst || lowers && stable == want.Stable.Hash {
		return true, nil
	}
	switches, err := x.label(o.DeepCopy(), want)
	return want.Cleared && !switches, err
}

func (x *Router) destinationRule(objs traffic.Objects) (*unstructured.Unstructured, error) {
	o, exists := objs.Get(x.ruleRef())
	if !exists {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: Group, Resource: "destinationrules"}, x.rule.Name)
	}
	return o, nil
}

// host is what the DestinationRule is for; empty without one. A rule that is missing is told of when hashes are written.
func (x *Router) host(objs traffic.Objects) (string, error) {
	if x.rule == nil {
		return "", nil
	}
	o, exists := objs.Get(x.ruleRef())
	if !exists {
		return "", nil
	}
	return traffic.Text(o.Object, "spec", "host")
}

// waits names the ReplicaSet that has to be fully available first; empty for none. A canary that gets no request at
// all need not be there.
func (x *Router) waits(want traffic.Split) string {
	switch {
	case x.canary.CanaryService != "" || x.canary.StableService != "":
		return ""
	case want.Canary.Waits && !(want.Cleared && want.Weight == 0):
		return want.Canary.ReplicaSet
	case want.Stable.Waits:
		return want.Stable.ReplicaSet
	}
	return ""
}

// label gives the two subsets, and those of additional destinations, their hashes. Subsets that nobody needs go;
// the Rollout's additionalSubsetNames are needed.
func (x *Router) label(o *unstructured.Unstructured, want traffic.Split) (changed bool, err error) {
	subsets, err := traffic.Items(o.Object, "spec", "subsets")
	if err != nil {
		return false, err
	}
	hashes := map[string]string{x.rule.CanarySubsetName: want.Canary.Hash, x.rule.StableSubsetName: want.Stable.Hash}
	missing := []string{x.rule.CanarySubsetName, x.rule.StableSubsetName}
	for _, d := range want.Additional {
		if d.Service != "" {
			hashes[d.Service] = d.Hash
		}
	}
	var kept []map[string]any
	for _, subset := range subsets {
		name, err := traffic.Text(subset, "name")
		if err != nil {
			return false, err
		}
		hash, ours := hashes[name]
		if !ours && !slices.Contains(x.rule.AdditionalSubsetNames, name) {
			changed = true
			continue
		}
		if ours {
			labelled, err := setHash(subset, hash)
			if err != nil {
				return false, err
			}
			changed = changed || labelled
			missing = slices.DeleteFunc(missing, func(m string) bool { return m == name })
			delete(hashes, name)
		}
		kept = append(kept, subset)
	}
	if len(missing) > 0 {
		return false, fmt.Errorf("DestinationRule %s has no subset %s", x.rule.Name, missing[0])
	}
	for _, d := range want.Additional {
		if _, absent := hashes[d.Service]; absent {
			subset := map[string]any{"name": d.Service}
			_, _ = setHash(subset, d.Hash) // a subset without labels cannot be wrong
			kept, changed = append(kept, subset), true
			delete(hashes, d.Service)
		}
	}
	if changed {
		spec, _ := traffic.Child(o.Object, "spec")
		spec["subsets"] = traffic.Listed(kept)
	}
	claimed, err := claim(o, x.rollout.Name)
	return changed || claimed, err
}

func claim(o *unstructured.Unstructured, rollout string) (changed bool, err error) {
	annotations, err := traffic.Annotations(o)
	if err != nil {
		return false, err
	}
	annotations[v1alpha1.ManagedByRolloutsAnnotation] = rollout
	return traffic.Annotate(o, annotations)
}

// subsetHash is the hash that a subset has now.
func subsetHash(o *unstructured.Unstructured, name string) (string, error) {
	subsets, err := traffic.Items(o.Object, "spec", "subsets")
	for _, subset := range subsets {
		if subset["name"] == name {
			return traffic.Text(subset, "labels", v1alpha1.DefaultRolloutUniqueLabelKey)
		}
	}
	return "", err
}

// setHash sets the hash label of a subset, or removes it if the hash is empty.
func setHash(subset map[string]any, hash string) (changed bool, err error) {
	labels, err := traffic.Child(subset, "labels")
	if err != nil {
		return false, err
	}
	have, there := labels[v1alpha1.DefaultRolloutUniqueLabelKey]
	switch {
	case hash == "" && !there, hash != "" && have == hash:
		return false, nil
	case hash == "":
		delete(labels, v1alpha1.DefaultRolloutUniqueLabelKey)
		if len(labels) == 0 {
			delete(subset, "labels")
		}
	case labels == nil:
		subset["labels"] = map[string]any{v1alpha1.DefaultRolloutUniqueLabelKey: hash}
	default:
		labels[v1alpha1.DefaultRolloutUniqueLabelKey] = hash
	}
	return true, nil
}
