package story

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Slack is a small stand-in of Slack's Web API: it speaks chat.postMessage, checks the token and keeps what it was sent.
type Slack struct {
	token    string
	server   *http.Server
	mutex    sync.Mutex
	messages []Message
	refused  int
}

// Message is one that came in with the right token.
type Message struct {
	At            time.Time
	Channel, Text string
}

// ServeSlack listens on an address of this machine; the API is below /api/.
func ServeSlack(address, token string) (*Slack, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Slack{token: token}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/chat.postMessage", s.post)
	s.server = &http.Server{Handler: mux}
	go func() { _ = s.server.Serve(listener) }() // ends when it is closed
	return s, nil
}

func (s *Slack) post(w http.ResponseWriter, r *http.Request) {
	answer := map[string]any{"ok": false, "error": "invalid_auth"}
	s.mutex.Lock()
	if r.Header.Get("Authorization") == "Bearer "+s.token || r.FormValue("token") == s.token {
		now := time.Now()
		s.messages = append(s.messages, Message{At: now, Channel: r.FormValue("channel"), Text: r.FormValue("text")})
		answer = map[string]any{"ok": true, "channel": r.FormValue("channel"), "ts": fmt.Sprintf("%d.%06d", now.Unix(), now.Nanosecond()/1000)}
	} else {
		s.refused++
	}
	s.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // a client that has gone asks again
}

// Messages are all that came in so far, and how many were refused for a wrong token.
func (s *Slack) Messages() ([]Message, int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]Message(nil), s.messages...), s.refused
}

// Close ends it.
func (s *Slack) Close() { _ = s.server.Close() }
