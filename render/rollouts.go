package render

import (
	"bytes"
	_ "embed"
	"encoding/json"
	gosync "sync"

	"sigs.k8s.io/yaml"
)

// configurationName is the file that is put beside each kustomization in the copy of the tree.
const configurationName = ".sluice-rollouts.yaml"

// rolloutConfiguration tells kustomize's transformers where a Rollout and its companions have images, replicas,
// labels, and the names of other objects.
//
//go:embed rollouts.yaml
var rolloutConfiguration []byte

// rolloutSchema tells kustomize by which keys lists are merged: containers by name, as in a Deployment.
//
//go:embed rollouts.json
var rolloutSchema []byte

// references are the entries of the configuration by the kind they refer to; the rest is always needed.
var references = gosync.OnceValue(func() (all struct {
	kinds   []string
	entries []json.RawMessage
	rest    map[string]json.RawMessage
}) {
	var heads []struct{ Kind string }
	for _, err := range []error{yaml.Unmarshal(rolloutConfiguration, &all.rest), json.Unmarshal(all.rest["nameReference"], &all.entries), json.Unmarshal(all.rest["nameReference"], &heads)} {
		if err != nil {
			panic(err) // what is embedded is read by a test
		}
	}
	for _, head := range heads {
		all.kinds = append(all.kinds, head.Kind)
	}
	return all
})

// mention notes which of the kinds that can be referred to a text names. One that no text names is nobody's.
func mention(text []byte, kinds map[string]bool) {
	for _, kind := range references().kinds {
		if !kinds[kind] && bytes.Contains(text, []byte(kind)) {
			kinds[kind] = true
		}
	}
}

// configuration is what kustomize has to know of Rollouts beside those kinds: it reads it anew each time, and then
// compares every object with every entry.
func configuration(kinds map[string]bool) ([]byte, error) {
	all := map[string]any{}
	for section, content := range references().rest {
		all[section] = content
	}
	entries := []json.RawMessage{}
	for i, kind := range references().kinds {
		if kinds[kind] {
			entries = append(entries, references().entries[i])
		}
	}
	all["nameReference"] = entries
	return json.Marshal(all)
}
