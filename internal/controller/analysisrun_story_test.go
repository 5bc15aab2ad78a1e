package controller

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/analysis/provider"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/catalog"
	"github.com/sluice-delivery/sluice/internal/kube"
)

// A stage is the controller with an API server in memory, a clock that is moved by hand and a real HTTP server to
// measure.
type stage struct {
	t       *testing.T
	clock   time.Time
	client  client.Client
	runs    *analysisRuns
	server  *httptest.Server
	mu      sync.Mutex
	answers map[string]answer
	told    map[string][]string
	phases  map[string][]string
	wake    map[string]time.Time
}

type answer struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

const namespace = "story"

func newStage(t *testing.T, answers map[string]answer) *stage {
	s := &stage{t: t, clock: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), answers: answers,
		told: map[string][]string{}, phases: map[string][]string{}, wake: map[string]time.Time{}}
	s.server = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.server.Close)
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	s.client = fake.NewClientBuilder().WithScheme(scheme).Build()
	s.runs = newAnalysisRuns(AnalysisRunDeps{
		Client: s.client, Direct: s.client, Fence: open{}, Providers: catalog.Providers(provider.Deps{HTTP: provider.NewTransport()}),
		Tell: s.tell, Now: func() time.Time { return s.clock }, Threads: 4, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	return s
}

// open is a fence that needs not hold: the client of a stage has no cache.
type open struct{}

func (open) Behind(types.NamespacedName) bool          { return false }
func (open) Wrote(types.NamespacedName, client.Object) {}
func (open) Forget(types.NamespacedName)               {}

func (s *stage) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, found := s.answers[r.URL.Path]
	if !found {
		a.Status = http.StatusNotFound
	}
	w.WriteHeader(a.Status)
	fmt.Fprint(w, a.Body)
}

func (s *stage) tell(about client.Object, e kube.Event) {
	s.told[about.GetName()] = append(s.told[about.GetName()], e.Type()+" "+e.Reason+" · "+e.Message)
}

// create makes the objects of a YAML text.
func (s *stage) create(text string) {
	s.t.Helper()
	for _, document := range strings.Split(text, "\n---\n") {
		var kind struct{ Kind string }
		must(s.t, yaml.Unmarshal([]byte(document), &kind))
		var o client.Object = &v1alpha1.AnalysisRun{}
		if kind.Kind == "Secret" {
			o = &corev1.Secret{}
		}
		must(s.t, yaml.UnmarshalStrict([]byte(document), o))
		o.SetNamespace(namespace)
		if secret, ok := o.(*corev1.Secret); ok { // what an API server does
			secret.Data = map[string][]byte{}
			for k, v := range secret.StringData {
				secret.Data[k] = []byte(v)
			}
			secret.StringData = nil
		}
		must(s.t, s.client.Create(s.t.Context(), o))
	}
}

func (s *stage) list() []v1alpha1.AnalysisRun {
	s.t.Helper()
	var list v1alpha1.AnalysisRunList
	must(s.t, s.client.List(s.t.Context(), &list, client.InNamespace(namespace)))
	return list.Items
}

// settle plays until nothing is due within the patience, and done says so, if it is given.
func (s *stage) settle(patience time.Duration, done func() bool) {
	s.t.Helper()
	for range 200 {
		next := time.Time{}
		before := s.versions()
		for _, run := range s.list() {
			at := s.pass(run.Name)
			if !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		if done != nil && done() {
			return
		}
		if s.versions() != before {
			continue // a write wakes the controller
		}
		if next.IsZero() || next.After(s.clock.Add(patience)) {
			return
		}
		s.clock = next
	}
	s.t.Fatal("the story does not settle")
}

func (s *stage) versions() string {
	var all []string
	for _, run := range s.list() {
		all = append(all, run.Name+run.ResourceVersion)
	}
	return strings.Join(all, " ")
}

// pass reconciles one run and notes its phase; it returns when the controller wants to be called again.
func (s *stage) pass(name string) time.Time {
	s.t.Helper()
	key := types.NamespacedName{Namespace: namespace, Name: name}
	result, err := s.runs.Reconcile(s.t.Context(), reconcile.Request{NamespacedName: key})
	must(s.t, err)
	var run v1alpha1.AnalysisRun
	if err := s.client.Get(s.t.Context(), key, &run); client.IgnoreNotFound(err) != nil {
		s.t.Fatal(err)
	}
	line := string(run.Status.Phase)
	if run.Status.Message != "" {
		line += ": " + strings.ReplaceAll(run.Status.Message, s.server.URL, "<server>")
	}
	if seen := s.phases[name]; line != "" && (len(seen) == 0 || seen[len(seen)-1] != line) {
		s.phases[name] = append(seen, line)
	}
	if result.RequeueAfter == 0 {
		return time.Time{}
	}
	return s.clock.Add(result.RequeueAfter)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestAnalysisRunsDoWhatWasRecorded plays the recorded cases whose objects are AnalysisRuns alone: phases, events and
// pictures of the status have to be those of the recording.
func TestAnalysisRunsDoWhatWasRecorded(t *testing.T) {
	for _, name := range []string{
		"args", "args-unresolved", "condition-errors", "condition-helpers", "consecutive-errors", "consecutive-success-limit",
		"consecutive-success-missed", "count-zero", "dry-run", "failure-limit", "failure-limit-ignored", "inconclusive-limit",
		"initial-delay", "retention", "rules-without-a-metric", "run-prometheus-values", "run-prometheus-vector", "secret-arg",
		"terminate", "truth-table", "validation", "web-errors", "web-results", "worst-metric",
	} {
		t.Run(name, func(t *testing.T) {
			var told script
			load(t, "cases", name, &told)
			var wanted recording
			load(t, "recorded", name, &wanted)
			s := newStage(t, told.Server)
			s.create(strings.ReplaceAll(told.Objects, "{{server}}", s.server.URL))
			picture := map[string]map[string]any{}
			for _, line := range told.Script {
				if line.Settle == "" {
					s.do(line)
					continue
				}
				s.settle(2500*time.Millisecond, nil)
				s.compare(line.Settle, wanted.picture(line.Settle, picture))
			}
			for _, run := range s.list() {
				same(t, "phases of "+run.Name, s.phases[run.Name], wanted.Phases["analysisrun/"+run.Name])
				same(t, "events of "+run.Name, s.told[run.Name], wanted.Events["analysisrun/"+run.Name])
			}
		})
	}
}

// differently are facts of recordings that a newer library says in its own words.
var differently = map[string]string{
	`unmarshalerDecoder: unexpected value type "string", error found in #10 byte of ...|,"hello"]}|..., bigger context ...|{"resultType":"string","result":[0,"hello"]}|...`: `bad_response: unexpected value type "string"`,
}

// A script is a case of test/traces.
type script struct {
	Server  map[string]answer
	Objects string
	Script  []line
}

type line struct {
	Settle string
	Sleep  string
	Answer map[string]answer
	Patch  *struct {
		Target string
		Body   json.RawMessage
	}
	Await *struct{ Target, Path, Is string }
}

// A recording is what another controller did.
type recording struct {
	Phases, Events map[string][]string
	Pictures       []struct {
		Picture string
		Objects map[string]map[string]any
	}
}

func load(t *testing.T, folder, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../test/traces", folder, "analysis-"+name+".yaml"))
	must(t, err)
	must(t, yaml.Unmarshal(text, into))
}

// picture is the whole picture of a name: a recording keeps what changed since the one before.
func (r recording) picture(name string, so map[string]map[string]any) map[string]map[string]any {
	for _, p := range r.Pictures {
		if p.Picture != name {
			continue
		}
		for object, facts := range p.Objects {
			if so[object] == nil {
				so[object] = map[string]any{}
			}
			for path, fact := range facts {
				if so[object][path] = fact; fact == "<gone>" {
					delete(so[object], path)
				}
			}
		}
	}
	return so
}

// do plays a line that is no picture.
func (s *stage) do(l line) {
	s.t.Helper()
	switch {
	case l.Answer != nil:
		s.mu.Lock()
		defer s.mu.Unlock()
		for path, a := range l.Answer {
			s.answers[path] = a
		}
	case l.Patch != nil:
		run := &v1alpha1.AnalysisRun{}
		run.Namespace, run.Name = namespace, strings.TrimPrefix(l.Patch.Target, "analysisrun/")
		must(s.t, s.client.Patch(s.t.Context(), run, client.RawPatch(types.MergePatchType, l.Patch.Body)))
	case l.Await != nil && l.Await.Path == ".status.phase":
		s.settle(time.Minute, func() bool {
			return slices.ContainsFunc(s.list(), func(run v1alpha1.AnalysisRun) bool {
				return "analysisrun/"+run.Name == l.Await.Target && string(run.Status.Phase) == l.Await.Is
			})
		})
	default:
		s.t.Fatalf("the script has a line that this test does not know: %+v", l)
	}
}

// compare compares the status of every run with a picture.
func (s *stage) compare(title string, picture map[string]map[string]any) {
	s.t.Helper()
	for _, run := range s.list() {
		text, err := json.Marshal(run.Status)
		must(s.t, err)
		var status any
		must(s.t, json.Unmarshal(text, &status))
		seen := map[string]string{}
		flatten(".status", status, seen)
		wanted := map[string]string{}
		for path, fact := range picture["analysisrun/"+run.Name] {
			if strings.HasPrefix(path, ".status.") {
				if wanted[path] = fmt.Sprint(fact); differently[wanted[path]] != "" {
					wanted[path] = differently[wanted[path]]
				}
			}
		}
		for path, fact := range wanted {
			if got := strings.ReplaceAll(seen[path], s.server.URL, "<server>"); got != fact {
				s.t.Errorf("%s: %s %s: got %q, recorded %q", title, run.Name, path, got, fact)
			}
		}
		for path, fact := range seen {
			if _, known := wanted[path]; !known {
				s.t.Errorf("%s: %s %s: got %q, recorded nothing", title, run.Name, path, fact)
			}
		}
	}
}

// flatten writes a value as the recordings do: list entries with a name by that name, instants as <time>.
func flatten(path string, value any, into map[string]string) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			flatten(path+"."+key, inner, into)
		}
	case []any:
		for i, inner := range value {
			key := fmt.Sprint(i)
			if named, ok := inner.(map[string]any); ok && named["name"] != nil {
				key = fmt.Sprint(named["name"])
			}
			flatten(path+"["+key+"]", inner, into)
		}
	default:
		if strings.HasSuffix(path, "At") {
			value = "<time>"
		}
		into[path] = fmt.Sprint(value)
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got  %s\n want %s", what, strings.Join(got, "\n      "), strings.Join(want, "\n      "))
	}
}
