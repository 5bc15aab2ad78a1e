package simulation

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// How a world is held to a recording: facts by path, and lists of events.

// facts are the fields of an object as recordings name them.
func (w *World) facts(kind, name string) map[string]any {
	found := map[string]any{}
	switch kind {
	case "rollout":
		r := w.Rollout()
		add(found, ".status", r.Status)
		if r.Status.ObservedGeneration == fmt.Sprint(r.Generation) {
			found[".status.observedGeneration"] = "<generation, as a string>"
		}
		add(found, ".metadata.annotations", r.Annotations)
		delete(found, `.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]`)
		if r.Spec.Replicas != nil {
			found[".spec.replicas"] = *r.Spec.Replicas
		}
		if r.Spec.Paused {
			found[".spec.paused"] = true
		}
	case "replicaset":
		if rs := get[*appsv1.ReplicaSet](w.truth, "ReplicaSet", name); rs != nil {
			found[".spec.replicas"] = *rs.Spec.Replicas
			add(found, ".metadata.annotations", rs.Annotations)
			if rs.Status.ReadyReplicas > 0 {
				found[".status.readyReplicas"] = rs.Status.ReadyReplicas
			}
		}
	case "service":
		if s := get[*corev1.Service](w.truth, "Service", name); s != nil {
			for key, value := range s.Spec.Selector {
				found[".spec.selector."+key] = value
			}
		}
	}
	return found
}

// add flattens a value. Conditions go by their type.
func add(into map[string]any, path string, v any) {
	var plain any
	text, _ := json.Marshal(v)
	_ = json.Unmarshal(text, &plain)
	flatten(into, path, plain)
}

func flatten(into map[string]any, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if strings.ContainsAny(key, "./") {
				flatten(into, fmt.Sprintf("%s[%q]", path, key), value)
				continue
			}
			flatten(into, path+"."+key, value)
		}
	case []any:
		for i, value := range v {
			at := fmt.Sprint(i)
			if c, ok := value.(map[string]any); ok && strings.HasSuffix(path, ".conditions") {
				at = fmt.Sprint(c["type"])
			}
			flatten(into, path+"["+at+"]", value)
		}
	case nil:
	default:
		if v != false && v != "" {
			into[path] = v
		}
	}
}

// timed are fields whose value is a matter of the moment.
var timed = regexp.MustCompile(`(Time|At|At\[.*|Seconds|scale-down-deadline)$`)

// compare holds a world to a recorded picture. Pictures show what changed since the one before.
func (t tape) compare(w *World, name string, recorded map[string]map[string]any) (differences []string) {
	for _, p := range t.picture {
		if p.Picture != name {
			continue
		}
		for object, fields := range p.Objects {
			if recorded[object] == nil || fields["."] == "<gone>" {
				recorded[object] = map[string]any{}
			}
			for path, value := range fields {
				if value == "<gone>" {
					delete(recorded[object], path)
					continue
				}
				recorded[object][path] = value
			}
		}
	}
	for object, fields := range recorded {
		kind, called, _ := strings.Cut(object, "/")
		if kind == "service" && !strings.Contains(mustJSON(w.Rollout().Spec.Strategy), `"`+called+`"`) || kind == "rollout" && called != w.Name || !slices.Contains([]string{"rollout", "replicaset", "service"}, kind) || kind == "replicaset" && !strings.HasPrefix(called, w.Name+"-") {
			continue
		}
		seen := w.facts(kind, called)
		for path, want := range fields {
			if kind != "rollout" && !compared.MatchString(path) {
				continue
			}
			if got, there := seen[path]; !same(path, want, got, there) {
				differences = append(differences, fmt.Sprintf("picture %q · %s · %s · recorded %q · seen %q", name, object, path, fmt.Sprint(want), fmt.Sprint(got)))
			}
		}
		for path, got := range seen {
			if _, there := fields[path]; !there && (kind == "rollout" || compared.MatchString(path)) && got != "" {
				differences = append(differences, fmt.Sprintf("picture %q · %s · %s · recorded nothing · seen %q", name, object, path, fmt.Sprint(got)))
			}
		}
	}
	slices.Sort(differences)
	return differences
}

// compared are the fields of ReplicaSets and Services that are compared.
var compared = regexp.MustCompile(`^\.spec\.replicas$|^\.spec\.selector\.rollouts-pod-template-hash$|rollout\.argoproj\.io/(revision|desired-replicas)"\]$|scale-down-deadline$`)

func same(path string, want, got any, there bool) bool {
	if _, unstable := want.(map[string]any); unstable {
		return true
	}
	if timed.MatchString(path) {
		return there
	}
	return there && fmt.Sprint(want) == fmt.Sprint(got)
}

// compareEvents holds the events of a world's Rollout to the recorded ones.
func (t tape) compareEvents(w *World) []string {
	var want []string
	anywhere := map[string]bool{}
	for _, line := range t.events["rollout/"+w.Name] {
		if how, what, ok := strings.Cut(line, "\x00"); ok {
			if how == "sometimes" || how == "somewhere" {
				anywhere[what] = true
			}
			continue
		}
		if !strings.Contains(line, "RolloutAddedToInformer") {
			want = append(want, line)
		}
	}
	free := func(line string) bool {
		return anywhere[line] || slices.ContainsFunc(t.ignore, func(pattern string) bool {
			return regexp.MustCompile(pattern).MatchString("events · rollout/" + w.Name + " · " + line)
		})
	}
	want, got := slices.DeleteFunc(want, free), slices.DeleteFunc(slices.Clone(w.events), free)
	if i := slices.IndexFunc(want, func(line string) bool { return strings.HasPrefix(line, "(cut: ") }); i >= 0 {
		want, got = want[:i], got[:min(i, len(got))]
	}
	var differences []string
	for _, d := range diff(want, got) {
		differences = append(differences, fmt.Sprintf("events · rollout/%s · %s", w.Name, d))
	}
	return differences
}

// diff is what is missing in, and what is additional to, a recorded list, by the longest sequence that both have.
func diff(want, got []string) (differences []string) {
	long := make([][]int, len(want)+1)
	for i := range long {
		long[i] = make([]int, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			if long[i][j] = max(long[i+1][j], long[i][j+1]); want[i] == got[j] {
				long[i][j] = long[i+1][j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(want) || j < len(got); {
		switch {
		case i < len(want) && j < len(got) && want[i] == got[j]:
			i, j = i+1, j+1
		case j == len(got) || i < len(want) && long[i+1][j] >= long[i][j+1]:
			differences = append(differences, fmt.Sprintf("#%02d · recorded %q · seen nothing", i+2, want[i])) // the first is the informer's
			i++
		default:
			differences = append(differences, fmt.Sprintf("#%02d · recorded nothing · seen %q", i+2, got[j]))
			j++
		}
	}
	return differences
}
