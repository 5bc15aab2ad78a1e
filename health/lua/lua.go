// Package lua runs other people's health checks and resource actions, written in Lua as Argo CD takes them
// (argocd-spec 2.2 and 2.5), so that a customization that works there works here unchanged, with the same answers. It
// answers what a script says of an object. Where scripts come from, which one is for which kind, and what time it is,
// it leaves to others.
//
// What a run may use up is bounded (Limits): instructions exactly, memory by counting what is asked for before it is
// taken, the time by the context. What differs from Argo CD: no script reaches a file, a process, the environment or the
// clock; dofile, loadfile, io, channel and most of os and debug are there and say so when they are called.
package lua

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	vm "github.com/yuin/gopher-lua"

	"github.com/sluice-delivery/sluice/health"
)

// Limits bound one run. Zero means the default.
type Limits struct {
	// Instructions of the virtual machine, counted one by one. A step of a pattern match counts as one, too.
	Instructions int
	// Memory in bytes: everything that a script makes is counted before it is made and never given back, so this is
	// a bound on what a run can hold at any instant. Numbers that are thrown away at once are not counted.
	Memory int
}

// The defaults: a check of a large object takes a few thousand instructions and some 100 kB.
const (
	DefaultInstructions = 5_000_000
	DefaultMemory       = 64 << 20
)

// Errors of a run that used up more than it may. They reach the caller inside the text of the Lua error.
var (
	ErrInstructions = errors.New("instruction limit exceeded")
	ErrMemory       = errors.New("memory limit exceeded")
)

// Script is a text with what it may use.
type Script struct {
	Text string
	// OpenLibs opens string, math and the rest (useOpenLibs in argocd-cm); without it there are base and table only.
	OpenLibs bool
}

// Host compiles scripts once and runs them. It may be used by many goroutines.
type Host struct {
	limits   Limits
	mu       sync.Mutex
	programs map[string]*program
	patterns patterns
	closed   *libraries // base and table, for scripts that leave them as they are
	open     *libraries
}

// maxPrograms bounds the cache. There are as many scripts as customizations; more means that texts are made up.
const maxPrograms = 1024

// New makes a host.
func New(limits Limits) *Host {
	if limits.Instructions <= 0 {
		limits.Instructions = DefaultInstructions
	}
	if limits.Memory <= 0 {
		limits.Memory = DefaultMemory
	}
	return &Host{limits: limits, programs: map[string]*program{}, closed: newLibraries(false), open: newLibraries(true)}
}

func (h *Host) program(text string) (*program, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p, found := h.programs[text]; found {
		return p, p.err
	}
	if len(h.programs) >= maxPrograms {
		clear(h.programs)
	}
	p := compile(text, "<string>")
	h.programs[text] = p
	return p, p.err
}

// task is what a script is run for.
type task struct {
	Script
	globals map[string]any
	now     time.Time
	whole   bool // the script gives the object back: it needs all of it
}

// run gives read the value that the script returned. Read must not keep it.
func (h *Host) run(ctx context.Context, s task, read func(vm.LValue) error) error {
	p, err := h.program(s.Text)
	if err != nil {
		return err
	}
	m := &meter{parent: ctx, limits: h.limits, now: s.now, patterns: &h.patterns, tableCost: p.tableCost}
	libs := h.closed
	if s.OpenLibs {
		libs = h.open
	}
	state := libs.take(m, p.contained)
	value, err := state.run(p, m, s)
	if err == nil {
		err = read(value)
	}
	if err == nil && p.contained && m.broken == nil {
		libs.put(state)
	}
	return err
}

// Health asks a health check about an object. An error is what Argo CD shows as Unknown with the error's text, and the
// Health says so already.
func (h *Host) Health(ctx context.Context, s Script, obj map[string]any, now time.Time) (health.Health, error) {
	var answer health.Health
	err := h.run(ctx, task{Script: s, globals: map[string]any{"obj": obj}, now: now}, func(v vm.LValue) (err error) {
		answer, err = judge(v)
		return err
	})
	if err != nil {
		return health.Health{Status: health.Unknown, Message: err.Error()}, err
	}
	return answer, nil
}

// judge applies Argo CD's rules to a result. They are those of a Go program that writes the table as JSON and reads that
// into two texts: what doesn't fit leaves both empty.
func judge(v vm.LValue) (health.Health, error) {
	t, isTable := v.(*vm.LTable)
	switch {
	case v == vm.LNil:
		return health.Health{}, nil
	case !isTable:
		return health.Health{}, fmt.Errorf("expect %s output from Lua script, not %s", "table", v.Type())
	}
	if t.Metatable == left {
		return health.Health{Status: health.Unknown, Message: invalidStatus}, nil
	}
	answer, plain := twoTexts(t)
	if !plain {
		value, err := fromLua(t)
		if err != nil {
			return health.Health{}, err
		}
		text, err := json.Marshal(value)
		if err != nil {
			return health.Health{}, fmt.Errorf("write the result as JSON: %w", err)
		}
		var read struct {
			Status  health.Status `json:"status"`
			Message string        `json:"message"`
		}
		if json.Unmarshal(text, &read) != nil {
			return health.Health{}, nil
		}
		answer = health.Health{Status: read.Status, Message: read.Message}
	}
	switch answer.Status {
	case health.Healthy, health.Suspended, health.Progressing, health.Missing, health.Degraded, health.Unknown:
		return answer, nil
	}
	return health.Health{Status: health.Unknown, Message: invalidStatus}, nil
}

const invalidStatus = "Lua returned an invalid health status"

// twoTexts reads the table that nearly every script returns: a status, and maybe a message, and nothing else.
func twoTexts(t *vm.LTable) (health.Health, bool) {
	var answer health.Health
	found := 0
	for key, value := t.Next(vm.LNil); key != vm.LNil; key, value = t.Next(key) {
		text, isText := value.(vm.LString)
		if !isText {
			return answer, false
		}
		switch key {
		case vm.LString("status"):
			answer.Status = health.Status(text)
		case vm.LString("message"):
			answer.Message = string(text)
		default:
			return answer, false
		}
		found++
	}
	return answer, found > 0
}
