package lua

import (
	"fmt"
	"slices"
	"strings"

	vm "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// program is a compiled script.
type program struct {
	proto *vm.FunctionProto
	err   error
	// guards are the functions that proto expects, in this order.
	guards []string
	// contained says that the script cannot change anything that outlives its run: it reads libraries only by name.
	contained bool
	// ordered says that the script can see the order of keys.
	ordered bool
	// tableCost is what a table can grow to by constant keys, in bytes: they are set by instructions nobody guards.
	tableCost int
	// keys are what the script can read of an object; nil: anything.
	keys keys
	// reuse says that the tables of an object can be used again: nothing but keys in the text is ever set in them.
	reuse bool
}

// Parser and compiler take up to 700 bytes for each of a script, and the compiler recurses.
const (
	maxSource = 128 << 10
	maxDepth  = 1000
)

// compile never panics.
func compile(text, name string) (p *program) {
	defer func() {
		if r := recover(); r != nil {
			p = &program{err: fmt.Errorf("compile Lua: %v", r)}
		}
	}()
	if len(text) > maxSource {
		return &program{err: fmt.Errorf("compile Lua: the script has %d bytes, more than %d", len(text), maxSource)}
	}
	chunk, err := parse.Parse(strings.NewReader(text), name)
	if err != nil {
		return &program{err: err}
	}
	g := &guarding{contained: true, constants: map[string]bool{}}
	keys := keysOf(chunk)
	body := g.block(chunk)
	if g.err != nil {
		return &program{err: g.err}
	}
	proto, err := vm.Compile(g.wrap(body), name)
	if err != nil {
		return &program{err: err}
	}
	p = &program{proto: proto, guards: g.used, contained: g.contained, ordered: g.ordered || !g.contained,
		tableCost: 2400 + 120*len(g.constants)}
	if p.contained && keys != nil {
		p.keys, p.reuse = keys, !slices.Contains(g.used, guardSet)
	}
	return p
}
