package lua_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/health"
	"github.com/sluice-delivery/sluice/health/lua"
)

// Any object: the two assessors agree, and none falls over.
func FuzzAgree(f *testing.F) {
	for _, name := range []string{"new", "paused", "rollback", "healthy", "bluegreen-without-phase"} {
		text, err := json.Marshal(golden(f, "Rollout", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"status":[],"metadata":null,"spec":{"replicas":1e300}}`))
	host := lua.New(lua.Limits{})
	scripts := map[string]lua.Script{}
	for _, kind := range kinds {
		scripts[kind] = shipped(f, kind)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		object := map[string]any{}
		if json.Unmarshal(text, &object) != nil || object == nil {
			return
		}
		if metadata, is := object["metadata"].(map[string]any); is {
			delete(metadata, "deletionTimestamp") // is judged before any script
		}
		for _, kind := range kinds {
			object["apiVersion"], object["kind"] = "argoproj.io/v1alpha1", kind
			want, err := health.Assess(&unstructured.Unstructured{Object: object})
			if err != nil {
				t.Fatal(err)
			}
			got, err := host.Health(context.Background(), scripts[kind], object, noon)
			if err != nil || got != want {
				t.Fatalf("%s: Lua %q, Go %q, %v", kind, got, want, err)
			}
		}
	})
}

// Any script: it ends, in time, and nothing of it is left for the next one.
func FuzzScript(f *testing.F) {
	for _, kind := range kinds {
		f.Add(shipped(f, kind).Text)
	}
	for _, text := range []string{`return {status = "Healthy"}`, `local s = "x" while true do s = s .. s end`, `for k, v in pairs(obj) do obj[k] = {v, k .. "x"} end return obj`,
		`return setmetatable({}, {__index = function(t, k) return t end}).a.b.c`, `local a, b = {}, {} a[1], b[2] = ("x"):rep(9), ("%a+"):gsub("(.)", "%1%1") return {message = a[1]}`,
		`coroutine.wrap(function(...) return arg end)(1, 2)`, `return {[1] = 2, status = "x", function() end}`, `repeat local x = #obj until x == 0 goto e ::e:: return nil`} {
		f.Add(text)
	}
	host := lua.New(lua.Limits{Instructions: 20_000, Memory: 1 << 20})
	ours := shipped(f, "Rollout")
	object := map[string]any{"status": map[string]any{"phase": "Healthy", "list": []any{"a", int64(1), nil}}, "kind": "Rollout"}
	f.Fuzz(func(t *testing.T, text string) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		for _, open := range []bool{false, true} {
			start := time.Now()
			h, err := host.Health(ctx, lua.Script{Text: text, OpenLibs: open}, object, noon)
			if err != nil && h.Status != health.Unknown {
				t.Errorf("%v with %v", h, err)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
			if h, err := host.Health(context.Background(), ours, object, noon); err != nil || h.Status != health.Healthy {
				t.Fatalf("afterwards: %v %v", h, err)
			}
		}
	})
}
