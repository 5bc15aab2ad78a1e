package main

import (
	"fmt"
	"strings"
)

const generated = "<!-- Made by `make generate` from the comments in api/v1alpha1. Changes here are lost. -->\n\n"

// page describes a kind: its own fields first, then each type they lead to, once, in the order of the way there.
func page(types map[string]*Type, kind string) (string, error) {
	var b strings.Builder
	b.WriteString(generated)
	fmt.Fprintf(&b, "# %s\n\n%s\n\n`apiVersion: argoproj.io/v1alpha1`, `kind: %s`. **Bold** fields are required.\n", kind, types[kind].About, kind)
	seen := map[string]bool{kind: true}
	queue := []string{kind}
	for len(queue) > 0 {
		t := types[queue[0]]
		queue = queue[1:]
		if t == nil {
			return "", fmt.Errorf("%s: a field leads to an unknown type", kind)
		}
		if t.Name != kind {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", t.Name, t.About)
		}
		all := flat(types, t)
		table(&b, types, all)
		for _, f := range all {
			if f.Type != "" && !seen[f.Type] && types[f.Type].Words == nil {
				seen[f.Type] = true
				queue = append(queue, f.Type)
			}
		}
	}
	return b.String(), nil
}

// flat puts the fields of embedded types in their place.
func flat(types map[string]*Type, t *Type) []Field {
	var all []Field
	for _, f := range t.Fields {
		switch {
		case !f.Inline:
			all = append(all, f)
		case types[f.Type] != nil:
			all = append(all, flat(types, types[f.Type])...)
		}
	}
	return all
}

func table(b *strings.Builder, types map[string]*Type, fields []Field) {
	if len(fields) == 0 {
		return
	}
	b.WriteString("\n| field | value | meaning |\n|---|---|---|\n")
	for _, f := range fields {
		name := "`" + f.Name + "`"
		if f.Required {
			name = "**" + name + "**"
		}
		about := f.About
		if f.Name == "metadata" && about == "" {
			about = "Standard metadata of an object."
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, value(types, f), strings.ReplaceAll(about, "|", "\\|"))
	}
}

func value(types map[string]*Type, f Field) string {
	t := types[f.Type]
	switch {
	case t == nil:
		return f.Shape
	case t.Words != nil:
		return strings.Replace(f.Shape, t.Name, "`"+strings.Join(t.Words, "`, `")+"`", 1)
	}
	return strings.Replace(f.Shape, t.Name, fmt.Sprintf("[%s](#%s)", t.Name, strings.ToLower(t.Name)), 1)
}

// index names the pages.
func index(types map[string]*Type) string {
	var b strings.Builder
	b.WriteString(generated + "# Field reference\n\n")
	for _, kind := range kinds {
		fmt.Fprintf(&b, "- [%s](%s.md): %s\n", kind, strings.ToLower(kind), types[kind].About)
	}
	return b.String()
}
