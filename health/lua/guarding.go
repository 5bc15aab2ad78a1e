package lua

import (
	"errors"
	"fmt"
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// guarding rewrites a script so that what can take much memory in one instruction is a call of a guard: `..`, a table,
// a closure, and t[k] = v with a key that is no constant text. Everything else that takes memory is a library function.
// Guards are upvalues whose names no script can spell, so that it can neither see nor replace them.
type guarding struct {
	used               []string
	depth              int
	contained, ordered bool
	constants          map[string]bool
	args               int // how often `arg` was seen
	err                error
}

// The guards.
const (
	guardConcat = "\x00concat" // (a, b, …) is a..b..…
	guardSet    = "\x00set"    // (t, k, v) does t[k] = v
	guardTable  = "\x00table"  // (t) is t
	guardFunc   = "\x00func"   // (f) is f
)

func (g *guarding) guard(name string, at ast.PositionHolder, args ...ast.Expr) *ast.FuncCallExpr {
	if !slices.Contains(g.used, name) {
		g.used = append(g.used, name)
	}
	single(args[len(args)-1])
	call := &ast.FuncCallExpr{Func: placed(&ast.IdentExpr{Value: name}, at), Args: args, AdjustRet: true}
	return placed(call, at)
}

func placed[T ast.PositionHolder](node T, at ast.PositionHolder) T {
	node.SetLine(at.Line())
	node.SetLastLine(at.LastLine())
	return node
}

// single makes an expression give one value where it now stands at the end of a list.
func single(e ast.Expr) {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = true
	case *ast.Comma3Expr:
		e.AdjustRet = true
	}
}

// wrap makes a chunk that takes the guards and returns the script as a function.
func (g *guarding) wrap(body []ast.Stmt) []ast.Stmt {
	at := &ast.Node{}
	at.SetLine(1)
	at.SetLastLine(1)
	if len(body) > 0 {
		at.SetLastLine(body[len(body)-1].LastLine() + 1)
	}
	script := placed(&ast.FunctionExpr{ParList: &ast.ParList{HasVargs: true, Names: []string{}}, Stmts: body}, at)
	giveBack := placed(&ast.ReturnStmt{Exprs: []ast.Expr{script}}, at)
	if len(g.used) == 0 {
		return []ast.Stmt{giveBack}
	}
	take := placed(&ast.LocalAssignStmt{Names: g.used, Exprs: []ast.Expr{placed(&ast.Comma3Expr{}, at)}}, at)
	return []ast.Stmt{take, giveBack}
}

func (g *guarding) block(stmts []ast.Stmt) []ast.Stmt {
	if g.depth++; g.depth > maxDepth && g.err == nil {
		g.err = errors.New("compile Lua: the script is nested too deeply")
	}
	defer func() { g.depth-- }()
	out := make([]ast.Stmt, 0, len(stmts))
	for _, s := range stmts {
		if g.err != nil {
			return out
		}
		out = append(out, g.stmt(s)...)
	}
	return out
}

func (g *guarding) exprs(list []ast.Expr) []ast.Expr {
	for i := range list {
		list[i] = g.expr(list[i])
	}
	return list
}

func (g *guarding) stmt(s ast.Stmt) []ast.Stmt {
	switch s := s.(type) {
	case *ast.AssignStmt:
		return g.assign(s)
	case *ast.LocalAssignStmt:
		if f, direct := soleFunction(s); direct { // it may call itself: it has to stay what it is
			g.function(f)
			return []ast.Stmt{g.chargeFunction(s), s}
		}
		g.exprs(s.Exprs)
	case *ast.FuncCallStmt:
		s.Expr = g.call(s.Expr.(*ast.FuncCallExpr))
	case *ast.DoBlockStmt:
		s.Stmts = g.block(s.Stmts)
	case *ast.WhileStmt:
		s.Condition, s.Stmts = g.expr(s.Condition), g.block(s.Stmts)
	case *ast.RepeatStmt:
		s.Stmts, s.Condition = g.block(s.Stmts), g.expr(s.Condition)
	case *ast.IfStmt:
		s.Condition, s.Then, s.Else = g.expr(s.Condition), g.block(s.Then), g.block(s.Else)
	case *ast.NumberForStmt:
		s.Init, s.Limit, s.Stmts = g.expr(s.Init), g.expr(s.Limit), g.block(s.Stmts)
		if s.Step != nil {
			s.Step = g.expr(s.Step)
		}
	case *ast.GenericForStmt:
		s.Exprs, s.Stmts = g.exprs(s.Exprs), g.block(s.Stmts)
	case *ast.FuncDefStmt:
		g.name(s.Name)
		g.function(s.Func)
		return []ast.Stmt{g.chargeFunction(s), s}
	case *ast.ReturnStmt:
		g.exprs(s.Exprs)
	}
	return []ast.Stmt{s}
}

func soleFunction(s *ast.LocalAssignStmt) (*ast.FunctionExpr, bool) {
	if len(s.Names) != 1 || len(s.Exprs) != 1 {
		return nil, false
	}
	f, is := s.Exprs[0].(*ast.FunctionExpr)
	return f, is
}

func (g *guarding) chargeFunction(at ast.PositionHolder) ast.Stmt {
	return placed(&ast.FuncCallStmt{Expr: g.guard(guardFunc, at, placed(&ast.TrueExpr{}, at))}, at)
}

// name is that of a function statement. One that is put into a library changes it.
func (g *guarding) name(n *ast.FuncName) {
	for _, e := range []ast.Expr{n.Func, n.Receiver} {
		if e == nil {
			continue
		}
		if _, global := e.(*ast.IdentExpr); !global || n.Receiver != nil {
			g.target(e)
			g.expr(e)
		}
	}
	if n.Method != "" {
		g.constants[n.Method] = true
	}
}

// target looks at what is assigned into.
func (g *guarding) target(e ast.Expr) {
	for {
		switch t := e.(type) {
		case *ast.AttrGetExpr:
			e = t.Object
			continue
		case *ast.IdentExpr:
			if libraryNames[t.Value] {
				g.contained = false
			}
		}
		return
	}
}

// assign turns t[k] = v into a call. With several targets everything is evaluated first, as Lua does, then assigned.
func (g *guarding) assign(s *ast.AssignStmt) []ast.Stmt {
	guarded := false
	for i, lhs := range s.Lhs {
		if attr, is := lhs.(*ast.AttrGetExpr); is {
			g.target(attr)
			s.Lhs[i] = g.expr(attr)
			_, constant := attr.Key.(*ast.StringExpr)
			guarded = guarded || !constant
		}
	}
	g.exprs(s.Rhs)
	switch {
	case !guarded:
		return []ast.Stmt{s}
	case len(s.Lhs) == 1 && len(s.Rhs) == 1:
		attr := s.Lhs[0].(*ast.AttrGetExpr)
		return []ast.Stmt{placed(&ast.FuncCallStmt{Expr: g.guard(guardSet, s, attr.Object, attr.Key, s.Rhs[0])}, s)}
	}
	return []ast.Stmt{g.assignMany(s)}
}

func (g *guarding) assignMany(s *ast.AssignStmt) ast.Stmt {
	ident := func(name string) ast.Expr { return placed(&ast.IdentExpr{Value: name}, s) }
	objects := placed(&ast.LocalAssignStmt{}, s)
	values := placed(&ast.LocalAssignStmt{Exprs: s.Rhs}, s)
	var sets []ast.Stmt
	for i, lhs := range s.Lhs {
		value := fmt.Sprintf("\x00v%d", i)
		values.Names = append(values.Names, value)
		attr, is := lhs.(*ast.AttrGetExpr)
		if !is {
			sets = append(sets, placed(&ast.AssignStmt{Lhs: []ast.Expr{lhs}, Rhs: []ast.Expr{ident(value)}}, s))
			continue
		}
		object, key := fmt.Sprintf("\x00o%d", i), fmt.Sprintf("\x00k%d", i)
		objects.Names = append(objects.Names, object, key)
		objects.Exprs = append(objects.Exprs, attr.Object, attr.Key)
		single(attr.Key)
		sets = append(sets, placed(&ast.FuncCallStmt{Expr: g.guard(guardSet, s, ident(object), ident(key), ident(value))}, s))
	}
	return placed(&ast.DoBlockStmt{Stmts: append([]ast.Stmt{objects, values}, sets...)}, s)
}

// function looks at a body. Its arguments as a table (`arg`) are made by the call itself, so they are counted inside.
func (g *guarding) function(f *ast.FunctionExpr) {
	before := g.args
	f.Stmts = g.block(f.Stmts)
	if f.ParList.HasVargs && g.args > before {
		count := placed(&ast.FuncCallStmt{Expr: g.guard(guardTable, f, placed(&ast.IdentExpr{Value: "arg"}, f))}, f)
		f.Stmts = append([]ast.Stmt{count}, f.Stmts...)
	}
}

func (g *guarding) expr(e ast.Expr) ast.Expr {
	if g.depth++; g.depth > maxDepth && g.err == nil {
		g.err = errors.New("compile Lua: the script is nested too deeply")
	}
	defer func() { g.depth-- }()
	if g.err != nil {
		return e
	}
	switch e := e.(type) {
	case *ast.IdentExpr:
		g.ident(e.Value)
	case *ast.StringExpr:
		g.constants[e.Value] = true
	case *ast.AttrGetExpr:
		g.attr(e)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			if f.Key != nil {
				f.Key = g.expr(f.Key)
			}
			f.Value = g.expr(f.Value)
		}
		return g.table(e)
	case *ast.FuncCallExpr:
		return g.call(e)
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = g.expr(e.Lhs), g.expr(e.Rhs)
	case *ast.RelationalOpExpr:
		e.Lhs, e.Rhs = g.expr(e.Lhs), g.expr(e.Rhs)
	case *ast.StringConcatOpExpr:
		return g.concat(e)
	case *ast.ArithmeticOpExpr:
		e.Lhs, e.Rhs = g.expr(e.Lhs), g.expr(e.Rhs)
	case *ast.UnaryMinusOpExpr:
		e.Expr = g.expr(e.Expr)
	case *ast.UnaryNotOpExpr:
		e.Expr = g.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		e.Expr = g.expr(e.Expr)
	case *ast.FunctionExpr:
		g.function(e)
		return g.guard(guardFunc, e, e)
	}
	return e
}

// libraryNames are tables that all runs of contained scripts share; uncontained are names that lead to them, or to what
// lies behind the language.
var (
	libraryNames = set("string", "table", "math", "os")
	uncontained  = set("_G", "getfenv", "setfenv", "getmetatable", "setmetatable", "load", "loadstring", "loadfile", "dofile",
		"module", "package", "debug", "coroutine", "channel", "io", "newproxy", "rawset", "_printregs", "arg")
)

func set(names ...string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}

// ident is a name that stands alone: its value can go anywhere.
func (g *guarding) ident(name string) {
	if uncontained[name] || libraryNames[name] || name == "require" {
		g.contained = false
	}
	if name == "arg" {
		g.args++
	}
	if name == "pairs" || name == "next" {
		g.ordered = true
	}
}

func (g *guarding) attr(e *ast.AttrGetExpr) {
	key, constant := e.Key.(*ast.StringExpr)
	if name, is := e.Object.(*ast.IdentExpr); is && libraryNames[name.Value] && constant {
		g.constants[key.Value] = true
		return // reads one function of a library
	}
	e.Object, e.Key = g.expr(e.Object), g.expr(e.Key)
}

func (g *guarding) call(e *ast.FuncCallExpr) *ast.FuncCallExpr {
	if name, is := e.Func.(*ast.IdentExpr); is && name.Value == "require" && len(e.Args) == 1 {
		if module, constant := e.Args[0].(*ast.StringExpr); constant && module.Value == "os" {
			return e
		}
	}
	if e.Func != nil {
		e.Func = g.expr(e.Func)
	}
	if e.Receiver != nil {
		e.Receiver = g.expr(e.Receiver)
	}
	g.exprs(e.Args)
	return e
}

// table counts a constructor. One with keys that are numbers is filled by the guard of assignments, key by key.
func (g *guarding) table(e *ast.TableExpr) ast.Expr {
	var keyed []ast.Expr
	fields := e.Fields[:0:0]
	for _, f := range e.Fields {
		if _, constant := f.Key.(*ast.StringExpr); f.Key == nil || constant {
			fields = append(fields, f)
			continue
		}
		single(f.Value)
		keyed = append(keyed, f.Key, f.Value)
	}
	if len(keyed) == 0 {
		return g.guard(guardTable, e, e)
	}
	if n := len(fields); n > 0 && e.Fields[len(e.Fields)-1] != fields[n-1] {
		single(fields[n-1].Value) // only what was written last may give many values
	}
	e.Fields = fields
	return g.guard(guardTable, e, append([]ast.Expr{e}, keyed...)...)
}

func (g *guarding) concat(e *ast.StringConcatOpExpr) ast.Expr {
	var args []ast.Expr
	var at ast.Expr = e
	for {
		op, is := at.(*ast.StringConcatOpExpr)
		if !is || len(args) > 100 {
			break
		}
		lhs := g.expr(op.Lhs)
		single(lhs)
		args, at = append(args, lhs), op.Rhs
	}
	return g.guard(guardConcat, e, append(args, g.expr(at))...)
}
