package stage

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-delivery/sluice/test/traces/recording"
	"github.com/sluice-delivery/sluice/test/traces/story"
)

// server answers what a case scripted and remembers what it was asked.
type server struct {
	URL string

	mu       sync.Mutex
	answers  map[string]story.Answer
	requests recording.Facts
	http     *http.Server
}

func startServer() (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{URL: "http://" + listener.Addr().String(), answers: map[string]story.Answer{}, requests: recording.Facts{}}
	s.http = &http.Server{Handler: s}
	go s.http.Serve(listener)
	return s, nil
}

func (s *server) close() { s.http.Close() }

// answer adds or replaces the answers of some paths.
func (s *server) answer(answers map[string]story.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, answer := range answers {
		s.answers[path] = answer
	}
}

func (s *server) asked() recording.Facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.requests)
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests[describe(r, string(body))] = true
	answer, scripted := s.answers[r.URL.Path]
	s.mu.Unlock()
	if !scripted {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	for key, value := range answer.Headers {
		w.Header().Set(key, value)
	}
	if answer.Status != 0 {
		w.WriteHeader(answer.Status)
	}
	io.WriteString(w, answer.Body)
}

// transport headers say how the request travels, not what it asks.
var transport = []string{"Accept-Encoding", "Content-Length", "Host", "User-Agent", "Connection", "Transfer-Encoding", "Idempotency-Key"}

var bigNumber = regexp.MustCompile(`\d{10,}(\.\d+)?`)

// describe is a request in one line; instants in it are replaced.
func describe(r *http.Request, body string) string {
	line := r.Method + " " + r.URL.Path
	if query, err := url.QueryUnescape(r.URL.RawQuery); err == nil && query != "" {
		line += "?" + query
	}
	var headers []string
	for name, values := range r.Header {
		if !slices.Contains(transport, name) {
			headers = append(headers, fmt.Sprintf("%s: %s", name, strings.Join(values, ", ")))
		}
	}
	slices.Sort(headers)
	line = strings.Join(append([]string{line}, headers...), " · ")
	if body != "" {
		if form, err := url.QueryUnescape(body); err == nil && r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
			body = form
		}
		line += " · body " + body
	}
	return bigNumber.ReplaceAllString(line, "<number>")
}
