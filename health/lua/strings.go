package lua

import (
	"fmt"
	"strconv"
	"strings"

	vm "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/pm"
)

// stringFunctions are those of the string library that can take much memory or time: the virtual machine's answers,
// counted.
var stringFunctions = map[string]vm.LGFunction{
	"find": stringFind, "match": stringMatch, "gmatch": stringGmatch, "gfind": stringGmatch, "gsub": stringGsub,
	"rep": stringRep, "format": stringFormat,
}

const maxPattern = 1 << 14

// checkPattern parses, or raises the error of the virtual machine.
func checkPattern(l *vm.LState, arg int) *pattern {
	text := l.CheckString(arg)
	if len(text) > maxPattern {
		l.RaiseError("pattern has more than %d bytes", maxPattern)
	}
	m := metered(l)
	if p := m.patterns.find(text); p != nil {
		return p
	}
	m.take(l, 96*len(text)+128)
	p, err := parsePattern(text)
	if err == nil {
		m.patterns.keep(text, p)
	}
	if err != nil {
		if _, told := pm.Find(text, nil, 0, 1); told != nil {
			err = told
		}
		l.RaiseError("%s", err.Error())
	}
	return p
}

// from makes a zero-based place of an optional argument.
func from(l *vm.LState, arg, length int) int {
	i := l.OptInt(arg, 1)
	if i != 0 {
		i--
	}
	if i < 0 {
		i = length + i + 1
	}
	return max(i, 0)
}

func stringFind(l *vm.LState) int {
	text, wanted := l.CheckString(1), l.CheckString(2)
	if wanted == "" {
		l.Push(vm.LNumber(1))
		l.Push(vm.LNumber(0))
		return 2
	}
	offset := from(l, 3, len(text))
	if l.GetTop() == 4 && vm.LVAsBool(l.Get(4)) {
		at := -1
		if offset <= len(text) {
			at = strings.Index(text[offset:], wanted)
		}
		if at < 0 {
			l.Push(vm.LNil)
			return 1
		}
		l.Push(vm.LNumber(offset + at + 1))
		l.Push(vm.LNumber(offset + at + len(wanted)))
		return 2
	}
	found := find(l, checkPattern(l, 2), text, offset, 1)
	if len(found) == 0 {
		l.Push(vm.LNil)
		return 1
	}
	l.Push(vm.LNumber(found[0].ends[0] + 1))
	l.Push(vm.LNumber(found[0].ends[1]))
	return 2 + pushCaptures(l, found[0], text)
}

func pushCaptures(l *vm.LState, m match, text string) int {
	for c := 1; c <= m.captures(); c++ {
		l.Push(m.value(text, c))
	}
	return m.captures()
}

// pushValues pushes what a match is to a script.
func pushValues(l *vm.LState, m match, text string) int {
	if m.captures() == 0 {
		l.Push(m.value(text, 0))
		return 1
	}
	return pushCaptures(l, m, text)
}

func stringMatch(l *vm.LState) int {
	text := l.CheckString(1)
	offset := l.OptInt(3, 1)
	if offset < 0 {
		offset = len(text) + offset + 1
	}
	found := find(l, checkPattern(l, 2), text, max(offset-1, 0), 1)
	if len(found) == 0 {
		l.Push(vm.LNil)
		return 0 // as the virtual machine does: no value at all
	}
	return pushValues(l, found[0], text)
}

func stringGmatch(l *vm.LState) int {
	text := l.CheckString(1)
	found := find(l, checkPattern(l, 2), text, 0, -1)
	l.Push(l.NewFunction(func(l *vm.LState) int {
		if len(found) == 0 {
			return 0
		}
		m := found[0]
		found = found[1:]
		return pushValues(l, m, text)
	}))
	return 1
}

func stringGsub(l *vm.LState) int {
	text := l.CheckString(1)
	p := checkPattern(l, 2)
	l.CheckTypes(3, vm.LTString, vm.LTTable, vm.LTFunction)
	replace := l.Get(3)
	found := find(l, p, text, 0, l.OptInt(4, -1))
	var b strings.Builder
	at := 0
	write := func(s string) {
		metered(l).take(l, 2*len(s))
		b.WriteString(s)
	}
	for _, m := range found {
		with, replaced := replacement(l, replace, m, text)
		if !replaced {
			continue
		}
		write(text[at:m.ends[0]])
		write(with)
		at = m.ends[1]
	}
	write(text[at:])
	l.Push(vm.LString(b.String()))
	l.Push(vm.LNumber(len(found)))
	return 2
}

func replacement(l *vm.LState, with vm.LValue, m match, text string) (string, bool) {
	var value vm.LValue
	switch with := with.(type) {
	case vm.LString:
		return expand(l, string(with), m, text), true
	case *vm.LTable:
		value = l.GetTable(with, m.value(text, min(1, m.captures())))
	default:
		l.Push(with)
		l.Call(pushValues(l, m, text), 1)
		value = l.Get(-1)
		l.Pop(1)
	}
	return vm.LVAsString(value), !vm.LVIsFalse(value)
}

// expand puts captures in place of %0 to %9.
func expand(l *vm.LState, with string, m match, text string) string {
	if !strings.Contains(with, "%") {
		return with
	}
	var b []byte
	for i := 0; i < len(with); i++ {
		if with[i] != '%' || i+1 == len(with) {
			b = append(b, with[i])
			continue
		}
		i++
		switch c := with[i]; {
		case c == '%':
			b = append(b, '%')
		case c < '0' || c > '9':
			b = append(b, '%', c)
		default:
			n := int(c - '0')
			if n == 1 && m.captures() == 0 {
				n = 0
			}
			if n > m.captures() {
				l.RaiseError("invalid capture index")
			}
			piece := vm.LVAsString(m.value(text, n))
			metered(l).take(l, len(piece))
			b = append(b, piece...)
		}
	}
	return string(b)
}

func stringRep(l *vm.LState) int {
	text, n := l.CheckString(1), l.CheckInt(2)
	if n <= 0 || text == "" {
		l.Push(vm.LString(""))
		return 1
	}
	size := len(text) * n
	if size/n != len(text) {
		size = -1
	}
	metered(l).take(l, size)
	l.Push(vm.LString(strings.Repeat(text, n)))
	return 1
}

// stringFormat is Go's Sprintf, as in the virtual machine. What it can amount to is counted first: every verb may take
// the longest argument, quoted, and any number in the format may be a width.
func stringFormat(l *vm.LState) int {
	format := l.CheckString(1)
	args := make([]any, 0, l.GetTop())
	longest := 64
	for i := 2; i <= l.GetTop(); i++ {
		switch v := l.Get(i).(type) {
		case vm.LString:
			longest = max(longest, len(v))
			args = append(args, v)
		case vm.LNumber, vm.LBool, *vm.LNilType:
			args = append(args, v)
		default:
			args = append(args, vm.LString(v.String()))
		}
	}
	verbs := strings.Count(format, "%")
	widths, digits := 0, 0
	for i := 0; i <= len(format); i++ {
		if i < len(format) && format[i] >= '0' && format[i] <= '9' {
			digits++
			continue
		}
		if n, err := strconv.Atoi(format[i-digits : i]); err == nil {
			widths += min(n, 1<<20)
		}
		digits = 0
	}
	factor := 2
	if strings.Contains(format, "q") {
		factor = 12
	}
	metered(l).take(l, 2*len(format)+verbs*(longest*factor+32)+2*widths)
	l.Push(vm.LString(fmt.Sprintf(format, args[:min(max(verbs-2*strings.Count(format, "%%"), 0), len(args))]...)))
	return 1
}
