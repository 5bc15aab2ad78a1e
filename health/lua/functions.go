package lua

import (
	"strings"

	vm "github.com/yuin/gopher-lua"
)

// baseFunctions take the place of those that print, compile, or reach the process.
var baseFunctions = map[string]vm.LGFunction{
	"print":          func(*vm.LState) int { return 0 },
	"collectgarbage": func(l *vm.LState) int { l.Push(vm.LNumber(0)); return 1 },
	"loadstring": func(l *vm.LState) int {
		return load(l, l.CheckString(1), l.OptString(2, "<string>"))
	},
	"load": func(l *vm.LState) int {
		text, name := pieces(l, l.CheckFunction(1)), l.OptString(2, "?")
		return load(l, text, name)
	},
}

// pieces calls f until it has no more to give.
func pieces(l *vm.LState, f *vm.LFunction) string {
	var b strings.Builder
	for {
		l.Push(f)
		l.Call(0, 1)
		piece := l.Get(-1)
		l.Pop(1)
		if piece == vm.LNil || vm.LVAsString(piece) == "" {
			return b.String()
		}
		metered(l).take(l, 2*len(vm.LVAsString(piece)))
		b.WriteString(vm.LVAsString(piece))
	}
}

// load compiles a text that a script made, under the same guards.
func load(l *vm.LState, text, name string) int {
	metered(l).take(l, 400*len(text)+4096)
	p := compile(text, name)
	if p.err != nil {
		l.Push(vm.LNil)
		l.Push(vm.LString(p.err.Error()))
		return 2
	}
	metered(l).tableCost = max(metered(l).tableCost, p.tableCost)
	l.Push(l.NewFunctionFromProto(p.proto))
	for _, name := range p.guards {
		l.Push(l.NewFunction(guards[name]))
	}
	l.Call(len(p.guards), 1)
	return 1
}

func countSet(l *vm.LState) { countKey(l, l.CheckTable(1), l.Get(2)) }

// countJoin counts what table.concat joins.
func countJoin(l *vm.LState) {
	t := l.CheckTable(1)
	size := 0
	for i, n := 1, t.Len(); i <= n; i++ {
		size += len(vm.LVAsString(t.RawGetInt(i))) + len(l.OptString(2, "")) + 16
	}
	metered(l).take(l, size)
}

func countInsert(l *vm.LState) {
	t := l.CheckTable(1)
	metered(l).take(l, slotCost)
	if l.GetTop() > 2 {
		countKey(l, t, l.Get(2))
		metered(l).step(l, t.Len()/256)
	}
}

func countShift(l *vm.LState) { metered(l).step(l, l.CheckTable(1).Len()/256) }

// chanceFunctions draw from a row that begins anew with each run, so that a script gives the same answer twice.
var chanceFunctions = map[string]vm.LGFunction{
	"randomseed": func(l *vm.LState) int { metered(l).chance = uint64(l.CheckInt64(1)); return 0 },
	"random": func(l *vm.LState) int {
		draw := float64(metered(l).draw()>>11) / (1 << 53)
		switch l.GetTop() {
		case 0:
			l.Push(vm.LNumber(draw))
		case 1:
			l.Push(vm.LNumber(int(draw*float64(l.CheckInt(1))) + 1))
		default:
			least := l.CheckInt(1)
			l.Push(vm.LNumber(least + int(draw*float64(l.CheckInt(2)-least+1))))
		}
		return 1
	},
}

// draw is SplitMix64.
func (m *meter) draw() uint64 {
	m.chance += 0x9e3779b97f4a7c15
	z := m.chance
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
