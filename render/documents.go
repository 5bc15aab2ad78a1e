package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// A document is one YAML document of a file; line is that of its first line, from one on.
type document struct {
	text []byte
	line int
}

// documents splits a file at lines that begin with three dashes.
func documents(content []byte) []document {
	var all []document
	current := document{line: 1}
	for i, line := range bytes.SplitAfter(content, []byte("\n")) {
		if rest, found := bytes.CutPrefix(line, []byte("---")); found && (len(bytes.TrimSpace(rest)) == 0 || rest[0] == ' ' || rest[0] == '\t') {
			all = append(all, current)
			current = document{line: i + 1, text: rest}
			continue
		}
		current.text = append(current.text, line...)
	}
	return append(all, current)
}

// unmerged finds what an unresolved merge leaves in a file. YAML would report it as anything but that.
func unmerged(file string, content []byte) error {
	for i, line := range bytes.Split(content, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("<<<<<<< ")) || bytes.HasPrefix(line, []byte(">>>>>>> ")) {
			return fmt.Errorf("%s:%d: unresolved merge conflict: %s", shown(file), i+1, bytes.TrimSpace(line))
		}
	}
	return nil
}

var lineInError = regexp.MustCompile(`(?:error converting YAML to JSON: )?yaml: (?:unmarshal errors:\s*)?(?:line (\d+): )?(?s:(.*))`)

// objects reads all objects of a file; lists are unrolled, empty documents left out.
func objects(file string, content []byte) ([]*unstructured.Unstructured, error) {
	if err := unmerged(file, content); err != nil {
		return nil, err
	}
	var all []*unstructured.Unstructured
	for _, d := range documents(content) {
		found, err := d.objects(file)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (d document) objects(file string) ([]*unstructured.Unstructured, error) {
	data, err := yaml.YAMLToJSONStrict(d.text)
	if err != nil {
		return nil, d.located(file, err)
	}
	if trimmed := strings.TrimSpace(string(data)); trimmed == "null" || trimmed == "{}" {
		return nil, nil
	}
	head := struct {
		APIVersion, Kind string
		Metadata         struct{ Name, GenerateName string }
		Items            []json.RawMessage
	}{}
	if err := json.Unmarshal(data, &head); err != nil || head.Kind == "" || head.APIVersion == "" {
		return nil, fmt.Errorf("%s:%d: no Kubernetes object: apiVersion and kind are needed", shown(file), d.line)
	}
	if strings.HasSuffix(head.Kind, "List") && head.Items != nil {
		var all []*unstructured.Unstructured
		for _, item := range head.Items {
			found, err := document{item, d.line}.objects(file)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
		return all, nil
	}
	if head.Metadata.Name == "" && head.Metadata.GenerateName == "" {
		return nil, fmt.Errorf("%s:%d: %s without metadata.name", shown(file), d.line, head.Kind)
	}
	obj := &unstructured.Unstructured{}
	if err := obj.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", shown(file), d.line, err)
	}
	if obj.GetKind() == "" || obj.GetAPIVersion() == "" || obj.GetName() == "" && obj.GetGenerateName() == "" { // Go's JSON takes ApiVersion too; no API server does
		return nil, fmt.Errorf("%s:%d: no Kubernetes object: apiVersion, kind and metadata.name are needed, spelled like this", shown(file), d.line)
	}
	return []*unstructured.Unstructured{obj}, nil
}

// located puts file and line in front of what the YAML library says.
func (d document) located(file string, err error) error {
	line, text := d.line, err.Error()
	if m := lineInError.FindStringSubmatch(text); m != nil {
		text = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line += n - 1
		}
	}
	return fmt.Errorf("%s:%d: %s", shown(file), line, strings.TrimSpace(text))
}
