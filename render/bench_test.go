package render

import (
	"syscall"
	"testing"
	"time"
)

// cpu reports what the process used for each operation, the collector with it: on a machine with others, time says little.
func cpu(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N)/1e6, "cpu-ms/op") }
}

// Ten resources by a kustomization: the figure that is compared with a process per request (make bench-cmp).
func BenchmarkRenderTen(b *testing.B) {
	tree := given(b, "ten")
	if _, err := Render(tree, Options{}); err != nil { // reads kustomize's schema, once
		b.Fatal(err)
	}
	b.ReportAllocs()
	report := cpu(b)
	for b.Loop() {
		result, err := Render(tree, Options{})
		if err != nil || len(result.Objects) != 10 {
			b.Fatal(len(result.Objects), err)
		}
	}
	report()
}
