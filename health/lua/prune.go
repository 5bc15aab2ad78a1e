package lua

import (
	"strings"

	"github.com/yuin/gopher-lua/ast"
)

// Most of an object is never looked at: a health check of a Deployment reads a dozen fields of several hundred. When a
// script reads fields only by names that stand in its text, a field of any other name cannot be seen by it, and is left
// out of its tables; nor can the order of keys, so that the tables can be used again. A script that goes through keys
// (pairs, next), or reads a field whose name it computes, gets everything. TestNobodySeesWhatIsLeftOut holds the two ways
// against each other.
//
// keys are the names that a script can read.
type keys map[string]bool

// reading looks for a reason why more than names in the text could be read.
type reading struct {
	keys     keys
	indexes  map[string]bool // names that are bound to numbers alone: those of numeric loops and of ipairs
	others   map[string]bool // names that are bound in any other way
	dynamic  map[string]bool // names that are used as keys
	gsubs    int             // how often gsub is read that is not called there and then
	anything bool            // there is such a reason
}

// keysOf is nil when anything can be read. The chunk is as it was parsed.
func keysOf(chunk []ast.Stmt) keys {
	r := &reading{keys: keys{}, indexes: map[string]bool{}, others: map[string]bool{}, dynamic: map[string]bool{}}
	r.block(chunk)
	for name := range r.dynamic {
		r.anything = r.anything || !r.indexes[name] || r.others[name]
	}
	r.anything = r.anything || r.gsubs > 0
	r.anything = r.anything || r.others["ipairs"] // another function of that name gives who knows what
	if r.anything {
		return nil
	}
	return r.keys
}

// kept says whether a field of this name is needed. A result's names are not case-sensitive (see judge).
func (k keys) kept(name string) bool {
	return k[name] || len(name) == 6 && strings.EqualFold(name, "status") || len(name) == 7 && strings.EqualFold(name, "message")
}

func (r *reading) block(stmts []ast.Stmt) {
	for _, s := range stmts {
		r.stmt(s)
	}
}

func (r *reading) bind(names ...string) {
	for _, n := range names {
		r.others[n] = true
	}
}

func (r *reading) stmt(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		r.assign(s)
	case *ast.LocalAssignStmt:
		r.bind(s.Names...)
		r.exprs(s.Exprs)
	case *ast.FuncCallStmt:
		r.expr(s.Expr)
	case *ast.DoBlockStmt:
		r.block(s.Stmts)
	case *ast.WhileStmt:
		r.expr(s.Condition)
		r.block(s.Stmts)
	case *ast.RepeatStmt:
		r.expr(s.Condition)
		r.block(s.Stmts)
	case *ast.IfStmt:
		r.expr(s.Condition)
		r.block(s.Then)
		r.block(s.Else)
	case *ast.NumberForStmt:
		r.indexes[s.Name] = true
		r.exprs([]ast.Expr{s.Init, s.Limit, s.Step})
		r.block(s.Stmts)
	case *ast.GenericForStmt:
		r.loop(s)
	case *ast.FuncDefStmt:
		r.bind("self")
		r.exprs([]ast.Expr{s.Name.Func, s.Name.Receiver})
		r.function(s.Func)
	case *ast.ReturnStmt:
		r.exprs(s.Exprs)
	}
}

// assign binds names; a field is written, so that its key is no matter, unless its table is read for it.
func (r *reading) assign(s *ast.AssignStmt) {
	for _, lhs := range s.Lhs {
		switch lhs := lhs.(type) {
		case *ast.IdentExpr:
			r.bind(lhs.Value)
		case *ast.AttrGetExpr:
			r.expr(lhs.Object)
			r.expr(lhs.Key)
		}
	}
	r.exprs(s.Rhs)
}

func (r *reading) loop(s *ast.GenericForStmt) {
	r.bind(s.Names[1:]...)
	call, is := s.Exprs[0].(*ast.FuncCallExpr)
	if is {
		name, global := call.Func.(*ast.IdentExpr)
		is = global && name.Value == "ipairs"
	}
	if is {
		r.indexes[s.Names[0]] = true
	} else {
		r.bind(s.Names[0])
	}
	r.exprs(s.Exprs)
	r.block(s.Stmts)
}

func (r *reading) function(f *ast.FunctionExpr) {
	r.bind(f.ParList.Names...)
	r.block(f.Stmts)
}

func (r *reading) exprs(list []ast.Expr) {
	for _, e := range list {
		if e != nil {
			r.expr(e)
		}
	}
}

// throughKeys are functions that go through keys, or read by a key they are given.
var throughKeys = set("pairs", "next", "rawget")

func (r *reading) expr(e ast.Expr) {
	switch e := e.(type) {
	case *ast.IdentExpr:
		r.anything = r.anything || throughKeys[e.Value]
	case *ast.AttrGetExpr:
		r.expr(e.Object)
		r.key(e.Key)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			r.exprs([]ast.Expr{f.Key, f.Value})
		}
	case *ast.FuncCallExpr:
		r.call(e)
	case *ast.LogicalOpExpr:
		r.exprs([]ast.Expr{e.Lhs, e.Rhs})
	case *ast.RelationalOpExpr:
		r.exprs([]ast.Expr{e.Lhs, e.Rhs})
	case *ast.StringConcatOpExpr:
		r.exprs([]ast.Expr{e.Lhs, e.Rhs})
	case *ast.ArithmeticOpExpr:
		r.exprs([]ast.Expr{e.Lhs, e.Rhs})
	case *ast.UnaryMinusOpExpr:
		r.expr(e.Expr)
	case *ast.UnaryNotOpExpr:
		r.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		r.expr(e.Expr)
	case *ast.FunctionExpr:
		r.function(e)
	}
}

// key is one that is read by. What calculates gives a number, and no field of an object has a number for its name.
func (r *reading) key(e ast.Expr) {
	switch e := e.(type) {
	case *ast.StringExpr:
		r.keys[e.Value] = true
		r.gsubs += boolean(e.Value == "gsub")
	case *ast.NumberExpr:
	case *ast.IdentExpr:
		r.dynamic[e.Value] = true
	case *ast.ArithmeticOpExpr, *ast.UnaryMinusOpExpr, *ast.UnaryLenOpExpr:
		r.expr(e)
	default:
		r.anything = true
	}
}

func (r *reading) call(e *ast.FuncCallExpr) {
	if e.Method != "" {
		r.keys[e.Method] = true
	}
	r.exprs([]ast.Expr{e.Func, e.Receiver})
	r.exprs(e.Args)
	name := e.Method
	if attr, is := e.Func.(*ast.AttrGetExpr); is {
		if key, constant := attr.Key.(*ast.StringExpr); constant {
			name = key.Value
		}
	}
	if name != "gsub" {
		return
	}
	if e.Method == "" {
		r.gsubs--
	}
	// A table as the replacement is read by what matched.
	for _, arg := range e.Args[min(1, len(e.Args)):] {
		switch arg.(type) {
		case *ast.StringExpr, *ast.NumberExpr, *ast.FunctionExpr, *ast.StringConcatOpExpr:
		default:
			r.anything = true
		}
	}
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
