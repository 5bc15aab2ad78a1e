package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/sluice-delivery/sluice/notifications"
)

// Limits of one service's lane.
const (
	laneLimit    = 1000             // letters that wait in it
	attemptTime  = 30 * time.Second // after which the next letter goes on its way beside one that hangs
	attemptLimit = 8                // letters on their way at once, when they hang
)

// A parcel is a letter with what is needed to send it.
type parcel struct {
	notifications.Letter
	about        types.NamespacedName
	uid          types.UID
	remembered   bool // the object has a record
	variables    map[string]any
	kind, reason string // in the metrics
	born         time.Time
	attempt      int
	wait         time.Duration // until the next attempt
}

// A post delivers parcels in the background: in order and one at a time for each service of a configuration, so that
// one that is slow or down holds up no other. A parcel that is on its way is not sent a second time before the first
// attempt has ended, however long that takes: what hangs may still arrive.
type post struct {
	carry  func(*parcel) (again bool, err error)
	landed func(*parcel, error)

	mu     sync.Mutex
	lanes  map[string]*lane
	closed bool
	busy   sync.WaitGroup // parcels that wait or are on their way; not those that wait for another attempt
	timers map[*parcel]*time.Timer
}

type lane struct {
	queue  []*parcel
	wake   chan struct{}
	size   int // those in the queue, on their way and waiting for another attempt
	flying chan struct{}
}

var errClosed = errors.New("the controller is ending")

func newPost(carry func(*parcel) (bool, error), landed func(*parcel, error)) *post {
	return &post{carry: carry, landed: landed, lanes: map[string]*lane{}, timers: map[*parcel]*time.Timer{}}
}

// push takes a parcel; false means that there is no room. It never blocks.
func (s *post) push(p *parcel) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	name := p.Namespace + "/" + p.To.Service
	l := s.lanes[name]
	if l == nil {
		l = &lane{wake: make(chan struct{}, 1), flying: make(chan struct{}, attemptLimit)}
		s.lanes[name] = l
		go s.serve(l)
	}
	if l.size >= laneLimit {
		return false
	}
	l.size++
	s.enqueue(l, p)
	return true
}

// enqueue holds the lock.
func (s *post) enqueue(l *lane, p *parcel) {
	s.busy.Add(1)
	l.queue = append(l.queue, p)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (s *post) serve(l *lane) {
	for range l.wake {
		for p := s.next(l); p != nil; p = s.next(l) {
			s.attempt(l, p)
		}
	}
}

func (s *post) next(l *lane) *parcel {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(l.queue) == 0 {
		return nil
	}
	p := l.queue[0]
	l.queue = l.queue[1:]
	return p
}

// attempt waits for the end of an attempt, but not for ever.
func (s *post) attempt(l *lane, p *parcel) {
	l.flying <- struct{}{}
	done := make(chan struct{})
	go func() {
		defer func() { <-l.flying; close(done) }()
		p.attempt++
		again, err := s.carry(p)
		s.end(l, p, again, err)
	}()
	patience := time.NewTimer(attemptTime)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	}
}

func (s *post) end(l *lane, p *parcel, again bool, err error) {
	defer s.busy.Done()
	s.mu.Lock()
	if again && !s.closed {
		s.timers[p] = time.AfterFunc(p.wait, func() { s.retry(l, p) })
		s.mu.Unlock()
		return
	}
	l.size--
	s.mu.Unlock()
	s.landed(p, err)
}

func (s *post) retry(l *lane, p *parcel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, waiting := s.timers[p]; !waiting {
		return
	}
	delete(s.timers, p)
	s.enqueue(l, p)
}

// close takes no more, makes a last attempt at what waits, and returns when all ended or ctx does. Afterwards the lanes
// are gone; what hangs is left to itself.
func (s *post) close(ctx context.Context) {
	s.mu.Lock()
	waiting := s.timers
	s.timers = map[*parcel]*time.Timer{}
	s.closed = true
	for p, timer := range waiting {
		timer.Stop()
		s.enqueue(s.lanes[p.Namespace+"/"+p.To.Service], p)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.busy.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lanes {
		for _, p := range l.queue { // not reached any more
			s.busy.Done()
			defer s.landed(p, errClosed)
		}
		l.queue = nil
		close(l.wake)
	}
}
