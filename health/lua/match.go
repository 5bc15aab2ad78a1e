package lua

import vm "github.com/yuin/gopher-lua"

// match is one match: the ends of its captures, the whole first.
type match struct {
	ends []int
	*pattern
}

// values are what a match gives a script: its captures, or the whole.
func (m match) value(text string, capture int) vm.LValue {
	if m.places[capture] {
		return vm.LNumber(m.ends[2*capture])
	}
	return vm.LString(text[m.ends[2*capture]:m.ends[2*capture+1]])
}

// captures is how many values a match gives.
func (m match) captures() int { return len(m.places) - 1 }

// matching is a search under way.
type matching struct {
	*pattern
	text  string
	ends  []int
	steps int
	l     *vm.LState
	meter *meter
}

// find gives up to limit matches (-1: all) from offset on.
func find(l *vm.LState, p *pattern, text string, offset, limit int) []match {
	x := &matching{pattern: p, text: text, l: l, meter: metered(l)}
	var out []match
	for at := offset; at <= len(text); {
		if x.ends == nil {
			x.ends = make([]int, 2*len(p.places))
		}
		for i := range x.ends {
			x.ends[i] = -1
		}
		x.ends[0] = at
		end, ok := x.run(0, at)
		at++
		if ok {
			x.meter.take(l, 16*len(x.ends)+64)
			x.ends[1] = end
			out = append(out, match{x.ends, p})
			at, x.ends = max(at, end), nil
		}
		if len(out) == limit || p.head {
			break
		}
	}
	x.meter.step(l, x.steps)
	return out
}

// tick counts steps, in parcels.
func (x *matching) tick(n int) {
	if x.steps += n; x.steps >= 256 {
		x.meter.step(x.l, x.steps)
		x.steps = 0
	}
}

func (x *matching) fits(e *element, at int) bool { return at < len(x.text) && e.class.has(x.text[at]) }

// run matches the elements from i on. It recurses by elements, never by bytes.
func (x *matching) run(i, at int) (int, bool) {
	for ; i < len(x.elements); i++ {
		x.tick(1)
		e := &x.elements[i]
		switch e.kind {
		case one:
			if e.times != 0 {
				return x.repeat(e, i, at)
			}
			if !x.fits(e, at) {
				return 0, false
			}
			at++
		case save:
			before := x.ends[e.slot]
			x.ends[e.slot] = at
			end, ok := x.run(i+1, at)
			if !ok {
				x.ends[e.slot] = before
			}
			return end, ok
		case place:
			x.ends[e.slot], x.ends[e.slot+1] = at+1, at+1
		case brace:
			if at = x.balanced(e, at); at < 0 {
				return 0, false
			}
		case back:
			held := x.held(e.slot)
			x.tick(len(held) / 8)
			if len(x.text)-at < len(held) || x.text[at:at+len(held)] != held {
				return 0, false
			}
			at += len(held)
		}
	}
	return at, !x.tail || at >= len(x.text)
}

func (x *matching) repeat(e *element, i, at int) (int, bool) {
	if e.times == '-' {
		for {
			if end, ok := x.run(i+1, at); ok {
				return end, true
			}
			if !x.fits(e, at) {
				return 0, false
			}
			at++
		}
	}
	least, most := 0, len(x.text)
	switch e.times {
	case '+':
		least = 1
	case '?':
		most = 1
	}
	n := 0
	for n < most && x.fits(e, at+n) {
		n++
	}
	x.tick(n / 8)
	for ; n >= least; n-- {
		if end, ok := x.run(i+1, at+n); ok {
			return end, true
		}
	}
	return 0, false
}

// balanced gives the place after a balanced text, or -1.
func (x *matching) balanced(e *element, at int) int {
	if at >= len(x.text) || x.text[at] != e.open {
		return -1
	}
	depth := 1
	for at++; at < len(x.text); at++ {
		x.tick(1)
		if x.text[at] == e.shut {
			depth--
		}
		if depth == 0 {
			return at + 1
		}
		if x.text[at] == e.open {
			depth++
		}
	}
	return -1
}

// held is what a capture holds so far; a position holds nothing.
func (x *matching) held(capture int) string {
	if capture >= len(x.places) || x.ends[2*capture] < 0 || x.ends[2*capture+1] < 0 {
		x.l.RaiseError("invalid capture index")
	}
	if x.places[capture] {
		return ""
	}
	if x.ends[2*capture] > x.ends[2*capture+1] {
		x.l.RaiseError("invalid capture index")
	}
	return x.text[x.ends[2*capture]:x.ends[2*capture+1]]
}
