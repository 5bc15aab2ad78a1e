package render

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// A problem is one thing that is wrong with an object. The path is empty when the library that found it did not say.
type problem struct{ path, text string }

func (p problem) String() string {
	if p.path == "" {
		return p.text
	}
	return p.path + ": " + p.text
}

// lint reads the object strictly into its Go type and validates what can be validated without a cluster.
func lint(obj *unstructured.Unstructured) []problem {
	var into any
	switch obj.GetKind() {
	case v1alpha1.RolloutKind:
		into = &v1alpha1.Rollout{}
	case v1alpha1.AnalysisTemplateKind:
		into = &v1alpha1.AnalysisTemplate{}
	case v1alpha1.ClusterAnalysisTemplateKind:
		into = &v1alpha1.ClusterAnalysisTemplate{}
	case v1alpha1.AnalysisRunKind:
		into = &v1alpha1.AnalysisRun{}
	case v1alpha1.ExperimentKind:
		into = &v1alpha1.Experiment{}
	default:
		return nil
	}
	if problems := strict(obj, into); len(problems) > 0 {
		return problems
	}
	if r, ok := into.(*v1alpha1.Rollout); ok {
		return validate(r)
	}
	return nil
}

// validate says everything that is wrong with a Rollout by itself, with the paths that the controller would name.
func validate(r *v1alpha1.Rollout) (all []problem) {
	for _, err := range v1alpha1.ValidateSpec(r) {
		text := v1alpha1.ErrorText(err)
		all = append(all, problem{err.Field, strings.TrimPrefix(text, err.Field+": ")})
	}
	return all
}

var (
	unknownField = regexp.MustCompile(`^unknown field "(.*)"$`)
	wrongType    = regexp.MustCompile(`cannot unmarshal (\S+)(?: .*)? into Go (?:struct field \w+\.(\S+)|value) of type (\S+)`)
	kindsInWords = map[string]string{"string": "a text", "bool": "true or false", "number": "a number", "array": "a list", "object": "an object"}
)

func strict(obj *unstructured.Unstructured, into any) (all []problem) {
	err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(obj.Object, into, true)
	if err == nil {
		return nil
	}
	unknown, isStrict := runtime.AsStrictDecodingError(err)
	if !isStrict { // says no path; JSON does
		if data, unwritten := json.Marshal(obj.Object); unwritten == nil {
			if worded := json.Unmarshal(data, into); worded != nil {
				err = worded
			}
		}
		return []problem{mistyped(err.Error())}
	}
	for _, u := range unknown.Errors() {
		m := unknownField.FindStringSubmatch(u.Error())
		if m == nil {
			all = append(all, problem{text: u.Error()})
			continue
		}
		text := "unknown field"
		parent, name := "", m[1]
		if dot := strings.LastIndex(m[1], "."); dot >= 0 {
			parent, name = m[1][:dot], m[1][dot+1:]
		}
		if near, found := Nearest(name, fieldsAt(reflect.TypeOf(into), parent)); found {
			text += fmt.Sprintf(": did you mean %q?", near)
		}
		all = append(all, problem{m[1], text})
	}
	return all
}

// mistyped says in words what the JSON library says in Go.
func mistyped(text string) problem {
	m := wrongType.FindStringSubmatch(text)
	if m == nil {
		return problem{text: strings.TrimPrefix(text, "json: ")}
	}
	wanted := "an object"
	switch kind := strings.TrimLeft(m[3], "*"); {
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
		wanted = "a whole number"
	case strings.HasPrefix(kind, "float"):
		wanted = "a number"
	case strings.HasPrefix(kind, "[]"):
		wanted = "a list"
	case kindsInWords[kind] != "":
		wanted = kindsInWords[kind]
	}
	return problem{m[2], fmt.Sprintf("%s is needed, not %s", wanted, kindsInWords[m[1]])}
}

// fieldsAt are the names that an object may have at a path.
func fieldsAt(in reflect.Type, path string) []string {
	for _, name := range segments(path) {
		in = bare(in)
		if in.Kind() != reflect.Struct {
			return nil
		}
		if name == "" || name[0] >= '0' && name[0] <= '9' {
			continue // an element of a list: bare has looked through it
		}
		if in = fieldNamed(in, name); in == nil {
			return nil
		}
	}
	in = bare(in)
	if in.Kind() != reflect.Struct {
		return nil
	}
	return names(in)
}

func bare(in reflect.Type) reflect.Type {
	for in.Kind() == reflect.Pointer || in.Kind() == reflect.Slice {
		in = in.Elem()
	}
	return in
}

func names(in reflect.Type) (all []string) {
	for i := range in.NumField() {
		switch name, _, _ := strings.Cut(in.Field(i).Tag.Get("json"), ","); {
		case name == "" && in.Field(i).Anonymous:
			all = append(all, names(bare(in.Field(i).Type))...)
		case name != "" && name != "-":
			all = append(all, name)
		}
	}
	return all
}

func fieldNamed(in reflect.Type, wanted string) reflect.Type {
	for i := range in.NumField() {
		name, _, _ := strings.Cut(in.Field(i).Tag.Get("json"), ",")
		if name == wanted {
			return in.Field(i).Type
		}
		if name == "" && in.Field(i).Anonymous {
			if found := fieldNamed(bare(in.Field(i).Type), wanted); found != nil {
				return found
			}
		}
	}
	return nil
}

// segments are the parts of a path such as spec.steps[0].pause: an index is a part of its own.
func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}
