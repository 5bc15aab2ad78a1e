package lua

import (
	"sync"

	vm "github.com/yuin/gopher-lua"
)

// libraries are what scripts of one kind (with open libraries or without) run among.
//
// A contained script cannot change what it did not make: it names no function that could, and no library other than to
// call one of its functions. Such scripts share one set of tables, which is only ever read, through an empty table of
// globals of their own; and their states are used again, since nothing of a run is left in one. Any other script gets a
// state of its own with its own libraries, which is thrown away.
type libraries struct {
	open    bool
	globals *vm.LTable // the metatable of a contained script's globals
	text    vm.LValue  // the metatable of strings
	guards  map[string]*vm.LFunction
	pool    sync.Pool
}

func newLibraries(open bool) *libraries {
	l := newState()
	populate(l, open)
	x := &libraries{open: open, text: vm.LNil, globals: l.NewTable(), guards: map[string]*vm.LFunction{}}
	base := l.G.Global
	base.RawSetString("require", l.NewFunction(requireClock))
	x.globals.RawSetString("__index", base)
	if library, is := base.RawGetString("string").(*vm.LTable); is {
		// Not the library itself, as in a state of its own, or ("").__index would be a way to it.
		library.RawSetString("__index", vm.LNil)
		text := l.NewTable()
		text.RawSetString("__index", library)
		x.text = text
	}
	for name, f := range guards {
		x.guards[name] = l.NewFunction(f)
	}
	return x
}

// newState has the room of Argo CD's: 256 calls deep, 5,120 values. It begins small.
func newState() *vm.LState {
	return vm.NewState(vm.Options{SkipOpenLibs: true, CallStackSize: vm.CallStackSize, MinimizeStackMemory: true,
		RegistrySize: 256, RegistryGrowStep: 256, RegistryMaxSize: vm.RegistrySize})
}

// state is a virtual machine with its libraries, for one run at a time.
type state struct {
	vm     *vm.LState
	guards map[string]*vm.LFunction
	arena  arena
}

func (x *libraries) take(m *meter, contained bool) *state {
	if !contained {
		l := newState()
		populate(l, x.open)
		return &state{vm: l, guards: x.guards}
	}
	s, reused := x.pool.Get().(*state)
	if !reused {
		s = &state{vm: newState(), guards: x.guards}
		s.vm.SetMetatable(vm.LString(""), x.text)
	}
	own := s.vm.CreateTable(0, 4)
	own.Metatable = x.globals
	s.vm.G.Global, s.vm.Env = own, own
	return s
}

// put takes back the state of a contained script that ended well: its stack is empty then, and with the globals goes
// everything that it made.
func (x *libraries) put(s *state) {
	s.vm.SetTop(0)
	s.vm.RemoveContext()
	s.arena.clean()
	s.vm.G.Global, s.vm.Env = x.globals, x.globals // nothing runs until take
	x.pool.Put(s)
}

// run gives the last value that the script returns.
func (s *state) run(p *program, m *meter, t task) (vm.LValue, error) {
	l := s.vm
	l.SetContext(m)
	env := l.G.Global
	c := converter{l: l, ordered: p.ordered}
	if !t.whole {
		c.keys = p.keys
	}
	if p.reuse && !t.whole {
		c.arena = &s.arena
	}
	for name, value := range t.globals {
		env.RawSetString(name, c.value(value))
	}
	if c.err != nil {
		return nil, c.err
	}
	l.Push(l.NewFunctionFromProto(p.proto))
	for _, name := range p.guards {
		l.Push(s.guards[name])
	}
	if err := l.PCall(len(p.guards), 1, nil); err != nil {
		return nil, err
	}
	m.instructions, m.look = 0, 0 // those were ours
	if err := l.PCall(0, vm.MultRet, nil); err != nil {
		return nil, err
	}
	return l.Get(-1), nil
}

// populate opens into l what Argo CD opens, without the ways out.
func populate(l *vm.LState, open bool) {
	openLibrary(l, vm.LoadLibName, vm.OpenPackage)
	openLibrary(l, vm.BaseLibName, vm.OpenBase)
	openLibrary(l, vm.TabLibName, vm.OpenTable)
	globals := l.G.Global
	replace(l, globals, baseFunctions)
	refuse(l, globals, "", "dofile", "loadfile", "_printregs")
	before(l, globals, "rawset", countSet)
	tables := globals.RawGetString(vm.TabLibName).(*vm.LTable)
	before(l, tables, "concat", countJoin)
	before(l, tables, "insert", countInsert)
	before(l, tables, "remove", countShift)
	searchNoFiles(l)
	if open {
		openMore(l)
		return
	}
	preload := l.GetField(globals.RawGetString(vm.LoadLibName), "preload").(*vm.LTable)
	preload.RawSetString(vm.OsLibName, l.NewFunction(func(l *vm.LState) int {
		l.Push(l.SetFuncs(l.NewTable(), clockFunctions))
		return 1
	}))
}

func openMore(l *vm.LState) {
	openLibrary(l, vm.StringLibName, vm.OpenString)
	openLibrary(l, vm.MathLibName, vm.OpenMath)
	openLibrary(l, vm.CoroutineLibName, vm.OpenCoroutine)
	openLibrary(l, vm.DebugLibName, vm.OpenDebug)
	openLibrary(l, vm.OsLibName, vm.OpenOs)
	globals := l.G.Global
	strings := globals.RawGetString(vm.StringLibName).(*vm.LTable)
	replace(l, strings, stringFunctions)
	for _, name := range []string{"lower", "upper", "reverse"} {
		before(l, strings, name, func(l *vm.LState) { metered(l).take(l, 3*len(l.CheckString(1))) })
	}
	replace(l, globals.RawGetString(vm.MathLibName).(*vm.LTable), chanceFunctions)
	os := globals.RawGetString(vm.OsLibName).(*vm.LTable)
	replace(l, os, clockFunctions)
	refuse(l, os, "os.", "clock", "execute", "exit", "getenv", "remove", "rename", "setenv", "tmpname")
	debug := globals.RawGetString(vm.DebugLibName).(*vm.LTable)
	refuse(l, debug, "debug.", "getfenv", "getlocal", "getupvalue", "setfenv", "setlocal", "setmetatable", "setupvalue")
	coroutines := globals.RawGetString(vm.CoroutineLibName).(*vm.LTable)
	around(l, coroutines, "create", func(l *vm.LState) { l.CheckThread(-1).SetContext(l.Context()) })
	around(l, coroutines, "wrap", func(l *vm.LState) {
		l.CheckFunction(-1).Upvalues[0].Value().(*vm.LState).SetContext(l.Context())
	})
	refuse(l, l.RegisterModule(vm.IoLibName, nil).(*vm.LTable), "io.",
		"close", "flush", "input", "lines", "open", "output", "popen", "read", "tmpfile", "type", "write")
	refuse(l, l.RegisterModule(vm.ChannelLibName, nil).(*vm.LTable), "channel.", "make", "select")
}

func openLibrary(l *vm.LState, name string, open vm.LGFunction) {
	l.Push(l.NewFunction(open))
	l.Push(vm.LString(name))
	l.Call(1, 0)
}

func replace(l *vm.LState, in *vm.LTable, with map[string]vm.LGFunction) {
	for _, name := range sortedKeys(with) {
		in.RawSetString(name, l.NewFunction(with[name]))
	}
}

// refuse puts functions that only say that they are not there.
func refuse(l *vm.LState, in *vm.LTable, prefix string, names ...string) {
	for _, name := range names {
		in.RawSetString(name, l.NewFunction(func(l *vm.LState) int {
			l.RaiseError("%s%s is not available: scripts reach neither files, processes nor the environment", prefix, name)
			return 0
		}))
	}
}

// before counts what a library function is about to make.
func before(l *vm.LState, in *vm.LTable, name string, count func(*vm.LState)) {
	inner := in.RawGetString(name).(*vm.LFunction).GFunction
	in.RawSetString(name, l.NewFunction(func(l *vm.LState) int {
		count(l)
		return inner(l)
	}))
}

// threadCost is a coroutine with its stacks.
const threadCost = 64 << 10

// around makes a new coroutine count, like the one that it comes from.
func around(l *vm.LState, in *vm.LTable, name string, follow func(*vm.LState)) {
	inner := in.RawGetString(name).(*vm.LFunction).GFunction
	in.RawSetString(name, l.NewFunction(func(l *vm.LState) int {
		metered(l).take(l, threadCost)
		n := inner(l)
		follow(l)
		return n
	}))
}

// searchNoFiles leaves require with what a script itself puts into package.preload.
func searchNoFiles(l *vm.LState) {
	loaders := l.GetField(l.G.Global.RawGetString(vm.LoadLibName), "loaders").(*vm.LTable)
	loaders.RawSetInt(2, l.NewFunction(func(l *vm.LState) int {
		l.Push(vm.LString("scripts reach no files"))
		return 1
	}))
}

// requireClock is require for contained scripts, which ask for nothing else.
func requireClock(l *vm.LState) int {
	m := metered(l)
	if m.os == nil {
		m.take(l, m.tableCost)
		m.os = l.SetFuncs(l.CreateTable(0, 2), clockFunctions)
	}
	l.Push(m.os)
	return 1
}
