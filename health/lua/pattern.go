package lua

import (
	"errors"
	"strings"
	"sync"
)

// Patterns are matched by ourselves: the virtual machine's matcher cannot be interrupted, takes time that grows with
// the power of the number of repetitions, and recurses once per byte. Grammar and answers are its own, with its
// peculiarities (no %f, `$` is an anchor only at the very end); TestPatternsAgree holds the two side by side.

// element is one part of a pattern.
type element struct {
	kind  byte // one of the letters below
	times byte // 0, or one of ? * + -
	class class
	slot  int  // save: which end of which capture; back: the capture's number
	open  byte // brace
	shut  byte
}

const (
	one   = 'c' // a byte of a class
	save  = 's' // an end of a capture
	place = 'p' // a position capture
	back  = '%' // what a capture holds
	brace = 'b' // balanced
)

// class is a set of bytes.
type class [4]uint64

func (c *class) has(b byte) bool { return c[b>>6]&(1<<(b&63)) != 0 }
func (c *class) add(b byte)      { c[b>>6] |= 1 << (b & 63) }

// pattern is a parsed one.
type pattern struct {
	elements []element
	head     bool   // begins with ^
	tail     bool   // ends with $
	places   []bool // by capture: is it a position?
}

var errPattern = errors.New("malformed pattern") // the text comes from the virtual machine's own parser

type patternParser struct {
	text string
	at   int
	out  pattern
}

func parsePattern(text string) (p *pattern, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, errPattern
		}
	}()
	x := &patternParser{text: text}
	x.out.places = []bool{false}
	if x.peek() == '^' {
		x.at++
		x.out.head = true
	}
	x.sequence(true)
	return &x.out, nil
}

// peek is the next byte, or -1.
func (x *patternParser) peek() int {
	if x.at >= len(x.text) {
		return -1
	}
	return int(x.text[x.at])
}

func (x *patternParser) next() int {
	b := x.peek()
	x.at++
	return b
}

func (x *patternParser) add(e element) { x.out.elements = append(x.out.elements, e) }

// sequence reads up to the end or, inside a capture, to its bracket.
func (x *patternParser) sequence(top bool) {
	repeatable := false
	for {
		ch := x.peek()
		was := repeatable
		repeatable = false
		switch ch {
		case -1:
			if !top {
				panic(errPattern)
			}
			return
		case ')':
			if top {
				panic(errPattern)
			}
			return
		case '(':
			x.capture()
		case '%':
			repeatable = x.percent()
		case '*', '+', '-', '?':
			x.at++
			if was {
				x.out.elements[len(x.out.elements)-1].times = byte(ch)
				break
			}
			x.literal(ch)
			repeatable = true
		case '$':
			x.at++
			if top && x.at == len(x.text) {
				x.out.tail = true
				break
			}
			x.literal(ch)
			repeatable = true
		default:
			x.add(element{kind: one, class: x.class(true)})
			repeatable = true
		}
	}
}

func (x *patternParser) literal(ch int) {
	e := element{kind: one}
	e.class.add(byte(ch))
	x.add(e)
}

func (x *patternParser) capture() {
	x.at++
	n := len(x.out.places)
	if x.peek() == ')' {
		x.at++
		x.out.places = append(x.out.places, true)
		x.add(element{kind: place, slot: 2 * n})
		return
	}
	x.out.places = append(x.out.places, false)
	x.add(element{kind: save, slot: 2 * n})
	x.sequence(false)
	x.at++
	x.add(element{kind: save, slot: 2*n + 1})
}

// percent reports whether what it read can be repeated.
func (x *patternParser) percent() bool {
	following := -1
	if x.at+1 < len(x.text) {
		following = int(x.text[x.at+1])
	}
	switch {
	case following == '0':
		panic(errPattern)
	case following >= '1' && following <= '9':
		x.at += 2
		x.add(element{kind: back, slot: following - '0'})
		return false
	case following == 'b':
		x.at += 2
		open, shut := x.next(), x.next()
		if shut < 0 {
			x.add(element{kind: one}) // of no class: it never matches
			return false
		}
		x.add(element{kind: brace, open: byte(open), shut: byte(shut)})
		return false
	}
	x.add(element{kind: one, class: x.class(true)})
	return true
}

// class reads one class; inside a set, brackets and dots stand for themselves.
func (x *patternParser) class(sets bool) (c class) {
	ch := x.next()
	switch {
	case ch < 0:
		panic(errPattern)
	case ch == '%':
		if letter := x.next(); letter >= 0 {
			return letterClass(byte(letter))
		}
	case ch == '.' && sets:
		return class{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
	case ch == '[' && sets:
		return x.set()
	default:
		c.add(byte(ch))
	}
	return c
}

func (x *patternParser) set() class {
	var all, previous class
	not, some, toRange := false, false, false
	begin, single := -1, -1 // the byte before, if it was written as itself
	if x.peek() == '^' {
		x.at++
		not = true
	}
	merge := func(c class) {
		for i := range all {
			all[i] |= c[i]
		}
	}
	for {
		ch := x.peek()
		if ch < 0 {
			panic(errPattern)
		}
		if ch == ']' && some {
			x.at++
			break
		}
		if ch == '-' && some {
			x.at++
			toRange = true
			continue
		}
		begin = single
		single = -1
		if ch != '%' {
			single = ch
		}
		c := x.class(false)
		if !toRange {
			merge(previous)
			previous, some = c, true
			continue
		}
		previous, toRange = class{}, false // a range of anything but two bytes holds nothing
		if begin >= 0 && single >= 0 {
			for b := begin; b <= single; b++ {
				previous.add(byte(b))
			}
		}
		single = -1
	}
	merge(previous)
	if toRange {
		all.add('-')
	}
	if not {
		for i := range all {
			all[i] = ^all[i]
		}
	}
	return all
}

// letterClass is %a and the like; a capital stands for the complement, and any other byte for itself.
func letterClass(letter byte) (c class) {
	lower := letter | 0x20
	in, known := letters[lower]
	if !known || letter < 'A' {
		c.add(letter)
		return c
	}
	for b := 0; b < 256; b++ {
		if in(byte(b)) != (letter < 'a') {
			c.add(byte(b))
		}
	}
	return c
}

func between(b, from, to byte) bool { return from <= b && b <= to }

var letters = map[byte]func(byte) bool{
	'a': func(b byte) bool { return between(b|0x20, 'a', 'z') && b < 0x80 },
	'c': func(b byte) bool { return b <= 0x1f || b == 0x7f },
	'd': func(b byte) bool { return between(b, '0', '9') },
	'l': func(b byte) bool { return between(b, 'a', 'z') },
	'p': func(b byte) bool {
		return between(b, 0x21, 0x2f) || between(b, 0x3a, 0x40) || between(b, 0x5b, 0x60) || between(b, 0x7b, 0x7e)
	},
	's': func(b byte) bool { return b == ' ' || between(b, '\t', '\r') },
	'u': func(b byte) bool { return between(b, 'A', 'Z') },
	'w': func(b byte) bool { return between(b, '0', '9') || between(b, 'A', 'Z') || between(b, 'a', 'z') },
	'x': func(b byte) bool { return between(b, '0', '9') || between(b, 'A', 'F') || between(b, 'a', 'f') },
	'z': func(b byte) bool { return b == 0 },
}

// patterns are those that were parsed. They are never changed; nobody can see whether one was there already.
type patterns struct {
	mu    sync.RWMutex
	known map[string]*pattern
}

// What is kept of patterns: those that stand in scripts are short, and few.
const (
	maxPatterns  = 256
	shortPattern = 64
)

func (c *patterns) find(text string) *pattern {
	if c == nil || len(text) > shortPattern {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.known[text]
}

func (c *patterns) keep(text string, p *pattern) {
	if c == nil || len(text) > shortPattern {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxPatterns {
		c.known = map[string]*pattern{}
	}
	c.known[strings.Clone(text)] = p
}
