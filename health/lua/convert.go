package lua

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	vm "github.com/yuin/gopher-lua"
)

// converter makes ordinary tables of an object: numbers become floats, null is absent, arrays count from 1. A script that
// can see the order of keys gets them sorted, so that it gives the same answer twice; one that reads by names alone gets
// only those (see keys).
type converter struct {
	l       *vm.LState
	keys    keys
	ordered bool
	arena   *arena // nil: every table is a new one
	err     error
}

// arena are the tables of an object, for the next one.
type arena struct{ free, used []*vm.LTable }

func (c *converter) table(list, fields int) *vm.LTable {
	if c.arena == nil {
		return c.l.CreateTable(list, fields)
	}
	var t *vm.LTable
	if n := len(c.arena.free); n > 0 {
		t, c.arena.free = c.arena.free[n-1], c.arena.free[:n-1]
	} else {
		t = c.l.CreateTable(list, fields)
	}
	c.arena.used = append(c.arena.used, t)
	return t
}

// large is what is not worth keeping.
const large = 64

// clean empties the tables that were used, and keeps them. Whatever the script has put into them goes, too.
func (a *arena) clean() {
	for _, t := range a.used {
		n := t.MaxN() / large
		for key, _ := t.Next(vm.LNil); key != vm.LNil && n <= large; key, _ = t.Next(key) {
			t.RawSet(key, vm.LNil)
			n++
		}
		for t.MaxN() > 0 {
			t.Remove(-1)
		}
		t.Metatable = vm.LNil
		if n <= large && len(a.free) < large {
			a.free = append(a.free, t)
		}
	}
	clear(a.used)
	a.used = a.used[:0]
}

// left marks a table of which every field was left out: it is not as empty as it looks. No script that such a table is
// made for can see a metatable.
var left = &vm.LTable{Metatable: vm.LNil}

func (c *converter) value(value any) vm.LValue {
	switch v := value.(type) {
	case nil:
		return vm.LNil
	case bool:
		if v {
			return vm.LTrue
		}
		return vm.LFalse
	case string:
		return vm.LString(v)
	case int64:
		return vm.LNumber(v)
	case float64:
		return vm.LNumber(v)
	case int:
		return vm.LNumber(v)
	case int32:
		return vm.LNumber(v)
	case json.Number:
		return vm.LString(v)
	case []any:
		t := c.table(len(v), 0)
		for _, element := range v {
			if element != nil {
				t.Append(c.value(element))
			}
		}
		return t
	case map[string]any:
		return c.object(v)
	}
	if c.err == nil {
		c.err = fmt.Errorf("a value of Go type %T is no part of an object", value)
	}
	return vm.LNil
}

func (c *converter) object(fields map[string]any) vm.LValue {
	size, some := len(fields), false
	if c.keys != nil {
		size = 0
		for key, value := range fields {
			if value != nil && c.keys.kept(key) {
				size++
			}
			some = some || value != nil
		}
	}
	t := c.table(0, size)
	switch {
	case size == 0 && some:
		t.Metatable = left
	case c.keys != nil:
		for key, value := range fields {
			if c.keys.kept(key) {
				c.set(t, key, value)
			}
		}
	case c.ordered && size > 1:
		for _, key := range sortedKeys(fields) {
			c.set(t, key, fields[key])
		}
	default:
		for key, value := range fields {
			c.set(t, key, value)
		}
	}
	return t
}

func (c *converter) set(t *vm.LTable, key string, value any) {
	if value != nil {
		t.RawSetString(key, c.value(value))
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// maxValues bounds what a result may amount to: a table that holds another one twice, forty times over, is small in Lua.
const maxValues = 100_000

var (
	errRecursive = errors.New("cannot encode recursively nested tables to JSON")
	errSparse    = errors.New("cannot encode sparse array")
	errMixed     = errors.New("cannot encode mixed or invalid key types")
	errLarge     = fmt.Errorf("the result has more than %d values", maxValues)
	errDeep      = errors.New("the result is nested more than 1000 deep")
)

// fromLua makes of a result what JSON can say. An empty table is an empty list: Lua doesn't know the two apart. Whole
// numbers become int64, as in objects of Kubernetes.
func fromLua(v vm.LValue) (any, error) {
	r := reader{inside: map[*vm.LTable]bool{}}
	return r.value(v)
}

type reader struct {
	inside map[*vm.LTable]bool
	seen   int
}

func (r *reader) value(v vm.LValue) (any, error) {
	if r.seen++; r.seen > maxValues {
		return nil, errLarge
	}
	switch v := v.(type) {
	case *vm.LNilType:
		return nil, nil
	case vm.LBool:
		return bool(v), nil
	case vm.LString:
		return string(v), nil
	case vm.LNumber:
		if n := int64(v); vm.LNumber(n) == v && n < 1<<53 && n > -1<<53 {
			return n, nil
		}
		return float64(v), nil
	case *vm.LTable:
		return r.table(v)
	}
	return nil, fmt.Errorf("cannot encode %s to JSON", v.Type())
}

func (r *reader) table(t *vm.LTable) (any, error) {
	if r.inside[t] {
		return nil, errRecursive
	}
	if len(r.inside) > 1000 {
		return nil, errDeep
	}
	r.inside[t] = true
	defer delete(r.inside, t)
	key, value := t.Next(vm.LNil)
	switch key.Type() {
	case vm.LTNil:
		return []any{}, nil
	case vm.LTNumber:
		list := []any{}
		for ; key != vm.LNil; key, value = t.Next(key) {
			if key.Type() != vm.LTNumber {
				return nil, errMixed
			}
			if key != vm.LNumber(len(list)+1) {
				return nil, errSparse
			}
			element, err := r.value(value)
			if err != nil {
				return nil, err
			}
			list = append(list, element)
		}
		return list, nil
	case vm.LTString:
		object := map[string]any{}
		for ; key != vm.LNil; key, value = t.Next(key) {
			name, is := key.(vm.LString)
			if !is {
				return nil, errMixed
			}
			field, err := r.value(value)
			if err != nil {
				return nil, err
			}
			object[string(name)] = field
		}
		return object, nil
	}
	return nil, errMixed
}
