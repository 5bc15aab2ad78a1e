package lua

import (
	"strings"

	vm "github.com/yuin/gopher-lua"
)

// guards are called where a script would make something large in one instruction (see guarding).
var guards = map[string]vm.LGFunction{
	guardConcat: concatenate,
	guardSet:    setIndex,
	guardTable:  countTable,
	guardFunc:   countFunction,
}

// concatenate is the operator, from right to left, in as few strings as it can.
func concatenate(l *vm.LState) int {
	n := l.GetTop()
	size, plain := 0, true
	for i := 1; i <= n; i++ {
		switch v := l.Get(i).(type) {
		case vm.LString:
			size += len(v)
		case vm.LNumber:
			size += 24
		default:
			plain = false
		}
	}
	if plain {
		metered(l).take(l, size+16)
		if n == 2 {
			l.Push(vm.LString(vm.LVAsString(l.Get(1)) + vm.LVAsString(l.Get(2))))
			return 1
		}
		parts := make([]string, n)
		for i := range parts {
			parts[i] = vm.LVAsString(l.Get(i + 1))
		}
		l.Push(vm.LString(strings.Join(parts, "")))
		return 1
	}
	result := l.Get(n)
	for i := n - 1; i >= 1; i-- {
		result = concatenateTwo(l, l.Get(i), result)
	}
	l.Push(result)
	return 1
}

func concatenateTwo(l *vm.LState, a, b vm.LValue) vm.LValue {
	if vm.LVCanConvToString(a) && vm.LVCanConvToString(b) {
		left, right := vm.LVAsString(a), vm.LVAsString(b)
		metered(l).take(l, len(left)+len(right)+16)
		return vm.LString(left + right)
	}
	op := l.GetMetaField(a, "__concat")
	if op == vm.LNil {
		op = l.GetMetaField(b, "__concat")
	}
	if op.Type() != vm.LTFunction {
		l.RaiseError("cannot perform concat operation between %v and %v", a.Type().String(), b.Type().String())
	}
	l.Push(op)
	l.Push(a)
	l.Push(b)
	l.Call(2, 1)
	result := l.Get(-1)
	l.Pop(1)
	return result
}

func setIndex(l *vm.LState) int {
	object, key, value := l.Get(1), l.Get(2), l.Get(3)
	countKey(l, object, key)
	l.SetTable(object, key, value)
	return 0
}

// What a slot of an array costs while it grows, and an entry of a hash with its place in the order of keys.
const (
	slotCost  = 48
	entryCost = 200
)

// countKey counts what setting a key makes of a table: an array grows up to the key, however far off it is. A
// __newindex may lead to another table.
func countKey(l *vm.LState, object, key vm.LValue) {
	for range vm.MaxTableGetLoop {
		t, is := object.(*vm.LTable)
		if !is || t.RawGet(key) != vm.LNil {
			return
		}
		n, number := key.(vm.LNumber)
		switch {
		case !number || n < 1 || n >= vm.LNumber(vm.MaxArrayIndex) || n != vm.LNumber(int(n)):
			metered(l).take(l, entryCost)
		case int(n) > t.Len():
			metered(l).take(l, (int(n)-t.Len())*slotCost)
		}
		meta, is := t.Metatable.(*vm.LTable)
		if !is {
			return
		}
		object = meta.RawGetString("__newindex")
	}
}

// countTable gives back a table that was just made, with the keys and values that follow it.
func countTable(l *vm.LState) int {
	m := metered(l)
	t, is := l.Get(1).(*vm.LTable)
	if !is {
		return 1 // `arg`, shadowed
	}
	m.take(l, m.tableCost+t.Len()*slotCost)
	for i := 2; i+1 <= l.GetTop(); i += 2 {
		key := l.Get(i)
		countKey(l, t, key)
		l.SetTable(t, key, l.Get(i+1))
	}
	l.Push(t)
	return 1
}

// functionCost is a closure with as many variables of its surroundings as the compiler allows.
const functionCost = 4096

func countFunction(l *vm.LState) int {
	metered(l).take(l, functionCost)
	l.SetTop(1)
	return 1
}
