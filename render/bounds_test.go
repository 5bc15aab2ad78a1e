package render

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const laughs = `a: &a [l, l, l, l, l, l, l, l, l, l]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
h: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g, *g]
i: [*h, *h, *h, *h, *h, *h, *h, *h, *h, *h]
`

// Each bound, with a source of a few lines that passes it, and at once: what is refused must not have been built first.
func TestBoundsOfASource(t *testing.T) {
	cm := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	indented := "  " + strings.ReplaceAll(strings.TrimSpace(laughs), "\n", "\n  ")
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c%d}\n", i)
		}
		return b.String()
	}
	doubled := map[string]string{"f0/kustomization.yaml": "resources: [a.yaml]", "f0/a.yaml": cm}
	for i := 1; i <= 40; i++ { // each lists two that list the one below: 2^40 objects
		doubled[fmt.Sprintf("f%d/kustomization.yaml", i)] = fmt.Sprintf("resources: [../l%d, ../r%d]", i, i)
		for _, side := range []string{"l", "r"} {
			doubled[fmt.Sprintf("%s%d/kustomization.yaml", side, i)] = fmt.Sprintf("namePrefix: %s\nresources: [../f%d]", side, i-1)
		}
	}
	small := Bounds{Document: 1000, Bytes: 5000, Objects: 10}
	cases := map[string]struct {
		files   map[string]string
		options Options
		want    string
	}{
		"aliases in a file":                   {map[string]string{"a.yaml": cm + "data:\n" + indented + "\n"}, Options{}, "a.yaml:8: the aliases up to here stand for more than 10000 values: write them out"},
		"aliases in a resource":               {map[string]string{"kustomization.yaml": "resources: [a.yaml]", "a.yaml": cm + "data:\n" + indented + "\n"}, Options{}, "a.yaml:8: the aliases up to here stand for more than 10000 values: write them out"},
		"aliases in a kustomization":          {map[string]string{"kustomization.yaml": laughs}, Options{}, "kustomization.yaml:4: the aliases up to here stand for more than 10000 values: write them out"},
		"aliases in a patch":                  {map[string]string{"kustomization.yaml": "resources: [a.yaml]\npatches: [{path: p.yaml}]", "a.yaml": cm, "p.yaml": cm + "data:\n" + indented + "\n"}, Options{}, "p.yaml:8: the aliases up to here stand for more than 10000 values: write them out"},
		"aliases in a patch written in place": {map[string]string{"kustomization.yaml": "resources: [a.yaml]\npatches:\n- patch: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: a}\n    data:" + strings.ReplaceAll("\n"+indented, "\n", "\n    ") + "\n", "a.yaml": cm}, Options{}, ""},
		"aliases in a configuration":          {map[string]string{"kustomization.yaml": "resources: [a.yaml]\nconfigurations: [c.yaml]", "a.yaml": cm, "c.yaml": laughs}, Options{}, "c.yaml:4: the aliases up to here stand for more than 10000 values: write them out"},
		"a large document":                    {map[string]string{"a.yaml": cm + "---\n" + cm + "data: {k: " + strings.Repeat("x", 1000) + "}\n"}, Options{Bounds: small}, "a.yaml:4: a document is larger than 0 KiB: no API server takes an object of that size"},
		"a large document in a kustomization": {map[string]string{"kustomization.yaml": "resources: [a.yaml]", "a.yaml": cm + "data: {k: " + strings.Repeat("x", 1000) + "}\n"}, Options{Bounds: small}, "a.yaml:1: a document is larger than 0 KiB: no API server takes an object of that size"},
		"a large file":                        {map[string]string{"a.yaml": strings.Repeat(cm+"---\n", 120)}, Options{Bounds: small}, "a.yaml is larger than 0 MiB"},
		"many objects":                        {map[string]string{"a.yaml": many(11)}, Options{Bounds: small}, "a.yaml: more than 10 objects: split the application"},
		"many objects in a kustomization":     {map[string]string{"kustomization.yaml": "resources: [a.yaml]", "a.yaml": many(11)}, Options{Bounds: small}, ".: more than 10 objects: split the application"},
		"many objects in a list":              {map[string]string{"kustomization.yaml": "resources: [a.yaml]", "a.yaml": "apiVersion: v1\nkind: List\nitems:\n" + strings.ReplaceAll(many(11), "---\napiVersion: v1\nkind: ConfigMap\nmetadata", "- apiVersion: v1\n  kind: ConfigMap\n  metadata")}, Options{Bounds: small}, "kustomization.yaml: more than 10 objects: split the application"},
		"bases that double each other":        {doubled, Options{Path: "f40"}, "f13: more than 5000 objects: split the application"},
		"bases that double their size":        {map[string]string{"kustomization.yaml": "resources: [l, r, s, t]", "l/kustomization.yaml": "resources: [../b]", "r/kustomization.yaml": "resources: [../b]", "s/kustomization.yaml": "resources: [../b]", "t/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [a.yaml, b.yaml]", "b/a.yaml": cm + "data: {k: " + strings.Repeat("x", 700) + "}\n", "b/b.yaml": cm + "data: {k: " + strings.Repeat("y", 700) + "}\n"}, Options{Bounds: small}, ".: what it lists, as often as it lists it, is larger than 0 MiB: list each base once"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := Render(inline(t, c.files), c.options)
			if err == nil || c.want != "" && err.Error() != c.want || c.want == "" && !strings.Contains(err.Error(), "the aliases up to here") {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("refused after %s", took)
			}
		})
	}
	if _, err := Render(inline(t, map[string]string{"a.yaml": cm + "data: {a: &x y, b: *x}\n"}), Options{}); err != nil {
		t.Errorf("an alias as people write them: %v", err)
	}
}

func TestBoundsOfATree(t *testing.T) {
	tree := NewTree(Limits{Entries: 10, Bytes: 100, Depth: 3})
	for _, c := range []struct {
		err  error
		want string
	}{
		{tree.Add("a/b/c", nil), ""},
		{tree.Add("a/b/c/d", nil), `entry "a/b/c/d…" is deeper than 3 folders`},
		{tree.Link("a/x/c/d", "../e"), `entry "a/x/c/d…" is deeper than 3 folders`},
		{tree.Add("a/b/c", nil), "the source tree has a/b/c twice"},
		{tree.Add("a/./b//c", nil), "the source tree has a/b/c twice"},
		{tree.Link("a/b/c", "../e"), "the source tree has a/b/c twice"},
		{tree.Add("a\x00b", nil), `entry "a\x00b" has a zero byte in its name`},
	} {
		if got := c.err; got == nil && c.want != "" || got != nil && got.Error() != c.want {
			t.Errorf("got %v, want %s", got, c.want)
		}
	}
	both := NewTree(DefaultLimits)
	if err := both.Add("a", nil); err != nil {
		t.Fatal(err)
	}
	if err := both.Add("a/b", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := both.FileSystem(); err == nil || err.Error() != "a is a file and a folder" {
		t.Errorf("a file and a folder: %v", err)
	}
	loops := NewTree(Limits{Entries: 1000, Bytes: 1000})
	_ = loops.Add("d0/f", make([]byte, 10))
	for i := range 9 { // each link shows everything that is there once more
		_ = loops.Link(fmt.Sprintf("d0/l%d", i), "../d0")
	}
	if fs, err := loops.FileSystem(); err == nil && !fs.Exists("/d0/f") {
		t.Error("the file is gone")
	}
}
