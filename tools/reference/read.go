package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// A Type is a struct, or a text with a meaning, of the API.
type Type struct {
	Name   string
	About  string
	Fields []Field
	// Words are the constants of a text type.
	Words []string
}

// A Field is a field of a struct, as YAML has it.
type Field struct {
	Name     string
	About    string
	Shape    string // as a reader writes it, e.g. "list of CanaryStep"
	Type     string // the struct, or text type, of the API that it leads to; or empty
	Required bool
	Inline   bool
}

// read parses the Go files of a folder, tests and generated files excepted.
func read(dir string) (map[string]*Type, error) {
	types := map[string]*Type{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") || strings.HasPrefix(e.Name(), "zz_") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	for _, file := range files {
		eachType(file, func(s *ast.TypeSpec, doc *ast.CommentGroup) {
			types[s.Name.Name] = &Type{Name: s.Name.Name, About: prose(doc), Fields: fields(s.Type)}
		})
	}
	for _, file := range files {
		addWords(types, file)
	}
	for _, t := range types {
		if err := complete(t); err != nil {
			return nil, err
		}
	}
	return types, nil
}

// complete refuses a field without a comment: the comments are the reference.
func complete(t *Type) error {
	for _, f := range t.Fields {
		if f.About == "" && !f.Inline && f.Name != "metadata" && f.Name != "items" {
			return fmt.Errorf("%s.%s has no comment", t.Name, f.Name)
		}
	}
	return nil
}

func eachType(file *ast.File, do func(*ast.TypeSpec, *ast.CommentGroup)) {
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		for _, s := range g.Specs {
			do(s.(*ast.TypeSpec), g.Doc)
		}
	}
}

// addWords gives the text types their constants.
func addWords(types map[string]*Type, file *ast.File) {
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			if name, ok := v.Type.(*ast.Ident); ok && types[name.Name] != nil && len(v.Values) == 1 {
				if word, ok := v.Values[0].(*ast.BasicLit); ok {
					types[name.Name].Words = append(types[name.Name].Words, strings.Trim(word.Value, `"`))
				}
			}
		}
	}
}

func fields(e ast.Expr) []Field {
	s, ok := e.(*ast.StructType)
	if !ok {
		return nil
	}
	var all []Field
	for _, f := range s.Fields.List {
		if f.Tag == nil {
			continue
		}
		tag := reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json")
		name, options, _ := strings.Cut(tag, ",")
		if name == "-" {
			continue
		}
		shape, leads := shapeOf(f.Type)
		all = append(all, Field{
			Name: name, About: prose(f.Doc), Shape: shape, Type: leads,
			Inline:   options == "inline",
			Required: !strings.Contains(options, "omit") && !optional(f.Doc),
		})
	}
	return all
}

func optional(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.Contains(c.Text, "+optional") {
			return true
		}
	}
	return false
}

// prose is a comment without its markers and without remarks for developers, which stand in parentheses of their own.
func prose(doc *ast.CommentGroup) string {
	if doc == nil {
		return ""
	}
	var words []string
	for _, line := range strings.Split(doc.Text(), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "+") || strings.HasPrefix(line, "(") || line == "" {
			continue
		}
		words = append(words, line)
	}
	return strings.Join(words, " ")
}
