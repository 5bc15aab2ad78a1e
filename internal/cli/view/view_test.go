package view_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/cli/view"
)

var update = flag.Bool("update", false, "write the screens instead of comparing them; read the difference before committing it")

// now is the instant of all screens: the objects were made at round distances from it.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type fixture struct {
	rollout    *v1alpha1.Rollout
	experiment *v1alpha1.Experiment
	view.Objects
}

func decode[T any](t *testing.T, doc []byte) *T {
	t.Helper()
	o := new(T)
	if err := yaml.UnmarshalStrict(doc, o); err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	return o
}

// own makes the controller reference that "owner" in a fixture stands for.
func own(o metav1.Object) {
	o.SetUID(schemaUID(o))
	name, found := o.GetAnnotations()["owner"]
	if !found {
		return
	}
	kind, name, _ := strings.Cut(name, "/")
	yes := true
	o.SetOwnerReferences([]metav1.OwnerReference{{Kind: kind, Name: name, UID: uid(name), Controller: &yes}})
}

func read(t *testing.T, file string) fixture {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var f fixture
	for _, doc := range strings.Split(string(data), "\n---\n") {
		switch kind := decodeKind(t, doc); kind.Kind {
		case "Rollout":
			f.rollout = decode[v1alpha1.Rollout](t, []byte(doc))
			own(f.rollout)
		case "ReplicaSet":
			f.ReplicaSets = append(f.ReplicaSets, decode[appsv1.ReplicaSet](t, []byte(doc)))
			own(f.ReplicaSets[len(f.ReplicaSets)-1])
		case "Pod":
			f.Pods = append(f.Pods, decode[corev1.Pod](t, []byte(doc)))
			own(f.Pods[len(f.Pods)-1])
		case "AnalysisRun":
			f.Runs = append(f.Runs, decode[v1alpha1.AnalysisRun](t, []byte(doc)))
			own(f.Runs[len(f.Runs)-1])
		case "Experiment":
			f.experiment = decode[v1alpha1.Experiment](t, []byte(doc))
			own(f.experiment)
			f.Experiments = append(f.Experiments, f.experiment)
		default:
			t.Fatalf("a fixture of kind %q", kind)
		}
	}
	return f
}

func decodeKind(t *testing.T, doc string) schema.GroupVersionKind {
	t.Helper()
	var m metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(doc), &m); err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	return m.GroupVersionKind()
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	// Trailing blanks are no part of what a person reads, and editors drop them.
	lines := strings.Split(got, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	got = strings.Join(lines, "\n")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s\ngot\n%s\nwant\n%s", file, got, want)
	}
}

func TestScreens(t *testing.T) {
	files, err := filepath.Glob("../../../testdata/cli/view/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures: ", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			f := read(t, file)
			if f.rollout == nil {
				compare(t, strings.TrimSuffix(file, ".yaml")+".txt", view.Experiment(f.experiment, f.Objects).Text(now, false))
				return
			}
			info := view.Rollout(f.rollout, f.Objects)
			compare(t, strings.TrimSuffix(file, ".yaml")+".txt", info.Text(now, false))
			painted := info.Text(now, true)
			if got := colour.ReplaceAllString(painted, ""); got != info.Text(now, false) {
				t.Errorf("without its colours the screen is another one:\n%s", got)
			}
		})
	}
}
