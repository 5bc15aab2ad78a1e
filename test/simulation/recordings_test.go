package simulation

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout"
	"github.com/sluice-delivery/sluice/rollout/operation"
)

// The recordings of test/traces, played in memory: the scripts' lines are carried out in a world, and the events and
// the statuses of the Rollouts are compared with what the reference controller did. The kit in test/traces does the
// same on a real API server, and more exactly; this one takes seconds and needs only Go. What a script does that the
// simulation cannot do makes the case unplayable; unplayable cases are listed, not hidden.

// A tape is a case with what was recorded of it.
type tape struct {
	name    string
	ignore  []string
	server  map[string]answer
	objects []string
	script  []map[string]json.RawMessage
	events  map[string][]string
	picture []picturedObjects
}

type answer struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

type picturedObjects struct {
	Picture string                    `json:"picture"`
	Objects map[string]map[string]any `json:"objects"`
}

func readTape(path string) (tape, error) {
	t := tape{name: strings.TrimSuffix(filepath.Base(path), ".yaml")}
	text, err := os.ReadFile(path)
	if err != nil {
		return t, err
	}
	var c struct {
		Needs   []string                     `json:"needs"`
		Ignore  []string                     `json:"ignore"`
		Server  map[string]answer            `json:"server"`
		Objects string                       `json:"objects"`
		Script  []map[string]json.RawMessage `json:"script"`
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		return t, err
	}
	t.server, t.script, t.ignore = c.Server, c.Script, c.Ignore
	if slices.Contains(c.Needs, "smi") {
		return t, unplayable{"SMI"}
	}
	t.objects = append(t.objects, strings.Split(strings.ReplaceAll(c.Objects, "{{server}}", "http://server"), "\n---\n")...)
	text, err = os.ReadFile(filepath.Join(filepath.Dir(path), "..", "recorded", filepath.Base(path)))
	if err != nil {
		return t, err
	}
	var r struct {
		Events   map[string][]any  `json:"events"`
		Pictures []picturedObjects `json:"pictures"`
	}
	if err := yaml.Unmarshal(text, &r); err != nil {
		return t, err
	}
	t.events, t.picture = map[string][]string{}, r.Pictures
	for object, lines := range r.Events {
		for _, line := range lines {
			switch v := line.(type) {
			case string:
				t.events[object] = append(t.events[object], v)
			case map[string]any:
				for how, what := range v {
					t.events[object] = append(t.events[object], how+"\x00"+fmt.Sprint(what))
				}
			}
		}
	}
	return t, nil
}

// unplayable is why a case cannot be played in memory.
type unplayable struct{ why string }

func (u unplayable) Error() string { return u.why }

// worlds makes one world per Rollout of the case.
func (t tape) worlds() (map[string]*World, error) {
	var others, rollouts []string
	for _, o := range t.objects {
		var kind struct {
			Kind string `json:"kind"`
			Spec struct {
				WorkloadRef any `json:"workloadRef"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal([]byte(o), &kind); err != nil {
			return nil, err
		}
		switch {
		case kind.Kind == "Rollout" && kind.Spec.WorkloadRef != nil:
			return nil, unplayable{"workloadRef"}
		case kind.Kind == "Rollout":
			rollouts = append(rollouts, o)
		case slices.Contains([]string{"Service", "Ingress", "AnalysisTemplate", "VirtualService", "DestinationRule"}, kind.Kind):
			others = append(others, o)
		default:
			return nil, unplayable{"kind " + kind.Kind}
		}
	}
	made := map[string]*World{}
	for _, r := range rollouts {
		w := New(rollout.Decide)
		w.real = routers
		w.startup = func(p *corev1.Pod) time.Duration { // one after the other, as a scheduler lets them
			if wait := kwok(p); wait >= 0 {
				return wait + time.Duration(len(w.readyAt)%9)*150*time.Millisecond
			}
			return -1
		}
		w.measure = nil
		w.answer = t.ask
		if err := w.Apply(append(slices.Clone(others), r)...); err != nil {
			return nil, err
		}
		if c := w.Rollout().Spec.Strategy.Canary; c != nil && slices.ContainsFunc(c.Steps, func(s v1alpha1.CanaryStep) bool { return s.Experiment != nil || s.Plugin != nil }) {
			return nil, unplayable{"an experiment or plugin step"}
		}
		w.due = true
		made[w.Name] = w
	}
	return made, nil
}

// kwok is how long the simulated nodes of the recordings take.
func kwok(p *corev1.Pod) time.Duration {
	if strings.Contains(p.Spec.Containers[0].Image, "does-not-exist") {
		return -1
	}
	if len(p.Spec.ReadinessGates) > 0 {
		return -1
	}
	wait := 700 * time.Millisecond
	if probe := p.Spec.Containers[0].ReadinessProbe; probe != nil {
		wait += time.Duration(probe.InitialDelaySeconds) * time.Second
	}
	return wait
}

// ask is what the case's server answers to a metric.
func (t tape) ask(m v1alpha1.Metric) (any, error) {
	if m.Provider.Web == nil {
		return nil, errors.New("only web metrics are played")
	}
	said, ok := t.server[strings.TrimPrefix(m.Provider.Web.URL, "http://server")]
	if !ok || said.Status >= 300 {
		return nil, fmt.Errorf("received non 2xx response code: %v", max(said.Status, 404))
	}
	var body any
	if err := json.Unmarshal([]byte(said.Body), &body); err != nil {
		return nil, err
	}
	path := strings.Trim(m.Provider.Web.JSONPath, "{}$.")
	for _, field := range strings.Split(path, ".") {
		if fields, ok := body.(map[string]any); ok && field != "" {
			body = fields[field]
		}
	}
	return body, nil
}

// play carries out the script in one world and compares its pictures on the way.
func (t tape) play(w *World) (differences []string, err error) {
	recorded := map[string]map[string]any{}
	for _, line := range t.script {
		for verb, raw := range line {
			if verb == "settle" {
				w.quiet()
				differences = append(differences, t.compare(w, strings.Trim(string(raw), `"`), recorded)...)
				continue
			}
			if err := t.line(w, verb, raw); err != nil {
				return nil, err
			}
		}
	}
	return append(differences, t.compareEvents(w)...), nil
}

func (t tape) line(w *World, verb string, raw json.RawMessage) error {
	var args struct {
		Target, Path, Type, Subresource, Container, Image, Within string
		Is                                                        any
		Gone                                                      bool
		Body                                                      json.RawMessage
		Replicas                                                  int32
	}
	if verb == "sleep" {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		span, err := time.ParseDuration(text)
		w.Wait(span)
		return err
	}
	if verb == "answer" {
		fresh := map[string]answer{}
		if err := json.Unmarshal(raw, &fresh); err != nil {
			return err
		}
		for path, said := range fresh {
			t.server[path] = said
		}
		return nil
	}
	if t.name == "canary-equal-template" {
		return unplayable{"it needs the API server's defaults"}
	}
	if !slices.Contains([]string{"await", "patch", "image", "scale"}, verb) {
		return unplayable{"the script says " + verb}
	}
	if err := json.Unmarshal(raw, &args); err != nil {
		return err
	}
	kind, name, _ := strings.Cut(args.Target, "/")
	if kind == "rollout" && name != w.Name {
		return nil // it is another world's
	}
	if verb == "await" {
		w.await(kind, name, args.Path, args.Is, args.Gone, args.Within)
		return nil
	}
	if kind != "rollout" {
		return unplayable{"the script changes a " + kind}
	}
	switch verb {
	case "image":
		w.SetImage(args.Image)
	case "scale":
		w.ScaleTo(args.Replicas)
	case "patch":
		if strings.Contains(string(args.Body), "Affinity") {
			return unplayable{"it needs a scheduler"}
		}
		if args.Type != "merge" || strings.Contains(string(args.Body), "{{now") {
			return unplayable{"a patch of type " + args.Type}
		}
		w.Do("patch "+string(args.Body), operation.Change{Patches: []operation.Patch{{Subresource: args.Subresource, Type: types.MergePatchType, Body: args.Body}}})
	}
	w.due = true
	return nil
}

// await lets time pass until a field has a value.
func (w *World) await(kind, name, path string, is any, gone bool, within string) {
	span, err := time.ParseDuration(within)
	if err != nil {
		span = 30 * time.Second
	}
	for end := w.Now.Add(span); ; {
		w.settle()
		value, there := w.facts(kind, name)[path]
		switch {
		case gone && len(w.facts(kind, name)) == 0, is == nil && there && !gone, is != nil && fmt.Sprint(value) == fmt.Sprint(is):
			return
		}
		next := w.alarm()
		if next.IsZero() || next.After(end) {
			return
		}
		w.Now = next
	}
}

// quiet lets time pass until nothing has happened for 2.5 seconds, for a minute at most.
func (w *World) quiet() {
	for end := w.Now.Add(time.Minute); w.Now.Before(end); {
		before := w.version
		w.settle()
		if next := w.alarm(); next.IsZero() || next.Sub(w.Now) > 2500*time.Millisecond {
			w.Now = w.Now.Add(2500 * time.Millisecond)
			return
		} else if w.Now = next; w.version != before {
			continue
		}
	}
}

// An exception is a difference that is meant (test/traces/except.yaml).
type exception struct {
	Case string `json:"case"`
	Fact string `json:"fact"`
	Why  string `json:"why"`
}

func exceptions(t *testing.T) []exception {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "traces", "except.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var list []exception
	if err := yaml.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func excepted(list []exception, name, difference string) bool {
	return slices.ContainsFunc(list, func(e exception) bool {
		return regexp.MustCompile("^("+e.Case+")$").MatchString(name) && regexp.MustCompile(e.Fact).MatchString(difference)
	})
}

func TestRecordings(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "traces", "cases", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no cases: ", err)
	}
	list := exceptions(t)
	played, left := 0, map[string][]string{}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		if !regexp.MustCompile(`^(canary|bluegreen|nginx|op|istio|analysis-(step|background|inline|two))-?`).MatchString(name) {
			continue
		}
		c, err := readTape(path)
		var cannot unplayable
		var worlds map[string]*World
		if err == nil {
			worlds, err = c.worlds()
		}
		var differences []string
		for _, w := range worlds {
			var found []string
			if found, err = c.play(w); err != nil {
				break
			}
			for _, p := range w.problems {
				found = append(found, "invariant · "+p)
			}
			differences = append(differences, found...)
		}
		if errors.As(err, &cannot) {
			left[cannot.why] = append(left[cannot.why], name)
			continue
		}
		played++
		t.Run(name, func(t *testing.T) {
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range differences {
				if !excepted(list, name, d) {
					t.Error(d)
				}
			}
		})
	}
	t.Logf("%d recordings played", played)
	for why, names := range left {
		t.Logf("not played, %s: %s", why, strings.Join(names, " "))
	}
}
