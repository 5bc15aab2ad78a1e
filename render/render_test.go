package render

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the expected manifests anew; read the difference before you commit it")

// given loads a folder of testdata/sources into memory.
func given(t testing.TB, name string) filesys.FileSystem {
	t.Helper()
	root := filepath.Join("..", "testdata", "sources", name)
	tree := NewTree(DefaultLimits)
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		relative, _ := filepath.Rel(root, file)
		return tree.Add(relative, content)
	})
	if err != nil {
		t.Fatal(err)
	}
	return built(t, tree)
}

func built(t testing.TB, tree *Tree) filesys.FileSystem {
	t.Helper()
	fs, err := tree.FileSystem()
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

// inline is a tree of a few files.
func inline(t *testing.T, files map[string]string) filesys.FileSystem {
	t.Helper()
	tree := NewTree(DefaultLimits)
	for name, content := range files {
		if err := tree.Add(name, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	return built(t, tree)
}

func manifests(t *testing.T, r Result) string {
	t.Helper()
	var b strings.Builder
	for i, obj := range r.Objects {
		data, err := yaml.Marshal(obj.Object)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("--- # " + r.Files[i] + "\n" + string(data))
	}
	return b.String()
}

func TestSources(t *testing.T) {
	for name, options := range map[string]Options{
		"kustomize-rollout": {Path: "overlays/production"},
		"plain":             {},
		"patch-merge":       {HideRollbacks: true},
	} {
		t.Run(name, func(t *testing.T) {
			options.Origins = true
			result, err := Render(given(t, name), options)
			if err != nil {
				t.Fatal(err)
			}
			got, golden := manifests(t, result), filepath.Join("..", "testdata", "sources", name+".golden.yaml")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("not as in %s:\n%s", golden, got)
			}
		})
	}
}

func TestErrorsNameFileAndLine(t *testing.T) {
	for name, want := range map[string]string{
		"remote-base":   `kustomization.yaml: resources: "https://github.com/someone/base?ref=v1" is remote; bases and files have to be in the same repository: copy it there`,
		"conflict":      `rollout.yaml:6: unresolved merge conflict: <<<<<<< HEAD`,
		"helm":          `. is a Helm chart, which is not supported: render it with helm template and commit the result, or use a kustomization`,
		"empty":         `. has no manifests; with pruning that would delete every object (allowEmpty accepts it)`,
		"unknown-field": `rollout.yaml:7: Rollout web: spec.strategy.canary.steps[0].setWieght: unknown field: did you mean "setWeight"?`,
		"bad-yaml":      `all.yaml:8: did not find expected key`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Render(given(t, name), Options{}); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

const rolloutWith = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
  strategy:
    canary: {steps: [{setWeight: %d}]}
`

func TestErrorsOfASource(t *testing.T) {
	const cm = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	cases := map[string]struct {
		files   map[string]string
		options Options
		want    string
	}{
		"a path that does not exist":              {map[string]string{"a/b.yaml": cm}, Options{Path: "c"}, `path "c" does not exist in the source tree`},
		"a path out of the tree":                  {map[string]string{"a.yaml": cm}, Options{Path: "../x"}, `path "../x" leaves the source tree`},
		"a path that is a file":                   {map[string]string{"a.yaml": cm}, Options{Path: "a.yaml"}, `path "a.yaml" is a file; a folder is needed`},
		"two kustomizations":                      {map[string]string{"kustomization.yaml": "{}", "kustomization.yml": "{}"}, Options{}, `. has several kustomizations: /kustomization.yaml, /kustomization.yml`},
		"a resource that is not there":            {map[string]string{"kustomization.yaml": "resources: [a.yaml]"}, Options{}, `kustomization.yaml: resources: "a.yaml" does not exist`},
		"a base above the tree":                   {map[string]string{"kustomization.yaml": "resources: [../../etc]"}, Options{}, `kustomization.yaml: resources: "../../etc" leaves the source tree`},
		"a base by ssh":                           {map[string]string{"kustomization.yaml": "resources: ['git@host:org/repo']"}, Options{}, `kustomization.yaml: resources: "git@host:org/repo" is remote; bases and files have to be in the same repository: copy it there`},
		"a base by a short name":                  {map[string]string{"kustomization.yaml": "bases: [github.com/org/repo]"}, Options{}, `kustomization.yaml: resources: "github.com/org/repo" is remote; bases and files have to be in the same repository: copy it there`},
		"a patch from elsewhere":                  {map[string]string{"kustomization.yaml": "patches: [{path: 'http://h/p.yaml'}]"}, Options{}, `kustomization.yaml: patches: "http://h/p.yaml" is remote; bases and files have to be in the same repository: copy it there`},
		"a generated file from elsewhere":         {map[string]string{"kustomization.yaml": "secretGenerator: [{name: s, files: ['k=http://h/p']}]"}, Options{}, `kustomization.yaml: secretGenerator: "http://h/p" is remote; bases and files have to be in the same repository: copy it there`},
		"a transformer that loads":                {map[string]string{"kustomization.yaml": "transformers: [t.yaml]", "t.yaml": "kind: PatchTransformer\npath: http://h/p\n"}, Options{}, `kustomization.yaml: transformers: nothing here may load what is not in the repository`},
		"a chart in a kustomization":              {map[string]string{"kustomization.yaml": "helmCharts: [{name: c}]"}, Options{}, `kustomization.yaml: Helm charts are not supported: render the chart with helm template and commit the result`},
		"a field that kustomize does not know":    {map[string]string{"kustomization.yaml": "resuorces: []"}, Options{}, `kustomization.yaml: invalid Kustomization: json: unknown field "resuorces"`},
		"a conflict in a base":                    {map[string]string{"kustomization.yaml": "resources: [base]", "base/kustomization.yaml": "resources: [a.yaml]", "base/a.yaml": cm + ">>>>>>> theirs\n"}, Options{}, `base/a.yaml:4: unresolved merge conflict: >>>>>>> theirs`},
		"kustomize options for plain files":       {map[string]string{"a.yaml": cm}, Options{Kustomize: &Kustomize{NamePrefix: "x-"}}, `. has no kustomization.yaml, but kustomize options are set`},
		"a document that is no object":            {map[string]string{"a.yaml": cm + "---\nx: 1\n"}, Options{}, `a.yaml:4: no Kubernetes object: apiVersion and kind are needed`},
		"a key that is there twice":               {map[string]string{"a.yaml": cm + "kind: Secret\n"}, Options{}, `a.yaml:4: key "kind" already set in map`},
		"a value of the wrong type":               {map[string]string{"a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec: {replicas: many}\n"}, Options{}, `a.yaml:4: Rollout a: spec.replicas: a whole number is needed, not a text`},
		"a step that is not valid":                {map[string]string{"a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}, strategy: {canary: {steps: [{setWeight: 101}]}}}\n"}, Options{}, `a.yaml:4: Rollout a: spec.strategy.steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100`},
		"a base in itself":                        {map[string]string{"kustomization.yaml": "resources: [a]", "a/kustomization.yaml": "resources: [../]"}, Options{}, `. is part of itself: a kustomization is listed by one that it lists`},
		"an executable plugin is never run":       {map[string]string{"kustomization.yaml": "generators: [g.yaml]", "g.yaml": "apiVersion: x/v1\nkind: Exec\nmetadata: {name: g, annotations: {config.kubernetes.io/function: 'exec: {path: /bin/true}'}}\n"}, Options{}, ``},
		"a file out of the folder by restriction": {map[string]string{"app/kustomization.yaml": "configMapGenerator: [{name: c, files: [../secret.txt]}]", "secret.txt": "x"}, Options{Path: "app"}, ``},
		"a file with a slip in its name":          {map[string]string{"kustomization.yaml": "resources: [rollot.yaml]", "rollout.yaml": cm}, Options{}, `kustomization.yaml: resources: "rollot.yaml" does not exist: did you mean "rollout.yaml"?`},
		"a key twice under a kustomization":       {map[string]string{"kustomization.yaml": "resources: [a.yaml]", "a.yaml": cm + "kind: Secret\n"}, Options{}, `a.yaml:4: key "kind" already set in map`},
		"no object under a kustomization":         {map[string]string{"kustomization.yaml": "resources: [a.yaml]", "a.yaml": cm + "---\nx: 1\n"}, Options{}, `a.yaml:4: no Kubernetes object: apiVersion and kind are needed`},
		"a step in a base, found by its line":     {map[string]string{"kustomization.yaml": "resources: [base]\nnamePrefix: x-\n", "base/kustomization.yaml": "resources: [r.yaml]", "base/r.yaml": cm + "---\n" + fmt.Sprintf(rolloutWith, 101)}, Options{}, `base/r.yaml:12: Rollout x-web: spec.strategy.steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100`},
		"a step that a patch made wrong":          {map[string]string{"kustomization.yaml": "resources: [r.yaml]\npatches: [{path: p.yaml}]\n", "r.yaml": fmt.Sprintf(rolloutWith, 10), "p.yaml": "# more\n" + fmt.Sprintf(rolloutWith, 102)}, Options{}, `p.yaml:9: Rollout web: spec.strategy.steps[0].setWeight: Invalid value: 102: SetWeight needs to be between 0 and 100`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Render(inline(t, c.files), c.options)
			if err == nil || c.want != "" && err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			t.Log(err)
		})
	}
}

func TestAnEmptySourceIsAllowedWhenAsked(t *testing.T) {
	if result, err := Render(given(t, "empty"), Options{AllowEmpty: true}); err != nil || len(result.Objects) != 0 {
		t.Errorf("got %v, %v", result.Objects, err)
	}
}

func TestOverrides(t *testing.T) {
	zero := int64(0)
	result, err := Render(given(t, "kustomize-rollout"), Options{Path: "base", Kustomize: &Kustomize{
		NamePrefix: "x-", NameSuffix: "-y", Namespace: "n", Images: []string{"registry.example/payments-api=other/api:2@sha256:1234", "proxy:9"},
		Replicas: map[string]int64{"payments-api": zero}, CommonAnnotations: map[string]string{"a": "b"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	text := manifests(t, result)
	for _, want := range []string{"name: x-payments-api-y\n", "namespace: \"n\"\n", "image: other/api:2@sha256:1234\n", "image: proxy:9\n", "replicas: 0\n", "a: b\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestDirectoryChoosesFiles(t *testing.T) {
	cm := func(name string) string { return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n" }
	files := map[string]string{"a.yaml": cm("a"), "b.yml": cm("b"), "c.json": `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}`, "d/e.yaml": cm("e"), "notes.txt": "x", "kustomization.yaml": "resources: [a.yaml]"}
	cases := map[string]struct {
		directory Directory
		want      string
	}{
		"not deeper":      {Directory{Exclude: "kustomization.yaml"}, "a b c"},
		"deeper":          {Directory{Recurse: true, Exclude: "kustomization.yaml"}, "a b c e"},
		"only some":       {Directory{Recurse: true, Include: "{*.yml,d/**}"}, "b e"},
		"some but others": {Directory{Recurse: true, Include: "*.yaml", Exclude: "k*"}, "a"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			result, err := Render(inline(t, files), Options{Directory: &c.directory})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, obj := range result.Objects {
				names = append(names, obj.GetName())
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestTree(t *testing.T) {
	add := func(name string) error { return NewTree(DefaultLimits).Add(name, nil) }
	link := func(name, target string) error { return NewTree(DefaultLimits).Link(name, target) }
	full := NewTree(Limits{Entries: 1, Bytes: 10})
	cases := map[string]struct {
		err  error
		want string
	}{
		"an entry out of the tree":   {add("../x"), `entry "../x" leaves the source tree`},
		"an absolute entry":          {add("/etc/passwd"), `entry "/etc/passwd" leaves the source tree`},
		"a link out of the tree":     {link("a/b", "../../etc/passwd"), `link a/b leads out of the source tree`},
		"an absolute link":           {link("a", "/etc/passwd"), `link a leads out of the source tree`},
		"a link inside":              {link("a/b", "../c"), ""},
		"too large":                  {full.Add("a", make([]byte, 11)), "the source tree is larger than 0 MiB"},
		"too many":                   {errors.Join(full.Add("b", nil)), "the source tree has more than 1 entries"},
		"a detour that comes back":   {add("a/../b"), ""},
		"a detour that leaves":       {add("a/../../b"), `entry "a/../../b" leaves the source tree`},
		"a link to itself by detour": {link("a", "./x/../../b"), `link a leads out of the source tree`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := c.err; got == nil && c.want != "" || got != nil && got.Error() != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestTreeFollowsLinks(t *testing.T) {
	tree := NewTree(DefaultLimits)
	for _, err := range []error{
		tree.Add("real/a.yaml", []byte("a")), tree.Link("file.yaml", "real/a.yaml"), tree.Link("folder", "real"), tree.Link("again", "folder"),
		tree.Link("through.yaml", "folder/a.yaml"), tree.Link("nowhere", "absent"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	files := built(t, tree)
	for _, name := range []string{"/real/a.yaml", "/file.yaml", "/folder/a.yaml", "/again/a.yaml", "/through.yaml"} {
		if content, err := files.ReadFile(name); err != nil || string(content) != "a" {
			t.Errorf("%s: %q, %v", name, content, err)
		}
	}
	if files.Exists("/nowhere") {
		t.Error("a link to nothing shows something")
	}
	circle := NewTree(DefaultLimits)
	_, _ = circle.Link("a", "b"), circle.Link("b", "a")
	if _, err := circle.FileSystem(); err == nil || !strings.Contains(err.Error(), "leads in a circle") {
		t.Errorf("a circle: %v", err)
	}
}
