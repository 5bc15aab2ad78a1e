package story

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Stream is a steady stream of requests through the proxy, one after the other.
type Stream struct {
	Name   string
	Host   string
	Method string
	Header http.Header
	Rate   int // requests per second
}

// Answer is what became of one request.
type Answer struct {
	At      time.Time // when the answer was there
	Stream  string
	Version string // as the application says; empty: no application answered
	Status  int    // 0: no answer at all
}

// Lost reports whether no application answered: refused, cut off, or answered by the proxy itself.
func (a Answer) Lost() bool { return a.Version == "" }

// Load sends streams and remembers every answer.
type Load struct {
	proxy  string
	client *http.Client
	mutex  sync.Mutex
	all    []Answer
	ended  sync.WaitGroup
}

// NewLoad sends to a proxy's address.
func NewLoad(proxy string) *Load {
	return &Load{proxy: proxy, client: &http.Client{Timeout: 10 * time.Second}}
}

// Send starts a stream, which lasts until the context ends.
func (l *Load) Send(ctx context.Context, s Stream) {
	l.ended.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(s.Rate))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				answer := l.Ask(ctx, s)
				if ctx.Err() == nil {
					l.keep(answer)
				}
			}
		}
	})
}

// Wait returns when all streams have ended.
func (l *Load) Wait() { l.ended.Wait() }

// Ask sends one request of a stream.
func (l *Load) Ask(ctx context.Context, s Stream) Answer {
	a := Answer{Stream: s.Name}
	request, err := http.NewRequestWithContext(ctx, s.Method, "http://"+l.proxy+"/", nil)
	if err == nil {
		request.Host = s.Host
		if s.Header != nil {
			request.Header = s.Header
		}
		var response *http.Response
		if response, err = l.client.Do(request); err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			a.Version, a.Status = response.Header.Get("X-Version"), response.StatusCode
		}
	}
	if err != nil {
		a.Version = ""
	}
	a.At = time.Now()
	return a
}

func (l *Load) keep(a Answer) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.all = append(l.all, a)
}

// Since are the answers of a stream from a moment on, oldest first. An empty name means all streams.
func (l *Load) Since(from time.Time, stream string) []Answer {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var found []Answer
	for _, a := range slices.Backward(l.all) {
		if a.At.Before(from) {
			break
		}
		if stream == "" || a.Stream == stream {
			found = append(found, a)
		}
	}
	slices.Reverse(found)
	return found
}

// Counts sums answers up by version and status.
func Counts(answers []Answer) map[string]map[int]int {
	counts := map[string]map[int]int{}
	for _, a := range answers {
		if counts[a.Version] == nil {
			counts[a.Version] = map[int]int{}
		}
		counts[a.Version][a.Status]++
	}
	return counts
}

// Share is the percentage of answers that a version gave.
func Share(answers []Answer, version string) float64 {
	if len(answers) == 0 {
		return 0
	}
	n := 0
	for _, a := range answers {
		if a.Version == version {
			n++
		}
	}
	return 100 * float64(n) / float64(len(answers))
}
