package agent

import (
	"io"
	"log/slog"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/tools/events"
)

// world is an agent beside an API server in memory. It has no engine: in these stories nothing may reach the cluster.
type world struct {
	t      *testing.T
	agent  *Agent
	client *fake.FakeDynamicClient
	events *events.FakeRecorder
	now    time.Time
}

func worldWith(t *testing.T, objects ...runtime.Object) *world {
	t.Helper()
	w := &world{t: t, events: events.NewFakeRecorder(100), now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	w.client = fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{applications: "ApplicationList", secrets: "SecretList"}, objects...)
	w.agent = &Agent{
		config: Config{Namespace: "sluice-agent", ReconcileInterval: time.Minute, GitTimeout: 10 * time.Second}, client: w.client, states: map[types.NamespacedName]*state{},
		events: recorder{w.events}, metrics: newCollectors(), log: slog.New(slog.NewTextHandler(io.Discard, nil)), now: func() time.Time { return w.now },
	}
	return w
}

var shop = types.NamespacedName{Namespace: "argocd", Name: "shop"}

// look reconciles once and returns the Application as it is then.
func (w *world) look() *unstructured.Unstructured {
	w.t.Helper()
	if _, err := w.agent.Reconcile(w.t.Context(), shop); err != nil {
		w.t.Fatal(err)
	}
	return w.stored()
}

func (w *world) stored() *unstructured.Unstructured {
	w.t.Helper()
	obj, err := w.client.Tracker().Get(applications, shop.Namespace, shop.Name)
	if err != nil {
		w.t.Fatal(err)
	}
	return obj.(*unstructured.Unstructured)
}

func (w *world) writes() int {
	n := 0
	for _, action := range w.client.Actions() {
		if action.GetVerb() != "get" && action.GetVerb() != "list" {
			n++
		}
	}
	return n
}

func verdict(obj *unstructured.Unstructured) (status, reason, message string) {
	status, _, _ = unstructured.NestedString(obj.Object, "status", "sync", "status")
	reason, _, _ = unstructured.NestedString(obj.Object, "status", "sync", "reason")
	message, _, _ = unstructured.NestedString(obj.Object, "status", "sync", "message")
	return status, reason, message
}

// forge is a real git server that has one commit of one file.
func forge(t *testing.T, content string) string {
	t.Helper()
	folder, work := t.TempDir(), t.TempDir()
	git := func(arguments ...string) string {
		t.Helper()
		command := exec.Command("git", append([]string{"-C", work, "-c", "user.name=Ada", "-c", "user.email=a@example"}, arguments...)...)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", arguments, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q", "--initial-branch=main")
	if err := os.WriteFile(filepath.Join(work, "a.yaml"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	git("add", "-A")
	git("commit", "-q", "-m", "one")
	git("clone", "-q", "--bare", ".", filepath.Join(folder, "shop.git"))
	server := httptest.NewServer(&cgi.Handler{Path: filepath.Join(git("--exec-path"), "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + folder, "GIT_HTTP_EXPORT_ALL=1"}})
	t.Cleanup(server.Close)
	return server.URL + "/"
}

func TestWhatIsWrongIsShownAndNothingIsChanged(t *testing.T) {
	url := forge(t, "<<<<<<< HEAD\napiVersion: v1\n")
	cases := map[string]struct{ spec, reason, message string }{
		"a field that is not supported": {`{source: {repoURL: "` + url + `shop.git", helm: {}}, destination: {namespace: mall}}`, "InvalidSpecError", "not supported: spec.source.helm"},
		"a repository that is gone":     {`{source: {repoURL: "` + url + `gone.git"}, destination: {namespace: mall}}`, "ComparisonError", "list " + url + "gone.git: repository not found"},
		"a branch that is gone":         {`{source: {repoURL: "` + url + `shop.git", targetRevision: gone}, destination: {namespace: mall}}`, "ComparisonError", `repository ` + url + `shop.git: revision "gone" is no branch, tag or full commit hash there`},
		"a merge conflict":              {`{source: {repoURL: "` + url + `shop.git"}, destination: {namespace: mall}}`, "ComparisonError", ": a.yaml:1: unresolved merge conflict: <<<<<<< HEAD"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := worldWith(t, given(t, head+`spec: `+c.spec+`}`))
			obj := w.look()
			status, reason, message := verdict(obj)
			if status != "Unknown" || reason != c.reason || !strings.HasSuffix(message, c.message) {
				t.Errorf("shows %s %s %q, want Unknown %s …%q", status, reason, message, c.reason, c.message)
			}
			conditions, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
			if len(conditions) != 1 || conditions[0].(map[string]any)["type"] != c.reason || conditions[0].(map[string]any)["message"] != message {
				t.Errorf("conditions %v", conditions)
			}
			if w.writes() != 1 {
				t.Errorf("%d writes, want the status alone", w.writes())
			}
			again := w.look()
			if w.writes() != 1 || !reflect.DeepEqual(obj, again) {
				t.Errorf("a second look wrote something: %d writes", w.writes())
			}
		})
	}
}

func TestWhatWasKnownStaysWhenGitIsGone(t *testing.T) {
	w := worldWith(t, given(t, `{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop, namespace: argocd, annotations: {sluice.dev/agent: '{"attempt":{"Commit":"c1","Succeeded":true}}'}},
spec: {source: {repoURL: "http://127.0.0.1:1/gone.git"}, destination: {namespace: mall}},
status: {sync: {status: Synced, revision: c1}, health: {status: Healthy, lastTransitionTime: "2026-11-20T09:00:00Z"}, history: [{id: 0, revision: c1, deployedAt: "2026-11-20T09:00:00Z", deployStartedAt: "2026-11-20T09:00:00Z"}], resources: [{kind: Service, name: a, status: Synced}]}}`))
	obj := w.look()
	status, _, _ := verdict(obj)
	health, _, _ := unstructured.NestedString(obj.Object, "status", "health", "status")
	history, _, _ := unstructured.NestedSlice(obj.Object, "status", "history")
	resources, _, _ := unstructured.NestedSlice(obj.Object, "status", "resources")
	if status != "Unknown" || health != "Healthy" || len(history) != 1 || len(resources) != 1 || !strings.Contains(obj.GetAnnotations()[Annotation], `"c1"`) {
		t.Errorf("after Git was gone: %v %v", obj.Object["status"], obj.GetAnnotations())
	}
}

func TestAnApplicationOfArgoCDIsLeftAlone(t *testing.T) {
	theirs := given(t, head+`spec: {source: {repoURL: "http://127.0.0.1:1/x.git"}, destination: {namespace: mall}}, status: {sync: {status: Synced}, controllerNamespace: argocd}}`)
	w := worldWith(t, theirs)
	if obj := w.look(); !reflect.DeepEqual(obj, theirs) || w.writes() != 0 {
		t.Errorf("it was changed: %v", obj)
	}
	if told := <-w.events.Events; !strings.Contains(told, "NotManaged") || !strings.Contains(told, "Argo CD") {
		t.Errorf("told %q", told)
	}
}

func TestTheAgentStopsWhenSomebodyElseWritesTheStatus(t *testing.T) {
	w := worldWith(t, given(t, head+`spec: {source: {repoURL: "http://127.0.0.1:1/x.git"}, destination: {namespace: mall}}}`))
	obj := w.look().DeepCopy()
	if _, ours := obj.GetAnnotations()[Annotation]; !ours {
		t.Fatal("it was not taken")
	}
	_ = unstructured.SetNestedField(obj.Object, "Synced", "status", "sync", "status")
	if err := w.client.Tracker().Update(applications, obj, shop.Namespace); err != nil {
		t.Fatal(err)
	}
	after := w.look()
	status, _, _ := verdict(after)
	if _, ours := after.GetAnnotations()[Annotation]; ours || status != "Synced" {
		t.Errorf("it was not given up: %v, %s", after.GetAnnotations(), status)
	}
	writes := w.writes()
	w.now = w.now.Add(time.Hour)
	w.look()
	w.agent.forget(shop) // as after a restart
	w.look()
	if w.writes() != writes {
		t.Error("it went on acting")
	}
	unstructured.RemoveNestedField(after.Object, "status")
	if err := w.client.Tracker().Update(applications, after, shop.Namespace); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := verdict(w.look()); status != "Unknown" {
		t.Errorf("given back it shows %q", status)
	}
}

func TestCredentialsComeFromASecretBesideTheApplication(t *testing.T) {
	secret := func(name, kind, url, password string) *unstructured.Unstructured {
		return given(t, `{apiVersion: v1, kind: Secret, metadata: {name: `+name+`, namespace: argocd, labels: {argocd.argoproj.io/secret-type: `+kind+`}}, data: {url: `+url+`, username: YWRh, password: `+password+`}}`)
	}
	const one, all = "aHR0cHM6Ly9oL2EvYi5naXQ=", "aHR0cHM6Ly9oL2E=" // https://h/a/b.git, https://h/a
	w := worldWith(t, secret("one", "repository", one, "b25l"), secret("all", "repo-creds", all, "YWxs"))
	for url, want := range map[string]string{"https://h/a/b": "one", "https://h/a/c": "all", "https://other/a/b": ""} {
		r, err := accept(given(t, head+`spec: {source: {repoURL: "`+url+`"}, destination: {namespace: mall}}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := w.agent.withCredentials(t.Context(), r.repository, "argocd"); got.Password != want {
			t.Errorf("%s gets %q, want %q", url, got.Password, want)
		}
	}
}
