package simulation

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout"
	"github.com/sluice-delivery/sluice/traffic"
	"github.com/sluice-delivery/sluice/traffic/istio"
	"github.com/sluice-delivery/sluice/traffic/nginx"
)

var update = flag.Bool("update", false, "write the timelines as they are now; review the difference")

// A story is told by doing things in a world and letting time pass.
type story struct {
	about   string
	objects func(t *testing.T) []string
	world   func(*World) // how the cluster behaves; nil: pods are ready after three seconds
	tell    func(t *testing.T, w *World)
	facts   func(t *testing.T, f facts) // beside the golden text: what the spec says about it
}

func these(objects ...string) func(*testing.T) []string {
	return func(*testing.T) []string { return objects }
}

// begin applies the objects and waits for the first deployment.
func (s story) begin(t *testing.T) *World {
	t.Helper()
	w := New(rollout.Decide)
	w.real = routers
	if s.world != nil {
		s.world(w)
	}
	if err := w.Apply(s.objects(t)...); err != nil {
		t.Fatal(err)
	}
	w.due = true
	w.Run(10 * time.Minute)
	return w
}

func TestStories(t *testing.T) {
	for name, s := range all() {
		t.Run(name, func(t *testing.T) {
			w := s.begin(t)
			s.tell(t, w)
			w.checkRest()
			for _, p := range w.problems {
				t.Error(p)
			}
			if s.facts != nil {
				s.facts(t, w.trace)
			}
			golden(t, name, "# "+s.about+"\n"+strings.Join(w.Timeline, "\n")+"\n")
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("..", "..", "testdata", "timelines", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test ./test/simulation -update writes it, then review it", err)
	}
	if string(want) != got {
		a, b := strings.Split(string(want), "\n"), strings.Split(got, "\n")
		for i := range a {
			if i >= len(b) || a[i] != b[i] {
				shown := "the end"
				if i < len(b) {
					shown = b[i]
				}
				t.Fatalf("line %d of %s\nwas %s\nis  %s", i+1, path, a[i], shown)
			}
		}
		t.Fatalf("%s goes on after line %d: %s", path, len(a), b[len(a)-1])
	}
}

// routers are the real ones of a Rollout, as far as stories use them.
func routers(r *v1alpha1.Rollout) []traffic.Router {
	var found []traffic.Router
	for _, made := range []func(*v1alpha1.Rollout, traffic.Options) (traffic.Router, error){nginx.New, istio.New} {
		if router, err := made(r, traffic.Options{}); err == nil {
			found = append(found, router)
		}
	}
	return found
}
