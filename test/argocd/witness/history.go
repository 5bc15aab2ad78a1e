package witness

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// history is everything that was seen of one thing, with the time at which it was seen.
type history[T any] struct {
	mutex sync.Mutex
	all   []seen[T]
}

type seen[T any] struct {
	at time.Time
	is T
}

func (h *history[T]) add(value T) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.all = append(h.all, seen[T]{time.Now(), value})
}

// since is what was so at a time, and everything after it.
func (h *history[T]) since(start time.Time) []seen[T] {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for i := len(h.all) - 1; i >= 0; i-- {
		if !h.all[i].at.After(start) {
			return append([]seen[T]{{start, h.all[i].is}}, h.all[i+1:]...)
		}
	}
	return append([]seen[T]{}, h.all...)
}

func (h *history[T]) now() (last T) {
	if all := h.since(time.Now()); len(all) > 0 {
		return all[len(all)-1].is
	}
	return last
}

// wait is the first moment since start in which something was so.
func wait[T any](ctx context.Context, w *Witness, h *history[T], start time.Time, limit time.Duration, what string, so func(T) bool) (found seen[T], err error) {
	err = w.until(ctx, limit, what, func() (bool, string) {
		all := h.since(start)
		for _, one := range all {
			if so(one.is) {
				found = one
				return true, ""
			}
		}
		if len(all) == 0 {
			return false, "nothing"
		}
		return false, fmt.Sprint(all[len(all)-1].is)
	})
	return found, err
}
