package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Largest is how many bytes of an answer are read. A longer one is an error.
const Largest = 8 << 20

// HTTP makes a Provider of two functions without a network in them.
type HTTP struct {
	Transport *Transport
	// Request builds the question, and says how the server wants to be talked to.
	Request func(q Query) (*http.Request, Dial, error)
	// Parse reads the answer, whose status is one of success.
	Parse func(q Query, body []byte) (Sample, error)
}

// Measure implements Provider.
func (h HTTP) Measure(ctx context.Context, q Query) (Sample, error) {
	request, dial, err := h.Request(q)
	if err != nil {
		return Sample{}, dial.redact(err)
	}
	ctx, cancel := context.WithTimeout(ctx, dial.Timeout)
	defer cancel()
	session := h.Transport.Session(ctx, dial)
	body, err := session.ask(request.WithContext(ctx))
	if err != nil {
		return Sample{}, session.Redact(err)
	}
	sample, err := h.Parse(q, body)
	return sample, session.Redact(err)
}

// A Dial says how the server of one metric wants to be talked to.
type Dial struct {
	Timeout   time.Duration
	Insecure  bool // whatever certificate the server shows is accepted
	Headers   []v1alpha1.WebMetricHeader
	BasicAuth v1alpha1.BasicAuthConfig
	OAuth2    v1alpha1.OAuth2Config // client credentials, when TokenURL is set
}

// Check says which part of the credentials is missing (spec 5.7).
func (d Dial) Check() error {
	switch basic, oauth := d.BasicAuth, d.OAuth2; {
	case basic.Username == "" && basic.Password != "":
		return errors.New("missing mandatory parameter in metric for basic auth setup: username")
	case basic.Username != "" && basic.Password == "":
		return errors.New("missing mandatory parameter in metric for basic auth setup: password")
	case oauth.TokenURL != "" && (oauth.ClientID == "" || oauth.ClientSecret == ""):
		return errors.New("missing mandatory parameter in metric for OAuth2 setup")
	}
	return nil
}

// A Transport holds the connections to metrics systems. It honours the proxy settings of the process.
type Transport struct{ verified, unverified http.RoundTripper }

// NewTransport returns a transport without connections.
func NewTransport() *Transport {
	return &Transport{verified: base(false), unverified: base(true)}
}

func base(insecure bool) http.RoundTripper {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		TLSClientConfig:       &tls.Config{InsecureSkipVerify: insecure}, // the user's wish, per metric
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// A Session is the way to one server for one measurement.
type Session struct {
	// Client sends requests with the credentials of the Dial.
	Client *http.Client
	*secrets
}

// Session returns a way to the server that d describes. A token is fetched when it is first needed, under ctx.
func (t *Transport) Session(ctx context.Context, d Dial) *Session {
	next := t.verified
	if d.Insecure {
		next = t.unverified
	}
	next = limited{next}
	known := d.secrets()
	auth := authorized{next: next, dial: d}
	if d.OAuth2.TokenURL != "" {
		config := clientcredentials.Config{ClientID: d.OAuth2.ClientID, ClientSecret: d.OAuth2.ClientSecret, TokenURL: d.OAuth2.TokenURL, Scopes: d.OAuth2.Scopes}
		ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: next})
		auth.tokens = noted{config.TokenSource(ctx), known}
	}
	return &Session{Client: &http.Client{Transport: auth}, secrets: known}
}

// ask sends a request and returns the whole answer.
func (s *Session) ask(r *http.Request) ([]byte, error) {
	answer, err := s.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return nil, fmt.Errorf("received non 2xx response code: %d", answer.StatusCode)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return body, nil
}

// authorized adds credentials and headers to requests; headers win over basic authentication, and that over a token.
// A server that redirects elsewhere does not get them sent there.
type authorized struct {
	next   http.RoundTripper
	dial   Dial
	tokens oauth2.TokenSource
}

// RoundTrip implements http.RoundTripper.
func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	first := r
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	if first.URL.Host != r.URL.Host || first.URL.Scheme != r.URL.Scheme {
		return a.next.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	if a.tokens != nil {
		token, err := a.tokens.Token()
		if err != nil {
			return nil, err
		}
		token.SetAuthHeader(r)
	}
	if a.dial.BasicAuth.Username != "" {
		r.SetBasicAuth(a.dial.BasicAuth.Username, a.dial.BasicAuth.Password)
	}
	for _, header := range a.dial.Headers {
		if r.Header.Set(header.Key, header.Value); http.CanonicalHeaderKey(header.Key) == "Host" {
			r.Host = header.Value
		}
	}
	return a.next.RoundTrip(r)
}

// noted remembers tokens, which must not be shown either.
type noted struct {
	source oauth2.TokenSource
	known  *secrets
}

// Token implements oauth2.TokenSource.
func (n noted) Token() (*oauth2.Token, error) {
	token, err := n.source.Token()
	if err == nil {
		n.known.add(token.AccessToken)
		n.known.add(token.RefreshToken)
	}
	return token, err
}

// limited ends answers that are too long.
type limited struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.next.RoundTrip(r)
	if err == nil {
		answer.Body = &measuredBody{ReadCloser: answer.Body, left: Largest}
	}
	return answer, err
}

type measuredBody struct {
	io.ReadCloser
	left int
}

// Read implements io.Reader.
func (b *measuredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, fmt.Errorf("the answer is longer than %d bytes", Largest)
	}
	return n, err
}
