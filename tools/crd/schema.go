package main

import "math"

// object is a JSON object: a schema, or a part of one.
type object = map[string]any

func child(o object, key string) object { c, _ := o[key].(object); return c }

func list(v any) []any { l, _ := v.([]any); return l }

// visit calls do for a schema and for all schemas in it.
func visit(schema object, do func(object)) {
	if schema == nil {
		return
	}
	do(schema)
	for _, s := range child(schema, "properties") {
		visit(s.(object), do)
	}
	visit(child(schema, "items"), do)
	visit(child(schema, "additionalProperties"), do)
}

func isPodTemplate(s object) bool {
	return child(child(child(child(s, "properties"), "spec"), "properties"), "containers") != nil
}

func isJobSpec(s object) bool {
	return isPodTemplate(child(child(s, "properties"), "template")) && child(child(s, "properties"), "backoffLimit") != nil
}

// instant is what Go's RFC 3339 reads; API servers let a little more pass as a date-time.
const instant = `^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`

// bound keeps out what an API server lets pass and Go's types cannot hold: a single such object would keep a
// controller from reading any. These are numbers above int32 in int-or-string fields (quantities, which have a pattern,
// may be as large as they like) and times with a small t.
func bound(s object) {
	switch {
	case s["x-kubernetes-int-or-string"] == true && s["pattern"] == nil:
		s["minimum"], s["maximum"] = math.MinInt32, math.MaxInt32
	case s["format"] == "date-time":
		s["pattern"] = instant
	}
}

// relax takes Kubernetes' rules out of a pod template or a Job, but not the types of its fields.
func relax(template object) {
	about := template["description"]
	defer func() { template["description"] = about }()
	visit(template, func(s object) {
		quantity := s["x-kubernetes-int-or-string"] == true
		for _, rule := range []string{"description", "enum", "maxLength", "minLength", "maxItems", "minItems", "x-kubernetes-validations"} {
			delete(s, rule)
		}
		if !quantity && s["format"] != "date-time" {
			delete(s, "pattern")
		}
		properties := child(s, "properties")
		if volumes := child(properties, "volumes"); volumes != nil {
			relaxVolumes(volumes)
		}
		if isPodTemplate(s) || isVolumeClaim(s) {
			properties["metadata"] = metadata()
		}
	})
}

func isVolumeClaim(s object) bool {
	return child(child(child(child(s, "properties"), "spec"), "properties"), "volumeMode") != nil
}

// relaxVolumes lets kinds of volumes through that we don't know, and adds nothing to those we do: their defaults, and
// the check for equal names, are for whoever creates the pods.
func relaxVolumes(volumes object) {
	visit(volumes, func(s object) {
		delete(s, "default")
		delete(s, "x-kubernetes-list-map-keys")
		if s["x-kubernetes-list-type"] == "map" {
			s["x-kubernetes-list-type"] = "atomic"
		}
	})
	child(volumes, "items")["x-kubernetes-preserve-unknown-fields"] = true
}

// metadata is what a template may say about the pods. Programs like to write a creationTimestamp of null.
func metadata() object {
	texts := func() object {
		return object{"type": "object", "additionalProperties": object{"type": "string"}}
	}
	return object{
		"type": "object",
		"properties": object{
			"labels":            texts(),
			"annotations":       texts(),
			"creationTimestamp": object{"type": "string", "format": "date-time", "pattern": instant, "nullable": true},
		},
	}
}
