package lua_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/health"
	"github.com/sluice-delivery/sluice/health/lua"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// shipped is one of our scripts as Argo CD runs it.
func shipped(t testing.TB, kind string) lua.Script {
	t.Helper()
	text, err := fs.ReadFile(health.Customizations(), "argoproj.io/"+kind+"/health.lua")
	if err != nil {
		t.Fatal(err)
	}
	return lua.Script{Text: string(text), OpenLibs: kind == "Rollout"}
}

var kinds = []string{"Rollout", "AnalysisRun", "Experiment"}

// agree holds the two assessors against each other, and the script with the whole object against the script with what
// it reads of it.
func agree(t *testing.T, host *lua.Host, script lua.Script, object map[string]any) {
	t.Helper()
	want, err := health.Assess(&unstructured.Unstructured{Object: object})
	if err != nil {
		t.Fatal(err)
	}
	got, err := host.Health(context.Background(), script, object, noon)
	if err != nil || got != want {
		text, _ := json.Marshal(object)
		t.Fatalf("%s\nLua %q %q %v\nGo  %q %q", text, got.Status, got.Message, err, want.Status, want.Message)
	}
}

func TestLuaAndGoAgreeOnGoldenCases(t *testing.T) {
	host := lua.New(lua.Limits{})
	for _, kind := range kinds {
		files, err := filepath.Glob("../resource_customizations/argoproj.io/" + kind + "/testdata/*.yaml")
		if err != nil || len(files) == 0 {
			t.Fatal("no golden cases for ", kind, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			object := map[string]any{}
			if err := yaml.Unmarshal(text, &object); err != nil {
				t.Fatal(err)
			}
			agree(t, host, shipped(t, kind), object)
		}
	}
}

// chance makes objects: mostly of the right shape, with values that decide something, and at times anything at all.
type chance struct {
	*rand.Rand
	wild int // one value in so many is of any type
}

func (c chance) pick(values ...any) any {
	if c.wild > 0 && c.Intn(c.wild) == 0 {
		return c.anything(3)
	}
	return values[c.Intn(len(values))]
}

func (c chance) anything(depth int) any {
	switch n := c.Intn(10); {
	case n == 0:
		return nil
	case n == 1:
		return c.Intn(2) == 0
	case n == 2:
		return int64(c.Intn(7) - 2)
	case n == 3:
		return float64(c.Intn(70)) / 8
	case n == 4:
		return []string{"", "a", "3", "Healthy", "007", "1e3", " 2", "{}", "\xff"}[c.Intn(9)]
	case depth == 0:
		return "leaf"
	case n < 7:
		list := make([]any, c.Intn(4))
		for i := range list {
			list[i] = c.anything(depth - 1)
		}
		return list
	}
	object := map[string]any{}
	for range c.Intn(4) {
		object[[]string{"type", "reason", "message", "activeSelector", "phase", "x"}[c.Intn(6)]] = c.anything(depth - 1)
	}
	return object
}

// put sets a field, or leaves it out.
func (c chance) put(object map[string]any, name string, values ...any) {
	if v := c.pick(append(values, "\x00absent")...); v != "\x00absent" {
		object[name] = v
	}
}

func (c chance) condition() any {
	out := map[string]any{}
	c.put(out, "type", "Progressing", "Progressing", "InvalidSpec", "Available")
	c.put(out, "reason", "RolloutAborted", "ProgressDeadlineExceeded", "ReplicaSetUpdated")
	c.put(out, "message", "gone", "late")
	return c.pick(out, out, out)
}

func (c chance) list(one func() any) []any {
	out := make([]any, c.Intn(3))
	for i := range out {
		out[i] = one()
	}
	return out
}

func (c chance) annotation() string {
	text := []byte(`{"wanted":{"images":["p:1.4.4","s:\u003e2"],"hash":"h1","revision":"3"},"serving":{"images":null,"hash":"h2"},"analysisRun":"p-1",` +
		`"metric":"rate","value":"[0.8]","condition":"result[0] \u003e= 0.99 \ud83d\ude00 \"q\"","extra":[{},[],-1.5e3,true,null],"since":"2026-11-20T09:30:00Z"}`)
	switch c.Intn(4) {
	case 0:
		return string(text)
	case 1:
		return string(text[:c.Intn(len(text))])
	}
	const alphabet = `{}[]":,\u0d83e1 nultrfasyg.-+/` + "\x00\xff\n"
	for range 1 + c.Intn(3) {
		i := c.Intn(len(text))
		text[i] = alphabet[c.Intn(len(alphabet))]
	}
	return string(text)
}

func (c chance) object(kind string) map[string]any {
	metadata, spec, status := map[string]any{"name": "a"}, map[string]any{}, map[string]any{}
	c.put(metadata, "generation", int64(1), int64(2), int64(3), float64(4))
	if c.Intn(2) == 0 {
		annotations := map[string]any{}
		c.put(annotations, "rollout.argoproj.io/workload-generation", "1", "2")
		c.put(annotations, "sluice.dev/rollback", c.annotation(), c.annotation(), c.annotation())
		c.put(metadata, "annotations", annotations, annotations, annotations)
	}
	c.put(status, "observedGeneration", "1", "2", "3", "7d8fcb", "12345678901234567890", "")
	c.put(status, "workloadObservedGeneration", "1", "2")
	if c.Intn(2) == 0 {
		c.put(status, "phase", "Healthy", "Paused", "Degraded", "Degraded", "Degraded", "Progressing", "Pending", "Running", "Successful", "Failed", "Error", "Inconclusive", "")
	}
	c.put(status, "message", "because", "")
	c.put(status, "conditions", c.list(c.condition))
	c.put(status, "pauseConditions", c.list(func() any { return c.pick(map[string]any{"reason": "CanaryPauseStep"}) }), []any{})
	c.put(spec, "paused", true, false)
	c.put(spec, "replicas", int64(0), int64(1), int64(2), 2.0)
	c.put(spec, "workloadRef", map[string]any{"name": "d"})
	for _, name := range []string{"replicas", "updatedReplicas", "availableReplicas"} {
		c.put(status, name, int64(0), int64(1), int64(2), int64(3))
	}
	c.put(status, "currentPodHash", "h1", "h1", "h2")
	c.put(status, "stableRS", "h1", "h2", "")
	c.put(status, "blueGreen", map[string]any{"activeSelector": c.pick("h1", "h2")})
	strategy := map[string]any{}
	c.put(strategy, "canary", map[string]any{}, map[string]any{"steps": []any{}})
	c.put(strategy, "blueGreen", map[string]any{"activeService": "a"}, "\x00absent", "\x00absent")
	for name, value := range strategy {
		if value == "\x00absent" {
			delete(strategy, name)
		}
	}
	c.put(spec, "strategy", strategy, strategy)
	object := map[string]any{"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": metadata}
	c.put(object, "spec", spec, spec, spec, spec)
	c.put(object, "status", status, status, status, status, status, status)
	return object
}

func TestLuaAndGoAgreeOnRandomObjects(t *testing.T) {
	host := lua.New(lua.Limits{})
	for _, kind := range kinds {
		script := shipped(t, kind)
		seen := map[string]int{}
		for seed := range int64(4000) {
			c := chance{rand.New(rand.NewSource(seed)), 0}
			if seed%2 == 1 {
				c.wild = 2 + int(seed)%20
			}
			object := c.object(kind)
			agree(t, host, script, object)
			h, _ := health.Assess(&unstructured.Unstructured{Object: object})
			seen[fmt.Sprintf("%.30s %.14s", h.Status, h.Message)]++
		}
		if kind == "Rollout" && len(seen) < 16 {
			t.Errorf("only %d answers were met: %v", len(seen), seen)
		}
		t.Logf("%s: %v", kind, seen)
	}
}
