package lua_test

import (
	"context"
	"os"
	"syscall"
	"testing"

	vm "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/health"
	"github.com/sluice-delivery/sluice/health/lua"
)

// golden is one of the objects of the tests of our scripts.
func golden(t testing.TB, kind, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../resource_customizations/argoproj.io/" + kind + "/testdata/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if text, err = yaml.YAMLToJSON(text); err != nil {
		t.Fatal(err)
	}
	if err := object.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return object.Object
}

// table makes ordinary Lua tables the ordinary way.
func table(l *vm.LState, value any) vm.LValue {
	switch v := value.(type) {
	case string:
		return vm.LString(v)
	case int64:
		return vm.LNumber(v)
	case float64:
		return vm.LNumber(v)
	case bool:
		return vm.LBool(v)
	case []any:
		t := l.NewTable()
		for _, e := range v {
			t.Append(table(l, e))
		}
		return t
	case map[string]any:
		t := l.NewTable()
		for k, e := range v {
			t.RawSetString(k, table(l, e))
		}
		return t
	}
	return vm.LNil
}

// naive is a new virtual machine with all libraries that parses the script, for each assessment.
func naive(b *testing.B, script lua.Script, object map[string]any) {
	for b.Loop() {
		l := vm.NewState()
		l.SetContext(context.Background())
		l.SetGlobal("obj", table(l, object))
		if err := l.DoString(script.Text); err != nil {
			b.Fatal(err)
		}
		l.Close()
	}
}

// cpu reports the processor's time, which other programs on the machine do not change as they do the wall's.
func cpu(b *testing.B, run func()) {
	b.ReportAllocs()
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	run()
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	took := after.Utime.Nano() - before.Utime.Nano() + after.Stime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(took)/float64(b.N), "cpu-ns/op")
}

func BenchmarkHealth(b *testing.B) {
	for _, c := range []struct{ kind, name string }{
		{"Rollout", "healthy"}, {"Rollout", "paused"}, {"Rollout", "rollback"}, {"AnalysisRun", "failed"},
	} {
		script, object := shipped(b, c.kind), golden(b, c.kind, c.name)
		of := c.kind + "-" + c.name
		b.Run("naive/"+of, func(b *testing.B) {
			cpu(b, func() { naive(b, script, object) })
		})
		b.Run("lua/"+of, func(b *testing.B) {
			host, ctx := lua.New(lua.Limits{}), context.Background()
			cpu(b, func() {
				for b.Loop() {
					if _, err := host.Health(ctx, script, object, noon); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
		b.Run("go/"+of, func(b *testing.B) {
			u := &unstructured.Unstructured{Object: object}
			cpu(b, func() {
				for b.Loop() {
					if _, err := health.Assess(u); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkConvert is the floor of the ordinary way: the whole object as tables, and nothing else.
func BenchmarkConvert(b *testing.B) {
	object, l := golden(b, "Rollout", "healthy"), vm.NewState()
	defer l.Close()
	cpu(b, func() {
		for b.Loop() {
			table(l, object)
		}
	})
}
