package provider

import (
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/sluice-delivery/sluice/analysis"
)

// secrets are texts that no error may show.
type secrets struct {
	mu    sync.Mutex
	texts []string
}

// public are headers whose values may be shown.
var public = map[string]bool{"Accept": true, "Content-Type": true, "Host": true, "User-Agent": true}

// secrets lists the credentials of a Dial, in every form in which they go over the wire.
func (d Dial) secrets() *secrets {
	s := &secrets{}
	s.add(d.OAuth2.ClientSecret)
	if basic := d.BasicAuth; basic.Password != "" {
		s.add(basic.Password)
		s.add(base64.StdEncoding.EncodeToString([]byte(basic.Username + ":" + basic.Password)))
	}
	for _, header := range d.Headers {
		if !public[http.CanonicalHeaderKey(header.Key)] {
			s.add(header.Value)
			_, word, _ := strings.Cut(header.Value, " ") // what follows "Bearer"
			s.add(strings.TrimSpace(word))
		}
	}
	return s
}

func (s *secrets) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text != "" {
		s.texts = append(s.texts, text)
	}
}

// userinfo is a user and password in a URL.
var userinfo = regexp.MustCompile(`://[^/?#\s"']*@`)

// Redact takes credentials out of the text of an error. Every error of a provider goes through it.
func (s *secrets) Redact(err error) error {
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text := analysis.Hide(err.Error(), s.texts)
	text = userinfo.ReplaceAllString(text, "://"+analysis.Mask+"@")
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

func (d Dial) redact(err error) error { return d.secrets().Redact(err) }
