package customization

import (
	"context"
	"encoding/xml"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func options() Options {
	at := time.Date(2026, 11, 21, 9, 30, 5, 0, time.UTC)
	return Options{OpenLibs: true, Limit: 5 * time.Second, Now: func() time.Time { return at }}
}

// Ours, and what others write: globals, pairs, methods of strings, actions with parameters and with several objects.
func TestCustomizationsHold(t *testing.T) {
	for dir, atLeast := range map[string]int{"../../../health/resource_customizations": 50, "../../../testdata/health/others": 6} {
		outcomes, err := Run(context.Background(), os.DirFS(dir), options())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range outcomes {
			if o.Failure != "" {
				t.Errorf("%s/%s %s: %s", o.Group, o.Kind, o.Test, o.Failure)
			}
		}
		if len(outcomes) < atLeast {
			t.Errorf("%s: only %d tests were found", dir, len(outcomes))
		}
	}
}

func TestWhatDoesNotHoldIsTold(t *testing.T) {
	outcomes, err := Run(context.Background(), os.DirFS("../../../testdata/health/wrong"), options())
	if err != nil || len(outcomes) != 2 || Failed(outcomes) != 2 {
		t.Fatal(outcomes, err)
	}
	var table strings.Builder
	if err := Table(&table, outcomes); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`example.io  Database  health testdata/new.yaml     FAILED: got Progressing "Waiting for database", want Healthy ""`,
		`example.io  Database  health testdata/absent.yaml  FAILED: open example.io/Database/testdata/absent.yaml: no such file or directory`,
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("want %s\nin\n%s", want, table.String())
		}
	}
	var text strings.Builder
	if err := JUnit(&text, outcomes); err != nil {
		t.Fatal(err)
	}
	var read junitSuite
	if err := xml.Unmarshal([]byte(text.String()), &read); err != nil {
		t.Fatal(err)
	}
	if read.Tests != 2 || read.Failures != 2 || read.Cases[0].Class != "example.io/Database" || read.Cases[0].Failure == nil ||
		!strings.HasPrefix(read.Cases[0].Failure.Message, "got Progressing") {
		t.Errorf("%s", text.String())
	}
}

const action = "k/actions/action_test.yaml"

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// One action of a kind k, on an object with an empty map, an empty list and a number.
func ran(t *testing.T, test, script string, more map[string]string) string {
	t.Helper()
	root := fstest.MapFS{
		action:                      file("actionTests:\n- {action: a, inputPath: in.yaml, " + test + "}\n"),
		"k/actions/a/action.lua":    file(script),
		"k/actions/in.yaml":         file("{apiVersion: v1, kind: K, metadata: {name: n}, spec: {map: {}, list: [], size: 1}}"),
		"k/actions/same.yaml":       file("{apiVersion: v1, kind: K, metadata: {name: n}, spec: {map: {}, list: [], size: 1.0}}"),
		"k/actions/more.yaml":       file("{apiVersion: v1, kind: K, metadata: {name: n}, spec: {map: {}, list: [], size: 2}}"),
		"k/actions/at.yaml":         file(`{apiVersion: v1, kind: K, metadata: {name: n}, spec: {map: {}, list: [], size: 1, at: "2020-01-01T00:00:00Z"}}`),
		"k/actions/created.yaml":    file("[{operation: create, unstructuredObj: {kind: Job}}, {operation: patch, unstructuredObj: {apiVersion: v1, kind: K, metadata: {name: n}, spec: {map: {}, list: [], size: 1}}}]"),
		"k/actions/badlycreat.yaml": file("[{operation: create}]"),
	}
	for name, text := range more {
		root[name] = file(text)
	}
	outcomes, err := Run(context.Background(), root, options())
	if err != nil || len(outcomes) != 1 {
		t.Fatal(outcomes, err)
	}
	return outcomes[0].Failure
}

func TestActions(t *testing.T) {
	cases := map[string]struct{ test, script, failure string }{
		"keeps empty maps and lists apart":            {"expectedOutputPath: same.yaml", `return obj`, ""},
		"tells a difference by its place":             {"expectedOutputPath: more.yaml", `return obj`, "spec.size: got 1, want 2"},
		"tells what is there and should not be":       {"expectedOutputPath: same.yaml", `obj.spec.x = "y" return obj`, "spec.x: got y, want nothing"},
		"tells what is missing":                       {"expectedOutputPath: same.yaml", `obj.spec.size = nil return obj`, "spec.size: is missing"},
		"takes the instant for any instant":           {"expectedOutputPath: at.yaml", `obj.spec.at = require("os").date("!%Y-%m-%dT%XZ") return obj`, ""},
		"takes no other instant":                      {"expectedOutputPath: at.yaml", `obj.spec.at = "2020-01-01T00:00:01Z" return obj`, "spec.at"},
		"creates and patches":                         {"expectedOutputPath: created.yaml", `return {{operation = "create", resource = {kind = "Job"}}, {operation = "patch", resource = obj}}`, ""},
		"counts the changes":                          {"expectedOutputPath: created.yaml", `return obj`, "1 changes, not 2"},
		"refuses to patch another object":             {"expectedOutputPath: same.yaml", `obj.metadata.name = "other" return obj`, "only the object that it was called on"},
		"refuses to delete":                           {"expectedOutputPath: same.yaml", `return {{operation = "delete", resource = obj}}`, "unsupported operation: delete"},
		"wants the error that is expected":            {"expectedErrorMessage: no way", `error("no way, sir")`, ""},
		"tells another error":                         {"expectedErrorMessage: no way", `error("this way")`, "this way"},
		"tells that there was no error":               {"expectedErrorMessage: no way", `return obj`, "it ended well"},
		"hands the parameters over":                   {"expectedOutputPath: more.yaml, parameters: {size: \"2\"}", `obj.spec.size = tonumber(actionParams.size) return obj`, ""},
		"has no string library":                       {"expectedOutputPath: same.yaml", `return string.rep("x", 2)`, "attempt to index"},
		"tells of a file of expectations in disguise": {"expectedOutputPath: badlycreat.yaml", `return {{operation = "create", resource = {kind = "Job"}}}`, "no unstructuredObj"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := ran(t, c.test, c.script, nil)
			if (got == "") != (c.failure == "") || !strings.Contains(got, c.failure) {
				t.Errorf("got %q, want %q", got, c.failure)
			}
		})
	}
}

func TestFilesThatTestNothing(t *testing.T) {
	for name, text := range map[string]string{"empty": "tests: []", "misspelt": "test: []", "no YAML": "{"} {
		if _, err := Run(context.Background(), fstest.MapFS{"k/health_test.yaml": file(text)}, options()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
