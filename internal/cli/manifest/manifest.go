// Package manifest reads Kubernetes manifests as a person wrote them: YAML or JSON, one document or several, and
// strictly, so that a field that nobody knows is an error and not silence. What a manifest means is left to others.
package manifest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// Documents are the parts of a file, without those that say nothing.
func Documents(file []byte) ([][]byte, error) {
	next := yamlParts(file)
	if trimmed := bytes.TrimSpace(file); len(trimmed) > 0 && trimmed[0] == '{' {
		next = jsonParts(file)
	}
	var all [][]byte
	for {
		part, err := next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if !empty(part) {
			all = append(all, part)
		}
	}
}

func yamlParts(file []byte) func() ([]byte, error) {
	return utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(file))).Read
}

func jsonParts(file []byte) func() ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(file))
	return func() ([]byte, error) {
		var part json.RawMessage
		if err := decoder.Decode(&part); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("decode JSON: %w", err)
		} else if err != nil {
			return nil, err
		}
		return part, nil
	}
}

// empty reports whether a document holds nothing, comments apart.
func empty(part []byte) bool {
	var content any
	return yaml.Unmarshal(part, &content) == nil && content == nil
}

// Kind reads what a document says it is.
func Kind(document []byte) (metav1.TypeMeta, error) {
	var kind metav1.TypeMeta
	err := yaml.Unmarshal(document, &kind)
	return kind, err
}

// Decode reads a document into an object. Fields that the object does not have, and fields that are there twice, are
// errors, each of which is named. What could be read is in the object all the same.
func Decode(document []byte, into any) []error {
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return []error{errors.New(strings.Join(strings.Fields(err.Error()), " "))} // on one line
	}
	strict, err := kjson.UnmarshalStrict(text, into)
	if err != nil {
		return []error{err}
	}
	return strict
}

// Name reads what a document is called, as far as it can be read.
func Name(document []byte) string {
	var o metav1.PartialObjectMetadata
	if yaml.Unmarshal(document, &o) != nil {
		return ""
	}
	return o.Name
}
