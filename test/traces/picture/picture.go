package picture

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-delivery/sluice/test/traces/recording"
)

// Object is a live object as decoded JSON.
type Object = map[string]any

const hashLabel = "rollouts-pod-template-hash"

// seen lists, per kind, the parts of an object that become facts.
var seen = map[string][]string{
	"rollout":         {"metadata.annotations", "spec.replicas", "spec.paused", "status"},
	"replicaset":      {"metadata.labels", "metadata.annotations", "metadata.ownerReferences", "spec.replicas", "spec.minReadySeconds", "spec.selector", "spec.template.metadata", "spec.template.spec.affinity", "status.readyReplicas"},
	"service":         {"metadata.labels", "metadata.annotations", "metadata.ownerReferences", "spec.selector", "spec.ports"},
	"ingress":         {"metadata.labels", "metadata.annotations", "metadata.ownerReferences", "spec"},
	"virtualservice":  {"metadata.labels", "metadata.annotations", "metadata.ownerReferences", "spec"},
	"destinationrule": {"metadata.labels", "metadata.annotations", "metadata.ownerReferences", "spec"},
	"trafficsplit":    {"metadata.labels", "metadata.annotations", "metadata.ownerReferences", "spec"},
	"analysisrun":     {"metadata.labels", "metadata.annotations", "metadata.ownerReferences", "spec", "status"},
	"experiment":      {"metadata.labels", "metadata.annotations", "metadata.ownerReferences", "spec", "status"},
	"job":             {"metadata.labels", "metadata.annotations", "metadata.ownerReferences", "spec.template.metadata"},
	"deployment":      {"metadata.annotations", "spec.replicas", "status.readyReplicas"},
}

// ignored annotations come from the people and the programs around the controller.
var ignored = []string{"kubectl.kubernetes.io/last-applied-configuration", "kwok.x-k8s.io/"}

// Take makes the facts of all objects of a namespace: kind → name → object.
func Take(names Names, objects map[string]map[string]Object) map[string]recording.Facts {
	taken := map[string]recording.Facts{}
	for kind, parts := range seen {
		for name, object := range objects[kind] {
			taken[names.Text(kind+"/"+name)] = factsOf(names, object, parts)
		}
	}
	maps.Copy(taken, podsByHash(names, objects["pod"]))
	return taken
}

func factsOf(names Names, object Object, parts []string) recording.Facts {
	facts := recording.Facts{}
	for _, part := range parts {
		path := strings.Split(part, ".")
		value := dig(object, path)
		if part == "metadata.ownerReferences" {
			path, value = []string{"metadata", "owner"}, owner(value)
		}
		prefix := "." + strings.Join(path, ".")
		for below, scalar := range Flatten(value) {
			if !isIgnored(below) {
				facts[names.Text(prefix+below)] = names.scalar(scalar)
			}
		}
	}
	observed(object, facts)
	for _, path := range falseIsAbsent {
		if facts[path] == false {
			delete(facts, path)
		}
	}
	for _, path := range durations {
		if facts[path] != nil {
			facts[path] = "<seconds>"
		}
	}
	return facts
}

// falseIsAbsent are switches that a client may leave behind as false.
var falseIsAbsent = []string{".spec.paused", ".spec.terminate", ".status.abort", ".status.promoteFull", ".status.controllerPause"}

// durations are measured times.
var durations = []string{".status.duration.totalManualPauseDurationSeconds"}

func (n Names) scalar(value any) any {
	if text, ok := value.(string); ok {
		return n.Text(text)
	}
	return value
}

func dig(value any, path []string) any {
	for _, key := range path {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[key]
	}
	return value
}

func isIgnored(path string) bool {
	return slices.ContainsFunc(ignored, func(name string) bool { return strings.Contains(path, name) })
}

// owner says in one word who owns an object, and how.
func owner(references any) any {
	list, _ := references.([]any)
	var owners []string
	for _, reference := range list {
		r, _ := reference.(map[string]any)
		text := fmt.Sprintf("%v %v/%v", r["apiVersion"], strings.ToLower(fmt.Sprint(r["kind"])), r["name"])
		for _, flag := range []string{"controller", "blockOwnerDeletion"} {
			if r[flag] == true {
				text += " " + flag
			}
		}
		owners = append(owners, text)
	}
	if owners == nil {
		return nil
	}
	return strings.Join(owners, ", ")
}

// observed replaces an observed generation that is up to date by a word: how often
// a spec was written before is no behaviour.
func observed(object Object, facts recording.Facts) {
	const path = ".status.observedGeneration"
	if value, there := facts[path]; there && fmt.Sprint(value) == fmt.Sprint(dig(object, []string{"metadata", "generation"})) {
		facts[path] = fmt.Sprintf("<generation, as a %T>", value)
	}
}

// podsByHash counts the living pods of each hash and collects their metadata.
func podsByHash(names Names, pods map[string]Object) map[string]recording.Facts {
	groups := map[string][]Object{}
	for _, pod := range pods {
		if dig(pod, []string{"metadata", "deletionTimestamp"}) != nil {
			continue
		}
		hash, _ := dig(pod, []string{"metadata", "labels", hashLabel}).(string)
		if hash == "" {
			hash = "none"
		}
		groups["pods/"+hash] = append(groups["pods/"+hash], pod)
	}
	taken := map[string]recording.Facts{}
	for group, members := range groups {
		facts := recording.Facts{".count": int64(len(members)), ".ready": int64(len(slices.DeleteFunc(slices.Clone(members), notReady)))}
		texts := map[string][]string{}
		for _, pod := range members {
			for _, part := range []string{"labels", "annotations"} {
				for path, value := range Flatten(dig(pod, []string{"metadata", part})) {
					if path != "["+fmt.Sprintf("%q", hashLabel)+"]" && path != "."+hashLabel && !isIgnored(path) {
						path = names.Text("." + part + path)
						texts[path] = append(texts[path], names.Text(fmt.Sprint(value)))
					}
				}
			}
		}
		for path, values := range texts {
			facts[path] = spread(values, len(members))
		}
		taken[group] = facts
	}
	return taken
}

// spread is the common value, or how many pods have which.
func spread(values []string, pods int) string {
	counts := map[string]int{}
	for _, value := range values {
		counts[value]++
	}
	if counts[values[0]] == pods {
		return values[0]
	}
	var parts []string
	for _, value := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s (%d of %d)", value, counts[value], pods))
	}
	return strings.Join(parts, ", ")
}

func notReady(pod Object) bool {
	conditions, _ := dig(pod, []string{"status", "conditions"}).([]any)
	for _, condition := range conditions {
		if c, _ := condition.(map[string]any); c["type"] == "Ready" {
			return c["status"] != "True"
		}
	}
	return true
}
