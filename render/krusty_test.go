package render

import (
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
)

// What the library alone takes for the same ten resources, without any of ours: the floor.
func BenchmarkKrustyAlone(b *testing.B) {
	tree := given(b, "ten")
	if _, err := Render(tree, Options{}); err != nil { // reads kustomize's schema, once
		b.Fatal(err)
	}
	b.ReportAllocs()
	report := cpu(b)
	for b.Loop() {
		built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(tree, "/")
		if err != nil || built.Size() != 10 {
			b.Fatal(err)
		}
		if _, err := built.AsYaml(); err != nil {
			b.Fatal(err)
		}
	}
	report()
}
