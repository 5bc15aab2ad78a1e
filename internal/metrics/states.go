package metrics

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
)

// States reads the states of all objects from the caches, at each scrape.
type States struct {
	Reader     client.Reader
	Namespaced bool // then there are no ClusterAnalysisTemplates
}

var described = map[string]*prometheus.Desc{}

func describe(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc(name, help, labels, nil)
	described[name] = d
	return d
}

var (
	rolloutInfo        = describe("rollout_info", "A Rollout.", "namespace", "name", "strategy", "traffic_router", "phase")
	rolloutPhase       = describe("rollout_phase", "Deprecated: see rollout_info.", "namespace", "name", "strategy", "phase")
	replicasDesired    = describe("rollout_info_replicas_desired", "Pods wanted.", object...)
	replicasUpdated    = describe("rollout_info_replicas_updated", "Pods of the current revision.", object...)
	replicasAvailable  = describe("rollout_info_replicas_available", "Available pods.", object...)
	replicasMissing    = describe("rollout_info_replicas_unavailable", "Pods that are wanted and not available.", object...)
	runInfo            = describe("analysis_run_info", "An AnalysisRun.", "namespace", "name", "phase")
	runPhase           = describe("analysis_run_phase", "Deprecated: see analysis_run_info.", "namespace", "name", "phase")
	runMetricType      = describe("analysis_run_metric_type", "The provider of a metric of an AnalysisRun.", "namespace", "name", "metric", "type")
	runMetricPhase     = describe("analysis_run_metric_phase", "The phase of a metric of an AnalysisRun.", "namespace", "name", "metric", "type", "dry_run", "phase")
	templateInfo       = describe("analysis_template_info", "An AnalysisTemplate or ClusterAnalysisTemplate.", object...)
	templateMetricInfo = describe("analysis_template_metric_info", "A metric of an AnalysisTemplate.", "namespace", "name", "type", "metric")
)

// metricsPhases of a Rollout; InvalidSpec has no series of its own.
var metricsPhases = []string{"Completed", "Progressing", "Paused", "Timeout", "Error", "Abort"}

var runPhases = []v1alpha1.AnalysisPhase{v1alpha1.AnalysisPhasePending, v1alpha1.AnalysisPhaseError, v1alpha1.AnalysisPhaseFailed,
	v1alpha1.AnalysisPhaseSuccessful, v1alpha1.AnalysisPhaseRunning, v1alpha1.AnalysisPhaseInconclusive}

// Describe implements prometheus.Collector.
func (s States) Describe(out chan<- *prometheus.Desc) {
	for _, d := range described {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (s States) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var rollouts v1alpha1.RolloutList
	if s.Reader.List(ctx, &rollouts, client.UnsafeDisableDeepCopy) == nil {
		for i := range rollouts.Items {
			collectRollout(out, &rollouts.Items[i])
		}
	}
	var runs v1alpha1.AnalysisRunList
	if s.Reader.List(ctx, &runs, client.UnsafeDisableDeepCopy) == nil {
		for i := range runs.Items {
			collectRun(out, &runs.Items[i])
		}
	}
	var templates v1alpha1.AnalysisTemplateList
	if s.Reader.List(ctx, &templates, client.UnsafeDisableDeepCopy) == nil {
		for _, t := range templates.Items {
			collectTemplate(out, t.Namespace, t.Name, t.Spec)
		}
	}
	var cluster v1alpha1.ClusterAnalysisTemplateList
	if !s.Namespaced && s.Reader.List(ctx, &cluster, client.UnsafeDisableDeepCopy) == nil {
		for _, t := range cluster.Items {
			collectTemplate(out, "", t.Name, t.Spec)
		}
	}
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, value float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func is(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func collectRollout(out chan<- prometheus.Metric, r *v1alpha1.Rollout) {
	if _, broken := kube.Broken(r); broken {
		return
	}
	ns, name, phase, wanted := r.Namespace, r.Name, phaseOf(r), v1alpha1.ReplicasOrDefault(r)
	gauge(out, rolloutInfo, 1, ns, name, strategy(r), router(r), phase)
	for _, p := range metricsPhases {
		gauge(out, rolloutPhase, is(p == phase), ns, name, strategy(r), p)
	}
	gauge(out, replicasDesired, float64(wanted), ns, name)
	gauge(out, replicasUpdated, float64(r.Status.UpdatedReplicas), ns, name)
	gauge(out, replicasAvailable, float64(r.Status.AvailableReplicas), ns, name)
	gauge(out, replicasMissing, float64(max(wanted-r.Status.AvailableReplicas, 0)), ns, name)
}

func strategy(r *v1alpha1.Rollout) string {
	switch {
	case r.Spec.Strategy.BlueGreen != nil:
		return "blueGreen"
	case r.Spec.Strategy.Canary != nil:
		return "canary"
	}
	return "none"
}

// router is the last one configured, in this order (spec 11.5).
func router(r *v1alpha1.Rollout) (last string) {
	if r.Spec.Strategy.Canary == nil || r.Spec.Strategy.Canary.TrafficRouting == nil {
		return ""
	}
	t := r.Spec.Strategy.Canary.TrafficRouting
	for _, c := range []struct {
		set  bool
		name string
	}{{t.ALB != nil, "ALB"}, {t.Ambassador != nil, "Ambassador"}, {t.Istio != nil, "Istio"}, {t.Nginx != nil, "Nginx"}, {t.SMI != nil, "SMI"}, {t.AppMesh != nil, "AppMesh"}} {
		if c.set {
			last = c.name
		}
	}
	return last
}

var phaseByReason = map[string]string{
	v1alpha1.ReasonNewReplicaSetAvailable: "Completed", v1alpha1.ReasonRolloutPaused: "Paused",
	v1alpha1.ReasonReplicaSetCreateError: "Error", v1alpha1.ReasonProgressDeadlineExceeded: "Timeout", v1alpha1.ReasonRolloutAborted: "Abort",
}

func phaseOf(r *v1alpha1.Rollout) string {
	phase := "Progressing"
	for _, c := range r.Status.Conditions {
		if c.Type == v1alpha1.ConditionInvalidSpec {
			return "InvalidSpec"
		}
		if p, known := phaseByReason[c.Reason]; c.Type == v1alpha1.ConditionProgressing && known {
			phase = p
		}
	}
	return phase
}

func collectRun(out chan<- prometheus.Metric, run *v1alpha1.AnalysisRun) {
	if _, broken := kube.Broken(run); broken {
		return
	}
	phase := run.Status.Phase
	if phase == "" {
		phase = v1alpha1.AnalysisPhasePending
	}
	gauge(out, runInfo, 1, run.Namespace, run.Name, string(phase))
	for _, p := range runPhases {
		gauge(out, runPhase, is(p == phase), run.Namespace, run.Name, string(p))
	}
	for _, m := range distinct(run.Spec.Metrics) {
		kind, now, dry := provider(m), v1alpha1.AnalysisPhasePending, false
		for _, result := range run.Status.MetricResults {
			if result.Name == m.Name {
				now, dry = result.Phase, result.DryRun
			}
		}
		gauge(out, runMetricType, 1, run.Namespace, run.Name, m.Name, kind)
		for _, p := range runPhases {
			gauge(out, runMetricPhase, is(p == now), run.Namespace, run.Name, m.Name, kind, strconv.FormatBool(dry), string(p))
		}
	}
}

func collectTemplate(out chan<- prometheus.Metric, namespace, name string, spec v1alpha1.AnalysisTemplateSpec) {
	gauge(out, templateInfo, 1, namespace, name)
	for _, m := range distinct(spec.Metrics) {
		gauge(out, templateMetricInfo, 1, namespace, name, provider(m), m.Name)
	}
}

// distinct leaves out a second metric of the same name: two series with the same labels would spoil the whole answer.
func distinct(metrics []v1alpha1.Metric) (once []v1alpha1.Metric) {
	seen := map[string]bool{}
	for _, m := range metrics {
		if !seen[m.Name] {
			seen[m.Name] = true
			once = append(once, m)
		}
	}
	return once
}

// providerTypes are the names of spec 5.7, where they are not the JSON name of the field.
var providerTypes = map[string]string{
	"prometheus": "Prometheus", "job": "Job", "web": "Web", "kayenta": "Kayenta", "wavefront": "Wavefront", "datadog": "Datadog",
	"newRelic": "NewRelic", "cloudWatch": "CloudWatch", "graphite": "Graphite", "influxdb": "Influxdb", "plugin": "RPCPlugin",
}

func provider(m v1alpha1.Metric) string {
	chosen := v1alpha1.Chosen(m.Provider)
	if len(chosen) == 0 {
		return "Unknown Provider"
	}
	return cmp.Or(providerTypes[chosen[0].Name], chosen[0].Name)
}
