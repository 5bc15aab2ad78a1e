package render

import "testing"

// Ten resources by a kustomization: the figure that is compared with a process per request (make bench-cmp).
func BenchmarkRenderTen(b *testing.B) {
	tree := given(b, "ten")
	b.ReportAllocs()
	for b.Loop() {
		result, err := Render(tree, Options{})
		if err != nil || len(result.Objects) != 10 {
			b.Fatal(len(result.Objects), err)
		}
	}
}
