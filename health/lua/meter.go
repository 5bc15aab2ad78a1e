package lua

import (
	"context"
	"time"

	vm "github.com/yuin/gopher-lua"
)

// meter is the context of a run. The virtual machine asks its context before each instruction whether it is done, and
// that is where instructions are counted: exactly, also inside coroutines, which share it.
type meter struct {
	parent       context.Context
	limits       Limits
	now          time.Time
	patterns     *patterns // those of the host
	tableCost    int
	instructions int
	look         int // the count at which to look at the parent again
	memory       int
	broken       error
	os           *vm.LTable // what require("os") gives, once it was asked for
	chance       uint64     // where the row of random numbers is
}

// every so many instructions the wall is looked at. The longest single one, a shift of the largest array that the
// memory allows, takes some milliseconds.
const every = 16

var over = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Done counts.
func (m *meter) Done() <-chan struct{} {
	m.instructions++
	if m.instructions <= m.look {
		return nil
	}
	return m.check()
}

func (m *meter) check() <-chan struct{} {
	if m.broken == nil && m.instructions > m.limits.Instructions {
		m.broken = ErrInstructions
	}
	if m.broken == nil {
		select {
		case <-m.parent.Done():
			m.broken = m.parent.Err()
		default:
		}
	}
	if m.broken != nil {
		m.look = 0 // nothing runs any more, whatever the script catches
		return over
	}
	m.look = min(m.instructions+every, m.limits.Instructions)
	return nil
}

// Err is why the run ended.
func (m *meter) Err() error { return m.broken }

// Deadline is the parent's.
func (m *meter) Deadline() (time.Time, bool) { return m.parent.Deadline() }

// Value has none: nothing of the caller's is for scripts.
func (m *meter) Value(any) any { return nil }

// take counts n bytes before they are made.
func (m *meter) take(l *vm.LState, n int) {
	if m.broken == nil && (n < 0 || n > m.limits.Memory-m.memory) {
		m.broken, m.look = ErrMemory, 0
	}
	if m.broken != nil {
		l.RaiseError("%s", m.broken.Error())
	}
	m.memory += n
}

// step counts work inside a library function as instructions.
func (m *meter) step(l *vm.LState, n int) {
	m.instructions += n
	if m.instructions > m.look && m.check() != nil {
		l.RaiseError("%s", m.broken.Error())
	}
}

func metered(l *vm.LState) *meter { return l.Context().(*meter) }
