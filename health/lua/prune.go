package lua

import "github.com/yuin/gopher-lua/ast"

// reads are the fields that a script reads.
type reads struct{}

func readsOf([]ast.Stmt) *reads { return nil }
