package deliver_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
)

const token = "xoxb-very+secret/token"

// A slack speaks the part of Slack's Web API that posts messages.
type slack struct {
	*httptest.Server
	mu       sync.Mutex
	messages []map[string]string // as they came: channel, text, attachments
	refuse   string              // answer every message with this error
}

func newSlack(t *testing.T) *slack {
	s := &slack{}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *slack) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fail := func(why string) {
		fmt.Fprintf(w, `{"ok":false,"error":%q}`, why)
	}
	w.Header().Set("Content-Type", "application/json")
	given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if given == "" {
		given = r.FormValue("token")
	}
	switch {
	case r.URL.Path != "/chat.postMessage" || r.Method != http.MethodPost:
		fail("unknown_method")
	case given == "":
		fail("not_authed")
	case given != token:
		fail("invalid_auth")
	case r.FormValue("channel") == "nowhere":
		fail("channel_not_found")
	case s.refuse != "":
		fail(s.refuse)
	default:
		m := map[string]string{}
		for _, field := range []string{"channel", "text", "attachments", "username"} {
			m[field] = r.FormValue(field)
		}
		s.messages = append(s.messages, m)
		json.NewEncoder(w).Encode(map[string]any{"ok": true, "channel": "C1", "ts": fmt.Sprint(len(s.messages), ".0"), "message": map[string]any{"text": m["text"]}})
	}
}

func (s *slack) got() []map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.messages
}

// A mailer is a small SMTP server that asks for a name and a password.
type mailer struct {
	host     string
	port     int
	password string
	mu       sync.Mutex
	mails    []string // envelope and content
}

func newMailer(t *testing.T, password string) *mailer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailer{host: "127.0.0.1", port: l.Addr().(*net.TCPAddr).Port, password: password}
	var talks sync.WaitGroup
	talks.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			talks.Go(func() { defer c.Close(); m.talk(c) })
		}
	})
	t.Cleanup(func() { l.Close(); talks.Wait() })
	return m
}

func (m *mailer) talk(c net.Conn) {
	text := textproto.NewReader(bufio.NewReader(c))
	say := func(line string) { io.WriteString(c, line+"\r\n") }
	say("220 stand-in ESMTP")
	var envelope []string
	for known := false; ; {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch verb = strings.ToUpper(verb); {
		case verb == "EHLO":
			say("250-stand-in")
			say("250 AUTH PLAIN")
		case verb == "AUTH":
			_, given, _ := strings.Cut(rest, " ")
			if known = given == base64.StdEncoding.EncodeToString([]byte("\x00bot\x00"+m.password)); !known {
				say("535 5.7.8 wrong: " + given)
				continue
			}
			say("235 welcome")
		case verb == "QUIT":
			say("221 bye")
			return
		case !known:
			say("530 5.7.0 authentication required")
		case verb == "MAIL" || verb == "RCPT":
			envelope = append(envelope, line)
			say("250 ok")
		case verb == "DATA":
			say("354 go on")
			lines, err := text.ReadDotLines()
			if err != nil {
				return
			}
			m.mu.Lock()
			m.mails = append(m.mails, strings.Join(append(envelope, lines...), "\n"))
			m.mu.Unlock()
			say("250 queued")
		default:
			say("502 not implemented")
		}
	}
}
