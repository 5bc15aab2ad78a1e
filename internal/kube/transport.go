package kube

import (
	"context"
	"io"
	"net/http"
	"time"

	"k8s.io/client-go/rest"
)

// Bound ends every writing request after limit. A leader whose lease is lost has no longer than the gap between renew
// deadline and lease duration before the next one acts; what it sent must be done or given up by then.
func Bound(config *rest.Config, limit time.Duration) {
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return bounded{next, limit} })
}

// Watch calls done after each request, with its answer; the answer is nil when there was none.
func Watch(config *rest.Config, done func(*http.Request, *http.Response)) {
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return watched{next, done} })
}

type bounded struct {
	next  http.RoundTripper
	limit time.Duration
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return b.next.RoundTrip(r)
	}
	ctx, cancel := context.WithTimeout(r.Context(), b.limit)
	answer, err := b.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	answer.Body = body{answer.Body, cancel}
	return answer, nil
}

// WrappedRoundTripper lets client-go look through.
func (b bounded) WrappedRoundTripper() http.RoundTripper { return b.next }

// body ends its request's context when it is closed.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b body) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

type watched struct {
	next http.RoundTripper
	done func(*http.Request, *http.Response)
}

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := w.next.RoundTrip(r)
	w.done(r, answer)
	return answer, err
}

// WrappedRoundTripper lets client-go look through.
func (w watched) WrappedRoundTripper() http.RoundTripper { return w.next }
