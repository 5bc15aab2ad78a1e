package alb

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// A record is which annotations of an ingress belong to a Rollout: its entry in the map of managed annotations.
type record struct {
	rollout string
	all     map[string][]string // of every Rollout
}

func recordOf(annotations map[string]string, rollout string) (*record, error) {
	all, err := managed(annotations)
	return &record{rollout, all}, err
}

// managed is the map of managed annotations, never nil.
func managed(annotations map[string]string) (map[string][]string, error) {
	all := map[string][]string{}
	text := annotations[v1alpha1.ManagedALBAnnotationsAnnotation]
	if text == "" {
		return all, nil
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("read annotation %s: %w", v1alpha1.ManagedALBAnnotationsAnnotation, err)
	}
	if all == nil { // null
		all = map[string][]string{}
	}
	return all, nil
}

// claim makes an entry for the Rollout and tells whether there was none.
func (r *record) claim() bool {
	if _, there := r.all[r.rollout]; there {
		return false
	}
	r.all[r.rollout] = []string{}
	return true
}

// keys are the annotations of the Rollout.
func (r *record) keys() []string { return r.all[r.rollout] }

func (r *record) add(key string) (changed bool) {
	if slices.Contains(r.keys(), key) {
		return false
	}
	r.all[r.rollout] = append(r.keys(), key)
	return true
}

func (r *record) remove(key string) (changed bool) {
	kept := slices.DeleteFunc(slices.Clone(r.keys()), func(k string) bool { return k == key })
	if changed = len(kept) != len(r.keys()); changed {
		r.all[r.rollout] = kept
	}
	return changed
}

// write puts the map into the annotations. A map without entries goes.
func (r *record) write(annotations map[string]string) error { return writeManaged(annotations, r.all) }

func writeManaged(annotations map[string]string, all map[string][]string) error {
	if have, err := managed(annotations); err == nil && maps.EqualFunc(have, all, slices.Equal) {
		return nil // the bytes stay as somebody wrote them
	}
	if len(all) == 0 {
		delete(annotations, v1alpha1.ManagedALBAnnotationsAnnotation)
		return nil
	}
	text, err := json.Marshal(all)
	annotations[v1alpha1.ManagedALBAnnotationsAnnotation] = string(text)
	return err
}
