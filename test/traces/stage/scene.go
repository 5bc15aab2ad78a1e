package stage

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/test/traces/picture"
	"github.com/sluice-delivery/sluice/test/traces/recording"
)

// Scene is one run of one case: the objects of its namespace as they are now, and
// what happened to them so far.
type Scene struct {
	namespace string
	server    *server
	restless  []string // kinds whose changes do not count as such
	ignored   []*regexp.Regexp

	mu       sync.Mutex
	objects  map[string]map[string]picture.Object // kind → name → object
	uids     map[string]string                    // of all objects ever seen
	random   map[string]string                    // names made by the API server
	phases   map[string][]string                  // object → phase and message, in order
	events   map[string][]string                  // object → events, in order
	counted  map[string]int64                     // event → occurrences so far
	changed  time.Time
	curtain  string // name of the Rollout made after the last picture
	fallen   bool   // an event about it was heard
	pictures []recording.Picture
	script   recording.Facts
}

func newScene(namespace string, server *server) *Scene {
	return &Scene{
		namespace: namespace,
		server:    server,
		objects:   map[string]map[string]picture.Object{},
		uids:      map[string]string{},
		random:    map[string]string{},
		phases:    map[string][]string{},
		events:    map[string][]string{},
		counted:   map[string]int64{},
		changed:   time.Now(),
		script:    recording.Facts{},
	}
}

// see takes in one change of one object.
func (s *Scene) see(kind string, o *unstructured.Unstructured, deleted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.curtain != "" && kind != "event" && strings.HasPrefix(o.GetName(), s.curtain) {
		return
	}
	if !slices.Contains(s.restless, kind) {
		s.changed = time.Now()
	}
	if kind == "event" {
		if !deleted {
			s.hear(o)
		}
		return
	}
	object := kind + "/" + o.GetName()
	s.uids[string(o.GetUID())] = object
	if prefix := o.GetGenerateName(); prefix != "" {
		s.random[o.GetName()] = prefix
	}
	if deleted {
		delete(s.objects[kind], o.GetName())
		return
	}
	if s.objects[kind] == nil {
		s.objects[kind] = map[string]picture.Object{}
	}
	s.objects[kind][o.GetName()] = o.Object
	switch kind {
	case "rollout", "analysisrun", "experiment":
		s.notePhase(object, o)
	}
}

// notePhase appends the phase and message if they are new.
func (s *Scene) notePhase(object string, o *unstructured.Unstructured) {
	text, _, _ := unstructured.NestedString(o.Object, "status", "phase")
	if message, _, _ := unstructured.NestedString(o.Object, "status", "message"); message != "" {
		text += ": " + message
	}
	list := s.phases[object]
	if text != "" && (len(list) == 0 || list[len(list)-1] != text) {
		s.phases[object] = append(list, text)
	}
}

// bystanders write events too, but are not under test.
var bystanders = []string{
	"kubelet", "kwok", "scheduler", "replicaset-controller", "deployment-controller", "job-controller", "cronjob-controller",
	"endpoint", "controllermanager", "horizontal-pod-autoscaler", "namespace-controller", "node-controller", "taint-eviction",
	"statefulset-controller", "daemonset-controller", "resourcequota", "serviceaccount", "garbage-collector", "disruption",
	"ipallocator", "portallocator", "horizontal", "volume", "ttl",
}

// hear appends an event as often as it occurred since it was last heard.
func (s *Scene) hear(event *unstructured.Unstructured) {
	text := func(path ...string) string {
		value, _, _ := unstructured.NestedString(event.Object, path...)
		return value
	}
	source := text("source", "component") + " " + text("reportingComponent")
	if slices.ContainsFunc(bystanders, func(name string) bool { return strings.Contains(source, name) }) {
		return
	}
	count, _, _ := unstructured.NestedInt64(event.Object, "count")
	if series, found, _ := unstructured.NestedInt64(event.Object, "series", "count"); found {
		count = series
	}
	count = max(count, 1)
	if s.curtain != "" && strings.HasPrefix(text("involvedObject", "name"), s.curtain) {
		s.fallen = true
		return
	}
	object := strings.ToLower(text("involvedObject", "kind")) + "/" + text("involvedObject", "name")
	message := strings.TrimPrefix(text("message"), "(combined from similar events): ")
	line := fmt.Sprintf("%s %s · %s", text("type"), text("reason"), message)
	for range count - s.counted[event.GetName()] {
		s.events[object] = append(s.events[object], line)
	}
	s.counted[event.GetName()] = count
}

// lower names the Rollout whose first event is the end of the case.
func (s *Scene) lower(curtain string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.curtain = curtain
}

func (s *Scene) down() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fallen
}

func (s *Scene) silent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.events) == 0
}

func (s *Scene) quietSince() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// value is what a path of an object holds now.
func (s *Scene) value(kind, name, path string) (any, bool) {
	s.mu.Lock()
	object := s.objects[kind][name]
	s.mu.Unlock()
	if path == "" {
		return nil, object != nil
	}
	value, there := picture.Flatten(object)[path]
	return value, there
}

func (s *Scene) names() picture.Names {
	return picture.Names{Namespace: s.namespace, Server: s.server.URL, UIDs: maps.Clone(s.uids), Random: maps.Clone(s.random)}
}

// take adds a picture of the namespace as it is now.
func (s *Scene) take(name string, settled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	objects := picture.Take(s.names(), s.objects)
	if !settled {
		objects["namespace"] = recording.Facts{".settled": false}
	}
	s.pictures = append(s.pictures, recording.Picture{Name: name, Objects: objects})
}

// note keeps how a step ended.
func (s *Scene) note(step, outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script[step] = outcome
}

// recording is everything seen so far.
func (s *Scene) recording(name string) recording.Recording {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := s.names()
	r := recording.Recording{
		Case:     name,
		Runs:     1,
		Script:   recording.Facts{},
		Requests: recording.Facts{},
		Phases:   entries(names, s.phases),
		Events:   cutEvents(entries(names, s.events)),
		Pictures: s.pictures,
	}
	for step, outcome := range s.script {
		r.Script[names.Text(step)] = names.Text(outcome.(string))
	}
	for request := range s.server.asked() {
		r.Requests[names.Text(request)] = true
	}
	return r.Without(s.ignored)
}

// recorderLimit is how many events of one type (Normal, Warning) client-go's recorder
// writes about an object before it drops more.
const recorderLimit = 25

func entries(names picture.Names, lists map[string][]string) map[string][]recording.Entry {
	all := map[string][]recording.Entry{}
	for object, list := range lists {
		key := names.Text(object)
		for _, text := range list {
			all[key] = append(all[key], recording.Entry{Text: names.Text(text)})
		}
	}
	return all
}

// cutEvents marks where the event recorder may have cut a list, and thins out what is
// repeated in every pass: the number of passes is no behaviour.
func cutEvents(lists map[string][]recording.Entry) map[string][]recording.Entry {
	for object, list := range lists {
		before, after := list, []recording.Entry(nil)
		if end := limitReached(list); end > 0 {
			before, after = list[:end], append([]recording.Entry{{Text: recording.Cut}}, list[end:]...)
		}
		lists[object] = append(thin(before), after...)
	}
	return lists
}

// limitReached is the length of the list up to the last event of a type of which
// there are just as many as the recorder writes.
func limitReached(list []recording.Entry) int {
	count, last := map[string]int{}, map[string]int{}
	for i, entry := range list {
		kind, _, _ := strings.Cut(entry.Text, " ")
		count[kind]++
		last[kind] = i + 1
	}
	end := 0
	for kind, n := range count {
		if n == recorderLimit && (end == 0 || last[kind] < end) {
			end = last[kind]
		}
	}
	return end
}

// thin turns three and more equal entries in a row into one that is always and one
// that is sometimes there.
func thin(list []recording.Entry) []recording.Entry {
	var thinned []recording.Entry
	for i := 0; i < len(list); {
		j := i
		for j < len(list) && list[j].Text == list[i].Text {
			j++
		}
		if j-i < 3 {
			thinned = append(thinned, list[i:j]...)
		} else {
			thinned = append(thinned, list[i], recording.Entry{Text: list[i].Text, When: recording.Sometimes})
		}
		i = j
	}
	return thinned
}
