package cmp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics count what the server does. No label has a value that a client chooses.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	refusals *prometheus.CounterVec
	answers  *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newMetrics(a *admission, c *cache) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_cmp_requests_total", Help: "Calls by method and result: ok or refused."}, []string{"method", "result"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_cmp_refusals_total", Help: "Calls that were refused, by reason: source (what is in the repository), parameter, archive, checksum, memory, calls, busy, slow, time, cancelled, output, stream, panic."}, []string{"reason"}),
		answers:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_cmp_answers_total", Help: "Manifests by where they came from: the cache (archive: the same bytes, tree: the same files that matter) or a render."}, []string{"from"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sluice_cmp_duration_seconds", Help: "Duration of calls by method, with reading the archive.", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}, []string{"method"}),
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	m.registry.MustRegister(m.requests, m.refusals, m.answers, m.duration, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("sluice_cmp_cache_bytes", "Size of the cached answers.", func() float64 { c.mu.Lock(); defer c.mu.Unlock(); return float64(c.bytes) }),
		gauge("sluice_cmp_cache_answers", "Number of cached answers.", func() float64 { c.mu.Lock(); defer c.mu.Unlock(); return float64(c.order.Len()) }),
		gauge("sluice_cmp_calls", "Calls that are open.", func() float64 { a.mu.Lock(); defer a.mu.Unlock(); return float64(a.calls) }),
		gauge("sluice_cmp_archive_bytes", "Archives that are held, packed and unpacked.", func() float64 { a.mu.Lock(); defer a.mu.Unlock(); return float64(a.bytes) }),
		gauge("sluice_cmp_abandoned", "Renderings that go on after their time was up.", func() float64 { a.mu.Lock(); defer a.mu.Unlock(); return float64(a.abandoned) }),
	)
	return m
}

func (m *metrics) answered(method, from string, took time.Duration) {
	m.requests.WithLabelValues(method, "ok").Inc()
	m.duration.WithLabelValues(method).Observe(took.Seconds())
	if from != "" {
		m.answers.WithLabelValues(from).Inc()
	}
}

func (m *metrics) refused(method, reason string, took time.Duration) {
	m.requests.WithLabelValues(method, "refused").Inc()
	m.refusals.WithLabelValues(reason).Inc()
	m.duration.WithLabelValues(method).Observe(took.Seconds())
}

// serve has /healthz and /metrics on a port of its own until the context ends. Nobody's manifests shall wait for a port
// that is taken, so that is said and no more.
func (m *metrics) serve(ctx context.Context, address string, log *slog.Logger) {
	if address == "" || address == "0" {
		return
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		log.Error("there are no metrics and no /healthz: choose another --metrics-address", "error", err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() {
		if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error("serve metrics", "error", err)
		}
	}()
	log.Info("metrics", "address", listener.Addr().String())
}
