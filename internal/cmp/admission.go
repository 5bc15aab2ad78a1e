package cmp

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// admission keeps one application from taking what the others need: calls, memory, and turns to render.
type admission struct {
	mu        sync.Mutex
	calls     int   // that are open
	mostCalls int   //
	bytes     int64 // of archives that are held, packed and unpacked
	mostBytes int64
	abandoned int // renderings that go on after their time was up
	turns     chan struct{}
	apps      map[string]*line
}

// line is where the renderings of one application wait for each other.
type line struct {
	turns chan struct{}
	users int
}

func newAdmission(parallel, calls int, bytes int64) *admission {
	return &admission{mostCalls: calls, mostBytes: bytes, turns: make(chan struct{}, parallel), apps: map[string]*line{}}
}

// refusal is an error with the word under which metrics count it.
type refusal struct {
	reason string
	error
}

func (r refusal) Unwrap() error { return r.error }

func refuse(reason, format string, args ...any) error {
	return refusal{reason, fmt.Errorf(format, args...)}
}

// reasonOf is the word for an error; what the source itself is to blame for is "source".
func reasonOf(err error) string {
	var r refusal
	if errors.As(err, &r) {
		return r.reason
	}
	return "source"
}

// enter counts a call; the function that is returned takes it off again.
func (a *admission) enter() (func(), error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls >= a.mostCalls {
		return nil, refuse("calls", "the renderer has %d calls open already: try again", a.calls)
	}
	a.calls++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.calls--
	}, nil
}

// held is the memory of one call. It is given back when the call is over and everybody who works on it has finished.
type held struct {
	of    *admission
	bytes int64
	users int
}

func (h *held) more(n int) error {
	h.of.mu.Lock()
	defer h.of.mu.Unlock()
	if h.of.bytes+int64(n) > h.of.mostBytes {
		return refuse("memory", "the renderer holds %d MiB of archives already, %d of them of this one: try again, or raise --max-memory", h.of.bytes>>20, h.bytes>>20)
	}
	h.of.bytes += int64(n)
	h.bytes += int64(n)
	return nil
}

// drop gives back what is held so far.
func (h *held) drop() {
	h.of.mu.Lock()
	defer h.of.mu.Unlock()
	h.of.bytes -= h.bytes
	h.bytes = 0
}

func (h *held) use() {
	h.of.mu.Lock()
	defer h.of.mu.Unlock()
	h.users++
}

func (h *held) finish() {
	h.of.mu.Lock()
	h.users--
	last := h.users == 0
	h.of.mu.Unlock()
	if last {
		h.drop()
	}
}

// turn is the right to render, for one application.
type turn struct {
	of   *admission
	app  string
	line *line
	free bool // the turn was given to others already
}

// wait takes a turn. One application has at most half of them, so that its slow renderings stop nobody else's.
func (a *admission) wait(ctx context.Context, app string) (*turn, error) {
	a.mu.Lock()
	l := a.apps[app]
	if l == nil {
		l = &line{turns: make(chan struct{}, max(1, cap(a.turns)/2))}
		a.apps[app] = l
	}
	l.users++
	a.mu.Unlock()
	t := &turn{of: a, app: app, line: l}
	select {
	case l.turns <- struct{}{}:
	case <-ctx.Done():
		t.leave()
		return nil, refuse("busy", "%d other renderings of this application are still going on", cap(l.turns))
	}
	select {
	case a.turns <- struct{}{}:
		return t, nil
	case <-ctx.Done():
		<-l.turns
		t.leave()
		return nil, refuse("busy", "%d other applications are being rendered; no turn was free in time", cap(a.turns))
	}
}

func (t *turn) leave() {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	if t.line.users--; t.line.users == 0 {
		delete(t.of.apps, t.app)
	}
}

// abandon gives the turn to others while the rendering, which cannot be interrupted, goes on; its application keeps
// waiting for it. There may be as many of these as there are turns.
func (t *turn) abandon() {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	if t.of.abandoned < cap(t.of.turns) {
		t.of.abandoned++
		t.free = true
		<-t.of.turns
	}
}

// end is called when the rendering is really over.
func (t *turn) end() {
	t.of.mu.Lock()
	if t.free {
		t.of.abandoned--
	} else {
		<-t.of.turns
	}
	t.of.mu.Unlock()
	<-t.line.turns
	t.leave()
}
