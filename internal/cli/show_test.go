package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func TestStatusOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		in          func(*v1alpha1.Rollout)
		code        int
		out, errOut string
	}{
		"healthy":  {in(v1alpha1.RolloutPhaseHealthy, ""), 0, "Healthy\n", ""},
		"degraded": {in(v1alpha1.RolloutPhaseDegraded, "RolloutAborted: x"), 1, "Degraded\n", "Error: The rollout is in a degraded state with message: RolloutAborted: x\n"},
		"progressing": {in(v1alpha1.RolloutPhaseProgressing, "more replicas need to be updated"), 0,
			"Progressing - more replicas need to be updated\n", ""},
		"paused": {in(v1alpha1.RolloutPhasePaused, "CanaryPauseStep"), 0, "Paused - CanaryPauseStep\n", ""},
		"not observed yet": {func(r *v1alpha1.Rollout) { r.Generation = 3 }, 0,
			"Progressing - waiting for rollout spec update to be observed\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(rollout("payments-api", tc.in))
			code := w.run("status", "payments-api", "--watch=false")
			if code != tc.code || w.out.String() != tc.out || w.errOut.String() != tc.errOut {
				t.Errorf("code %d, said %q and %q", code, w.out.String(), w.errOut.String())
			}
		})
	}
}

// become writes a status and tells the watch.
func (w *world) become(t *testing.T, name string, change func(*v1alpha1.Rollout)) {
	t.Helper()
	r := &v1alpha1.Rollout{}
	if err := w.Get(context.Background(), client.ObjectKey{Namespace: "production", Name: name}, r); err != nil {
		t.Fatal(err)
	}
	change(r)
	if err := w.Client.Status().Update(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	select {
	case w.changed <- struct{}{}:
	default: // it is looked at again after a second anyway
	}
}

func TestStatusWatchesToTheEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		end         func(*v1alpha1.Rollout)
		code        int
		out, errOut string
	}{
		"to healthy":  {in(v1alpha1.RolloutPhaseHealthy, ""), 0, "Healthy\n", ""},
		"to degraded": {in(v1alpha1.RolloutPhaseDegraded, "x"), 1, "Degraded - x\n", "Error: The rollout is in a degraded state with message: x\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(rollout("payments-api"))
			code := make(chan int)
			go func() { code <- w.run("status", "payments-api", "--timeout", "1m") }()
			w.become(t, "payments-api", in(v1alpha1.RolloutPhaseProgressing, "waiting for all steps to complete"))
			w.become(t, "payments-api", tc.end)
			got := <-code
			// The middle state may be gone before it is looked at.
			out := strings.Replace(w.out.String(), "Progressing - waiting for all steps to complete\n", "", 1)
			if got != tc.code || strings.TrimPrefix(out, "Paused - CanaryPauseStep\n") != tc.out || w.errOut.String() != tc.errOut {
				t.Errorf("code %d, said %q and %q", got, w.out.String(), w.errOut.String())
			}
		})
	}
}

func TestStatusTimesOut(t *testing.T) {
	w := newWorld(rollout("payments-api"))
	code := w.run("status", "payments-api", "--timeout", "20ms")
	if code != 1 || w.out.String() != "Paused - CanaryPauseStep\n" || w.errOut.String() != "Error: Rollout status watch exceeded timeout\n" {
		t.Errorf("code %d, said %q and %q", code, w.out.String(), w.errOut.String())
	}
}

func TestGetRollout(t *testing.T) {
	r := rollout("payments-api")
	w := newWorld(r, revisionOf(r, "2", "new", "api:1"))
	if code := w.run("get", "rollout", "payments-api", "-n", "production", "--no-color"); code != 0 {
		t.Fatal(w.errOut.String())
	}
	for _, want := range []string{"Name:            payments-api\n", "Status:          ॥ Paused\n", "  Step:          1/3\n", "└──# revision:2", "⧉ payments-api-new"} {
		if !strings.Contains(w.out.String(), want) {
			t.Errorf("no %q in\n%s", want, w.out.String())
		}
	}
	if strings.Contains(w.out.String(), "\x1b") {
		t.Errorf("colours with --no-color: %q", w.out.String())
	}
}

func TestGetRolloutWatchRedrawsAndEndsSilently(t *testing.T) {
	w := newWorld(rollout("payments-api"))
	begin := time.Now()
	code := w.run("get", "rollout", "payments-api", "--watch", "--timeout-seconds", "1")
	if code != 0 || w.errOut.Len() > 0 {
		t.Errorf("code %d, said %q", code, w.errOut.String())
	}
	if took := time.Since(begin); took < time.Second || took > 3*time.Second {
		t.Errorf("ended after %s", took)
	}
	if screens := strings.Count(w.out.String(), clear+"Name: "); screens < 2 {
		t.Errorf("%d screens", screens)
	}
}

func TestListRollouts(t *testing.T) {
	blue := rollout("web", in(v1alpha1.RolloutPhaseHealthy, ""))
	blue.Spec.Strategy = v1alpha1.RolloutStrategy{BlueGreen: &v1alpha1.BlueGreenStrategy{}}
	blue.Spec.Replicas = new(int32(5))
	there := rollout("elsewhere")
	there.Namespace = "staging"
	objects := []client.Object{rollout("payments-api"), blue, there}
	for name, tc := range map[string]struct{ args, out, errOut string }{
		"one namespace": {"list rollouts", `
NAME          STRATEGY   STATUS   STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
payments-api  Canary     Paused   1/3   20          4/5    1        1           3
web           BlueGreen  Healthy  -     -           4/5    5        1           3
`, ""},
		"all namespaces": {"list ro -A --name elsewhere", `
NAMESPACE  NAME       STRATEGY  STATUS  STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
staging    elsewhere  Canary    Paused  1/3   20          4/5    1        1           3
`, ""},
		"with timestamps": {"list rollouts --name web --timestamps -A", `
TIMESTAMP             NAMESPACE   NAME  STRATEGY   STATUS   STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
2026-03-01T12:00:00Z  production  web   BlueGreen  Healthy  -     -           4/5    5        1           3
`, ""},
		"nothing": {"list rollouts -n empty", "\n", "No resources found.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var own []client.Object
			for _, o := range objects {
				own = append(own, o.DeepCopyObject().(client.Object))
			}
			w := newWorld(own...)
			if code := w.run(strings.Fields(tc.args)...); code != 0 || "\n"+w.out.String() != tc.out || w.errOut.String() != tc.errOut {
				t.Errorf("code %d, said\n%s and %q", code, w.out.String(), w.errOut.String())
			}
		})
	}
}

func TestListRolloutsPrintsWhatChanged(t *testing.T) {
	env := &Environment{Now: func() time.Time { return noon }}
	var out strings.Builder
	env.Out = &out
	var l listing
	a, b := rollout("a"), rollout("b")
	env.sayRows(&l, []v1alpha1.Rollout{*a, *b}, true)
	env.sayRows(&l, []v1alpha1.Rollout{*a, *b}, false)
	in(v1alpha1.RolloutPhaseHealthy, "")(b)
	env.sayRows(&l, []v1alpha1.Rollout{*a, *b}, false)
	want := `NAME  STRATEGY  STATUS  STEP  SET-WEIGHT  READY  DESIRED  UP-TO-DATE  AVAILABLE
a     Canary    Paused  1/3   20          4/5    1        1           3
b     Canary    Paused  1/3   20          4/5    1        1           3
b     Canary    Healthy  1/3   20          4/5    1        1           3
`
	if out.String() != want {
		t.Errorf("said\n%s", out.String())
	}
}

func TestListExperiments(t *testing.T) {
	running := &v1alpha1.Experiment{ObjectMeta: metav1.ObjectMeta{
		Name: "running", Namespace: "production", CreationTimestamp: metav1.NewTime(noon.Add(-10 * time.Minute))}}
	running.Spec.Duration = "20m"
	running.Status.Phase = v1alpha1.AnalysisPhaseRunning
	running.Status.AvailableAt = &metav1.Time{Time: noon.Add(-5 * time.Minute)}
	fresh := &v1alpha1.Experiment{ObjectMeta: metav1.ObjectMeta{
		Name: "fresh", Namespace: "production", CreationTimestamp: metav1.NewTime(noon.Add(-2 * time.Second))}}
	w := newWorld(running, fresh)
	want := `NAME     STATUS   DURATION  REMAINING  AGE
fresh    -        -         -          2s
running  Running  20m       15m        10m
`
	if code := w.run("list", "experiments"); code != 0 || w.out.String() != want {
		t.Errorf("code %d, said\n%s", code, w.out.String())
	}
	w = newWorld()
	if code := w.run("list", "experiments"); code != 0 || w.errOut.String() != "No resources found.\n" {
		t.Errorf("code %d, said %q", code, w.errOut.String())
	}
}

func TestVersion(t *testing.T) {
	w := newWorld()
	w.run("version", "--short")
	if w.out.String() != "kubectl-argo-rollouts: dev\n" {
		t.Errorf("said %q", w.out.String())
	}
	w = newWorld()
	w.run("version")
	for _, want := range []string{"kubectl-argo-rollouts: ", "\n  BuildDate: ", "\n  GitCommit: ", "\n  GitTreeState: ", "\n  GoVersion: go1.", "\n  Compiler: gc", "\n  Platform: "} {
		if !strings.Contains(w.out.String(), want) {
			t.Errorf("no %q in\n%s", want, w.out.String())
		}
	}
}
