// Package metrics counts and measures what the controller does, under the names of spec 11.5. States of objects are
// read from the caches when somebody asks; what happens is counted as it happens. It decides nothing.
package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
	"github.com/sluice-delivery/sluice/internal/version"
)

// linger is how long the series of a deleted object are kept, so that its last values are scraped.
const linger = 65 * time.Second

var reconcileBuckets = []float64{.01, .15, .25, .5, 1}

// Metrics of one controller process.
type Metrics struct {
	events        *prometheus.CounterVec
	reconciles    map[string]*prometheus.HistogramVec // by kind
	failures      map[string]*prometheus.CounterVec
	requests      *prometheus.CounterVec
	sent, unsent  *prometheus.CounterVec
	sending       *prometheus.HistogramVec
	whole, active *prometheus.HistogramVec
	waiting       *prometheus.HistogramVec

	mu   sync.Mutex
	gone map[types.NamespacedName]time.Time // deleted Rollouts and AnalysisRuns, and when
	now  func() time.Time
}

var object = []string{"namespace", "name"}

// New registers the metrics. The states of objects are added with Observe.
func New(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		events:     counter("rollout_events_total", "Events told about a Rollout.", "namespace", "name", "type", "reason"),
		reconciles: map[string]*prometheus.HistogramVec{}, failures: map[string]*prometheus.CounterVec{},
		requests: counter("controller_clientset_k8s_request_total", "Requests to the API server.", "kind", "namespace", "name", "verb", "status_code"),
		sent:     counter("notification_send_success", "Notifications delivered.", "namespace", "name", "type", "reason"),
		unsent:   counter("notification_send_error", "Notifications not delivered.", "namespace", "name", "type", "reason"),
		sending:  histogram("notification_send", "Time taken by notifications, in seconds.", reconcileBuckets, object...),
		whole: histogram("rollout_duration_seconds", "Time from the start of an update to its end.",
			[]float64{30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800}, "status"),
		active: histogram("rollout_progression_duration_seconds", "The same without the time in which a person was waited for.",
			[]float64{30, 60, 120, 300, 600, 900, 1800, 3600}, "status"),
		waiting: histogram("rollout_manual_pause_duration_seconds", "Time in which a person was waited for.",
			[]float64{0, 60, 300, 600, 1800, 3600, 7200, 14400, 28800}, "status"),
		gone: map[types.NamespacedName]time.Time{}, now: time.Now,
	}
	for kind, prefix := range map[string]string{v1alpha1.RolloutKind: "rollout", v1alpha1.AnalysisRunKind: "analysis_run"} {
		m.reconciles[kind] = histogram(prefix+"_reconcile", "Time taken by one look at an object, in seconds.", reconcileBuckets, object...)
		m.failures[kind] = counter(prefix+"_reconcile_error", "Looks at an object that ended in an error.", object...)
		registry.MustRegister(m.reconciles[kind], m.failures[kind])
	}
	registry.MustRegister(m.events, m.requests, m.sent, m.unsent, m.sending, m.whole, m.active, m.waiting,
		constant("argo_rollouts_controller_info", "The controller's version.", prometheus.Labels{"version": version.Version}),
		constant("build_info", "What the controller was built from.", prometheus.Labels{
			"version": version.Version, "goversion": runtime.Version(), "goarch": runtime.GOARCH, "commit": version.Commit}))
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

func constant(name, help string, labels prometheus.Labels) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, func() float64 { return 1 })
}

// Reconciled counts one look at an object of a kind (Rollout or AnalysisRun).
func (m *Metrics) Reconciled(kind string, key types.NamespacedName, took time.Duration, failed bool) {
	m.reconciles[kind].WithLabelValues(key.Namespace, key.Name).Observe(took.Seconds())
	if failed {
		m.failures[kind].WithLabelValues(key.Namespace, key.Name).Inc()
	}
}

// Told is a kube.Listener.
func (m *Metrics) Told(about client.Object, e kube.Event) {
	m.events.WithLabelValues(about.GetNamespace(), about.GetName(), e.Type(), e.Reason).Inc()
}

// Notified counts one attempt at a notification about an object, under the type and the reason of the event; for a state
// that came to hold the reason is the trigger.
func (m *Metrics) Notified(key types.NamespacedName, kind, reason string, took time.Duration, err error) {
	m.sending.WithLabelValues(key.Namespace, key.Name).Observe(took.Seconds())
	if err != nil {
		m.unsent.WithLabelValues(key.Namespace, key.Name, kind, reason).Inc()
		return
	}
	m.sent.WithLabelValues(key.Namespace, key.Name, kind, reason).Inc()
}

// Finished measures an update whose end was just written.
func (m *Metrics) Finished(d v1alpha1.RolloutDuration) {
	if d.RolloutStartedAt == nil || d.FinishedAt == nil {
		return
	}
	whole := d.FinishedAt.Sub(d.RolloutStartedAt.Time).Seconds()
	waited := float64(d.TotalManualPauseDurationSeconds)
	m.whole.WithLabelValues(string(d.CompletionStatus)).Observe(whole)
	m.active.WithLabelValues(string(d.CompletionStatus)).Observe(max(whole-waited, 0))
	m.waiting.WithLabelValues(string(d.CompletionStatus)).Observe(waited)
}

// Asked counts a request to the API server; answer is nil when there was none.
func (m *Metrics) Asked(r *http.Request, answer *http.Response) {
	code := "0"
	if answer != nil {
		code = strconv.Itoa(answer.StatusCode)
	}
	kind, namespace, name, verb := request(r)
	if kind == "events" { // each has a name of its own: a series for each would be a leak
		name = ""
	}
	m.requests.WithLabelValues(kind, namespace, name, verb, code).Inc()
}

// request reads what a request is about from its path.
func request(r *http.Request) (kind, namespace, name, verb string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case parts[0] == "api" && len(parts) > 2:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		parts = parts[3:]
	default:
		return "Unknown", "", "", verbs[r.Method]
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		namespace, parts = parts[1], parts[2:]
	}
	kind = parts[0]
	if len(parts) > 1 {
		name = parts[1]
	}
	verb = verbs[r.Method]
	switch {
	case verb == "Get" && r.URL.Query().Get("watch") != "":
		verb = "Watch"
	case verb == "Get" && name == "":
		verb = "List"
	}
	return kind, namespace, name, verb
}

var verbs = map[string]string{http.MethodGet: "Get", http.MethodPost: "Create", http.MethodPut: "Update", http.MethodPatch: "Patch", http.MethodDelete: "Delete"}

// Forget drops the series of an object of a kind a while from now. Sweep has to be called from time to time.
func (m *Metrics) Forget(key types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone[key] = m.now()
}

// Keep takes Forget back: the object is there (again).
func (m *Metrics) Keep(key types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.gone, key)
}

// Sweep drops what was forgotten long enough ago.
func (m *Metrics) Sweep() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, when := range m.gone {
		if m.now().Sub(when) < linger {
			continue
		}
		delete(m.gone, key)
		labels := prometheus.Labels{"namespace": key.Namespace, "name": key.Name}
		for _, vec := range []*prometheus.CounterVec{m.events, m.requests, m.sent, m.unsent, m.failures[v1alpha1.RolloutKind], m.failures[v1alpha1.AnalysisRunKind]} {
			vec.DeletePartialMatch(labels)
		}
		for _, vec := range []*prometheus.HistogramVec{m.sending, m.reconciles[v1alpha1.RolloutKind], m.reconciles[v1alpha1.AnalysisRunKind]} {
			vec.DeletePartialMatch(labels)
		}
	}
}
