package cli

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func notFound(name string) error { return apierrors.NewNotFound(v1alpha1.Resource("rollouts"), name) }

func conflict(name string) error {
	return apierrors.NewConflict(v1alpha1.Resource("rollouts"), name, nil)
}

// The patches and the words are those of spec 9.1, 9.7 and 9.12.
func TestOperations(t *testing.T) {
	r := rollout("payments-api")
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "work", Namespace: "production"}}
	deployment.Spec.Template = template("api:1")
	run := &v1alpha1.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Name: "run", Namespace: "production"}}
	exp := &v1alpha1.Experiment{ObjectMeta: metav1.ObjectMeta{Name: "exp", Namespace: "production"}}
	for name, tc := range map[string]struct {
		objects []client.Object
		args    string
		sent    []string
		out     string
		errOut  string // empty: exit code 0
	}{
		"abort": {[]client.Object{r}, "abort payments-api -n production",
			[]string{`Rollout/status {"status":{"abort":true}}`}, "rollout 'payments-api' aborted\n", ""},
		"abort several": {[]client.Object{r, rollout("other")}, "abort payments-api other",
			[]string{`Rollout/status {"status":{"abort":true}}`, `Rollout/status {"status":{"abort":true}}`},
			"rollout 'payments-api' aborted\nrollout 'other' aborted\n", ""},
		"abort what is not there": {nil, "abort payments-api",
			[]string{`Rollout/status {"status":{"abort":true}}`, `Rollout {"status":{"abort":true}}`}, "",
			"Error: rollouts.argoproj.io \"payments-api\" not found\n"},
		"retry rollout": {[]client.Object{r}, "retry rollout payments-api -n production",
			[]string{`Rollout/status {"status":{"abort":false}}`}, "rollout 'payments-api' retried\n", ""},
		"retry experiment": {[]client.Object{exp}, "retry experiment exp",
			[]string{`Experiment {"status":null}`}, "experiment 'exp' retried\n", ""},
		"terminate analysisrun": {[]client.Object{run}, "terminate analysisrun run",
			[]string{`AnalysisRun {"spec":{"terminate":true}}`}, "analysisRun 'run' terminated\n", ""},
		"terminate experiment": {[]client.Object{exp}, "terminate exp exp",
			[]string{`Experiment {"spec":{"terminate":true}}`}, "experiment 'exp' retried\n", ""},
		"pause": {[]client.Object{r}, "pause payments-api",
			[]string{`Rollout {"spec":{"paused":true}}`}, "rollout 'payments-api' paused\n", ""},
		"restart": {[]client.Object{r}, "restart payments-api",
			[]string{`Rollout {"spec":{"restartAt":"2026-03-01T12:00:00Z"}}`}, "rollout 'payments-api' restarts in 0s\n", ""},
		"restart in a while": {[]client.Object{r}, "restart payments-api --in 10s",
			[]string{`Rollout {"spec":{"restartAt":"2026-03-01T12:00:10Z"}}`}, "rollout 'payments-api' restarts in 10s\n", ""},
		"restart at no time": {[]client.Object{r}, "restart payments-api --in soon", nil, "",
			"Error: time: invalid duration \"soon\"\n"},
		"promote": {[]client.Object{r}, "promote payments-api -n production",
			[]string{`Rollout/status {"status":{"pauseConditions":null}}`}, "rollout 'payments-api' promoted\n", ""},
		"promote fully": {[]client.Object{r}, "promote payments-api --full",
			[]string{`Rollout/status {"status":{"promoteFull":true}}`}, "rollout 'payments-api' fully promoted\n", ""},
		"promote with both flags": {[]client.Object{r}, "promote payments-api -c -a", nil, "",
			"Flag --skip-current-step has been deprecated, promote without a flag goes past the current step\n" +
				"Flag --skip-all-steps has been deprecated, use --full\n" +
				"Error: Cannot use skip-current-step and skip-all-steps flags at the same time\n"},
		"promote what is not there": {nil, "promote payments-api", nil, "", "Error: rollouts.argoproj.io \"payments-api\" not found\n"},
		"set image": {[]client.Object{r}, "set image payments-api api=registry.example:5000/payments-api:1.4.3 -n production",
			[]string{`Rollout [{"op":"replace","path":"/metadata/resourceVersion","value":"999"},` +
				`{"op":"add","path":"/spec/template/spec/containers/0/image","value":"registry.example:5000/payments-api:1.4.3"}]`},
			"rollout \"payments-api\" image updated\n", ""},
		"set image of a referenced workload": {[]client.Object{rollout("payments-api", byReference), deployment}, "set image payments-api *=all:2",
			[]string{`Deployment [{"op":"replace","path":"/metadata/resourceVersion","value":"999"},` +
				`{"op":"add","path":"/spec/template/spec/initContainers/0/image","value":"all:2"},` +
				`{"op":"add","path":"/spec/template/spec/containers/0/image","value":"all:2"}]`},
			"deployment \"work\" image updated\n", ""},
		"set image of a container that is not there": {[]client.Object{r}, "set image payments-api app=x:2", nil, "",
			"Error: unable to find container named \"app\"\n"},
		"undo": {[]client.Object{r, revisionOf(r, "2", "new", "api:1"), revisionOf(r, "1", "old", "api:0")}, "undo payments-api",
			[]string{`Rollout [{"op":"replace","path":"/metadata/resourceVersion","value":"999"},{"op":"replace","path":"/spec/template",` +
				`"value":{"metadata":{},"spec":{"initContainers":[{"name":"init","image":"init:1","resources":{}}],` +
				`"containers":[{"name":"api","image":"api:0","resources":{}}]}}}]`},
			"rollout 'payments-api' undo\n", ""},
		"undo of a referenced workload": {[]client.Object{rollout("payments-api", byReference), deployment,
			revisionOf(r, "2", "new", "api:1"), revisionOf(r, "1", "old", "api:0")}, "undo payments-api",
			[]string{`Deployment [{"op":"replace","path":"/metadata/resourceVersion","value":"999"},{"op":"replace","path":"/spec/template",` +
				`"value":{"metadata":{},"spec":{"initContainers":[{"name":"init","image":"init:1","resources":{}}],` +
				`"containers":[{"name":"api","image":"api:0","resources":{}}]}}}]`},
			"rollout 'payments-api' undo\n", ""},
		"undo to what is wanted": {[]client.Object{r, revisionOf(r, "2", "new", "api:1")}, "undo payments-api --to-revision=2", nil,
			"skipped rollback (current template already matches revision 2)\n", ""},
		"undo to a revision that is not there": {[]client.Object{r}, "undo payments-api --to-revision=7", nil, "",
			"Error: unable to find specified revision 7 in history\n"},
		"undo without history": {[]client.Object{r}, "undo payments-api", nil, "",
			"Error: no revision found for rollout \"payments-api\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var own []client.Object
			for _, o := range tc.objects {
				own = append(own, o.DeepCopyObject().(client.Object))
			}
			w := newWorld(own...)
			code := w.run(strings.Fields(tc.args)...)
			if got := strings.Join(w.sent, "\n"); got != strings.Join(tc.sent, "\n") {
				t.Errorf("sent\n%s\nwant\n%s", got, strings.Join(tc.sent, "\n"))
			}
			if w.out.String() != tc.out || w.errOut.String() != tc.errOut || (code == 0) != (tc.errOut == "") {
				t.Errorf("code %d, said %q and %q, want %q and %q", code, w.out.String(), w.errOut.String(), tc.out, tc.errOut)
			}
		})
	}
}

func TestPromoteWithoutAStatusSubresource(t *testing.T) {
	w := newWorld(rollout("payments-api", func(r *v1alpha1.Rollout) { r.Spec.Paused = true }))
	w.noStatus = true
	if code := w.run("promote", "payments-api"); code != 0 {
		t.Fatal(w.errOut.String())
	}
	want := `Rollout {"spec":{"paused":false},"status":{"pauseConditions":null}}`
	if got := w.sent[len(w.sent)-1]; got != want {
		t.Errorf("the last patch is %s, want %s", got, want)
	}
}

func TestSetImageLooksAgainFiveTimesInAll(t *testing.T) {
	for name, tc := range map[string]struct{ conflicts, sent, code int }{
		"four conflicts are overcome": {4, 5, 0},
		"the fifth is an error":       {5, 5, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(rollout("payments-api"))
			w.conflicts = tc.conflicts
			if code := w.run("set", "image", "payments-api", "api=x:2"); code != tc.code || len(w.sent) != tc.sent {
				t.Errorf("code %d after %d patches, want %d after %d: %s", code, len(w.sent), tc.code, tc.sent, w.errOut.String())
			}
		})
	}
}

func TestUndoThatIsRefused(t *testing.T) {
	r := rollout("payments-api")
	w := newWorld(r, revisionOf(r, "1", "old", "api:0"))
	w.conflicts = 5
	code := w.run("undo", "payments-api", "--to-revision=1")
	if want := "Error: failed restoring revision 1: "; code != 1 || !strings.HasPrefix(w.errOut.String(), want) {
		t.Errorf("code %d, %q does not begin with %q", code, w.errOut.String(), want)
	}
}

func TestUsage(t *testing.T) {
	for name, args := range map[string]string{
		"no command":                     "",
		"a group alone":                  "get",
		"an unknown command in a group":  "get rollot payments-api",
		"no rollout":                     "abort",
		"two rollouts where one is":      "promote a b",
		"two rollouts to look at":        "get rollout a b",
		"no image":                       "set image payments-api",
		"an image without a container":   "set image payments-api api:2",
		"a file without the flag":        "lint rollout.yaml",
		"create without a file":          "create",
		"something to list":              "list rollouts payments-api",
		"no name of a rollout to retry":  "retry rollout",
		"no name of a run to end":        "terminate analysisrun",
		"an argument of the version":     "version 1",
		"a rollout to undo is not named": "undo --to-revision 3",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			code := w.run(strings.Fields(args)...)
			if code != 1 || w.out.Len() > 0 || !strings.Contains(w.errOut.String(), "Usage:\n  kubectl argo rollouts") {
				t.Errorf("code %d, said %q and %q", code, w.out.String(), w.errOut.String())
			}
		})
	}
}

func TestAnUnknownCommandIsGuessed(t *testing.T) {
	w := newWorld()
	want := "Error: unknown command \"promot\" for \"kubectl argo rollouts\"\n\nDid you mean this?\n\tpromote\n\n"
	if code := w.run("promot", "payments-api"); code != 1 || w.errOut.String() != want {
		t.Errorf("code %d, %q", code, w.errOut.String())
	}
}

func TestWhatIsNotThereYetSaysSo(t *testing.T) {
	for args, want := range map[string]string{
		"dashboard":             "Error: the dashboard does not exist yet in this version\n",
		"dashboard --port 3200": "Error: the dashboard does not exist yet in this version\n",
	} {
		w := newWorld()
		if code := w.run(strings.Fields(args)...); code != 1 || w.errOut.String() != want {
			t.Errorf("%s: code %d, %q", args, code, w.errOut.String())
		}
	}
}

func TestCompletion(t *testing.T) {
	r := rollout("payments-api")
	exp := &v1alpha1.Experiment{ObjectMeta: metav1.ObjectMeta{Name: "exp", Namespace: "production"}}
	run := &v1alpha1.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Name: "run", Namespace: "production"}}
	elsewhere := rollout("payments-web")
	elsewhere.Namespace = "staging"
	for args, want := range map[string]string{
		"get rollout ":                           "payments-api\n:4\n",
		"promote pay":                            "payments-api\n:4\n",
		"promote pay -n staging ":                ":4\n",
		"--namespace=staging abort ":             "payments-web\n:4\n",
		"promote x":                              ":4\n",
		"set image ":                             "payments-api\n:4\n",
		"set image payments-api ":                ":4\n",
		"terminate analysisrun ":                 "run\n:4\n",
		"terminate experiment ":                  "exp\n:4\n",
		"retry rollout ":                         "payments-api\n:4\n",
		"get experiment e":                       "exp\n:4\n",
		"status ":                                "payments-api\n:4\n",
		"undo ":                                  "payments-api\n:4\n",
		"--namespace=production restart payment": "payments-api\n:4\n",
	} {
		t.Run(args, func(t *testing.T) {
			w := newWorld(r.DeepCopy(), elsewhere.DeepCopy(), exp.DeepCopy(), run.DeepCopy())
			if code := w.run(append([]string{"__complete"}, strings.Split(args, " ")...)...); code != 0 || w.out.String() != want {
				t.Errorf("code %d, %q, want %q", code, w.out.String(), want)
			}
		})
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		w := newWorld()
		if code := w.run("completion", shell); code != 0 || !strings.Contains(w.out.String(), "kubectl-argo-rollouts") {
			t.Errorf("%s: code %d, %q", shell, code, w.errOut.String())
		}
	}
}
