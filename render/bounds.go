package render

import (
	"bytes"
	"fmt"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Bounds keep one source from taking the time and memory of all others. They hold for what is read as YAML; a file that
// ends up in a ConfigMap is bounded by the tree.
type Bounds struct {
	// Document is the size of one YAML document in bytes.
	Document int
	// Bytes is the size of everything that is read, as often as it is listed.
	Bytes int
	// Aliases is the number of nodes that the aliases of one file stand for.
	Aliases int
	// Objects is the number of objects that come out.
	Objects int
}

// DefaultBounds are far above what API servers take: etcd ends at 1.5 MiB for one object.
var DefaultBounds = Bounds{Document: 4 << 20, Bytes: 64 << 20, Aliases: 10_000, Objects: 5_000}

func (b Bounds) orDefault() Bounds {
	for field, value := range map[*int]int{&b.Document: DefaultBounds.Document, &b.Bytes: DefaultBounds.Bytes, &b.Aliases: DefaultBounds.Aliases, &b.Objects: DefaultBounds.Objects} {
		if *field == 0 {
			*field = value
		}
	}
	return b
}

func tooMany(where string, most int) error {
	return fmt.Errorf("%s: more than %d objects: split the application", where, most)
}

// check bounds a file before anything reads it as YAML.
func (b Bounds) check(file string, content []byte) error {
	if len(content) > b.Bytes {
		return fmt.Errorf("%s is larger than %d MiB", shown(file), b.Bytes>>20)
	}
	if len(content) > b.Document {
		for _, d := range documents(content) {
			if len(d.text) > b.Document {
				return fmt.Errorf("%s:%d: a document is larger than %d KiB: no API server takes an object of that size", shown(file), d.line, b.Document>>10)
			}
		}
	}
	return b.aliases(file, content)
}

// aliases counts what the aliases of a file stand for: nine lines can stand for a billion values.
func (b Bounds) aliases(file string, content []byte) error {
	if !bytes.ContainsRune(content, '&') || !bytes.ContainsRune(content, '*') {
		return nil
	}
	for _, d := range documents(content) {
		var node yaml.Node
		if err := yaml.Unmarshal(d.text, &node); err != nil {
			continue // whoever reads it says so, with a line
		}
		sizes := map[*yaml.Node]int{}
		if at := expand(&node, sizes, b.Aliases); at != nil {
			return fmt.Errorf("%s:%d: the aliases up to here stand for more than %d values: write them out", shown(file), d.line+at.Line-1, b.Aliases)
		}
	}
	return nil
}

// expand adds up the sizes of all nodes with aliases written out; it returns the alias with which they are too many.
func expand(n *yaml.Node, sizes map[*yaml.Node]int, most int) *yaml.Node {
	total, aliased := 1, 0
	sizes[n] = 1 // an alias to what it is part of counts once: YAML itself refuses it
	for _, c := range n.Content {
		if at := expand(c, sizes, most); at != nil {
			return at
		}
		total += sizes[c]
	}
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		aliased = sizes[n.Alias]
		total += aliased
	}
	sizes[n] = total
	sizes[nil] += aliased // all aliases of the document
	if sizes[nil] > most {
		return n
	}
	return nil
}

// inline bounds what is written into a kustomization itself and read as YAML once more.
func (b Bounds) inline(file string, k *types.Kustomization) error {
	var texts []string
	for _, list := range [][]string{k.Resources, k.Components, k.Generators, k.Transformers, k.Validators} {
		texts = append(texts, list...)
	}
	for _, p := range append(append([]types.Patch{}, k.Patches...), k.PatchesJson6902...) {
		texts = append(texts, p.Patch)
	}
	for _, p := range k.PatchesStrategicMerge {
		texts = append(texts, string(p))
	}
	for _, text := range texts {
		if err := b.aliases(file, []byte(text)); err != nil {
			return err
		}
	}
	return nil
}
