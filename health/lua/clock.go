package lua

import (
	"strconv"
	"strings"
	"time"

	vm "github.com/yuin/gopher-lua"
)

// clockFunctions are what a script can know of the time: the instant of its run.
var clockFunctions = map[string]vm.LGFunction{"time": osTime, "date": osDate}

func osTime(l *vm.LState) int {
	now := metered(l).now
	if l.GetTop() == 0 || l.Get(1) == vm.LNil {
		l.Push(vm.LNumber(now.Unix()))
		return 1
	}
	t := l.CheckTable(1)
	field := func(name string, otherwise int) int {
		switch v := t.RawGetString(name).(type) {
		case vm.LNumber:
			return int(v)
		case vm.LString:
			if n, err := strconv.Atoi(strings.TrimSpace(string(v))); err == nil {
				return n
			}
		}
		return otherwise
	}
	at := time.Date(field("year", -1), time.Month(field("month", -1)), field("day", -1),
		field("hour", 12), field("min", 0), field("sec", 0), 0, now.Location())
	l.Push(vm.LNumber(at.Unix()))
	return 1
}

func osDate(l *vm.LState) int {
	at, format := metered(l).now, "%c"
	if l.GetTop() >= 1 {
		format = l.CheckString(1)
	}
	if l.GetTop() >= 2 {
		at = time.Unix(l.CheckInt64(2), 0).In(at.Location())
	}
	if strings.HasPrefix(format, "!") {
		format, at = strings.TrimLeft(format, "!"), at.UTC()
	}
	if strings.HasPrefix(format, "*t") {
		l.Push(dateTable(l, at))
		return 1
	}
	metered(l).take(l, 32*len(format))
	l.Push(vm.LString(strftime(at, format)))
	return 1
}

// dateTable leaves out the day of the year and summer time, as the virtual machine does.
func dateTable(l *vm.LState, at time.Time) *vm.LTable {
	metered(l).take(l, 2400)
	t := l.NewTable()
	for name, n := range map[string]int{"year": at.Year(), "month": int(at.Month()), "day": at.Day(), "hour": at.Hour(),
		"min": at.Minute(), "sec": at.Second(), "wday": int(at.Weekday()) + 1, "yday": 0} {
		t.RawSetString(name, vm.LNumber(n))
	}
	t.RawSetString("isdst", vm.LFalse)
	return t
}

var dateLayouts = map[byte]string{
	'a': "mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'c': "02 Jan 06 15:04 MST", 'd': "02",
	'F': "2006-01-02", 'H': "15", 'I': "03", 'm': "01", 'M': "04", 'p': "PM", 'P': "pm", 'S': "05",
	'x': "15/04/05", 'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
}

// strftime knows what the virtual machine knows, and says it as that does (%a is the text "mon").
func strftime(at time.Time, format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch layout, known := dateLayouts[format[i]]; {
		case known:
			b.WriteString(at.Format(layout))
		case format[i] == 'w':
			b.WriteString(strconv.Itoa(int(at.Weekday())))
		case format[i] == '%':
			b.WriteByte('%')
		default:
			b.WriteString(format[i-1 : i+1])
		}
	}
	return b.String()
}
