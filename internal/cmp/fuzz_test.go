package cmp

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluice-delivery/sluice/render"
)

// Whatever the bytes are: an answer or an error, within the bounds, and nothing outside of the tree.
func FuzzArchive(f *testing.F) {
	f.Add(pack(&testing.T{}, "a.yaml", configMap, "b/link", "->../a.yaml"))
	f.Add(pack(&testing.T{}, ".", "", "a/", "", "a/b.yaml", rollout))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := render.Limits{Entries: 50, Bytes: 1 << 20, Depth: 8, FileBytes: 1 << 16}
		admission := newAdmission(1, 1, 4<<20)
		memory := &held{of: admission}
		tree, err := unpack(&packed{parts: [][]byte{data}, size: int64(len(data))}, limits, memory)
		if admission.bytes > 4<<20 {
			t.Errorf("%d bytes are held", admission.bytes)
		}
		if err != nil {
			return
		}
		names, err := tree.ReadDir("/")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if name == ".." || strings.Contains(name, "/") || name == "" {
				t.Errorf("an entry is called %q", name)
			}
		}
	})
}

// Parameters come from people: whatever they write is taken or refused with the name of the parameter.
func FuzzParameters(f *testing.F) {
	for _, seed := range []string{"null", "[]", `[{"name":"images","array":["a=b:1"]}]`, `[{"name":"replicas","map":{"web":"3"}}]`, `[{"name":"namePrefx","string":"x"}]`, `[{"name":"strategy","string":"canary-3"},{"name":"fromDeployment","array":["*"]}]`, "{"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		o, err := options(map[string]string{"ARGOCD_APP_PARAMETERS": sent})
		if err != nil {
			return
		}
		again, err := options(map[string]string{"ARGOCD_APP_PARAMETERS": sent})
		if err != nil {
			t.Fatal(err)
		}
		first, _ := json.Marshal(o)
		second, _ := json.Marshal(again)
		if string(first) != string(second) {
			t.Errorf("read twice: %s and %s", first, second)
		}
		if o.Path != "" || o.Bounds != (render.Bounds{}) {
			t.Errorf("a parameter reached the path or the bounds: %+v", o)
		}
	})
}
