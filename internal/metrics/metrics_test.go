package metrics

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
)

// text is what a scrape says, without comments, for the series that begin with one of the names.
func text(t *testing.T, c prometheus.Collector, names ...string) []string {
	t.Helper()
	registry := prometheus.NewRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&all, f); err != nil {
			t.Fatal(err)
		}
	}
	var lines []string
	for line := range strings.Lines(all.String()) {
		if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(line, n) }) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestStates(t *testing.T) {
	scheme, err := kube.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	three := int32(3)
	progressing := func(reason string) []v1alpha1.RolloutCondition {
		return []v1alpha1.RolloutCondition{{Type: v1alpha1.ConditionProgressing, Reason: reason}}
	}
	rollout := func(name string, change func(*v1alpha1.Rollout)) client.Object {
		r := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
		r.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{}
		change(r)
		return r
	}
	s := States{Reader: fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		rollout("done", func(r *v1alpha1.Rollout) {
			r.Spec.Replicas, r.Status.AvailableReplicas = &three, 2
			r.Status.Conditions = progressing(v1alpha1.ReasonNewReplicaSetAvailable)
			r.Spec.Strategy.Canary.TrafficRouting = &v1alpha1.RolloutTrafficRouting{Nginx: &v1alpha1.NginxTrafficRouting{}, ALB: &v1alpha1.ALBTrafficRouting{}}
		}),
		rollout("invalid", func(r *v1alpha1.Rollout) {
			r.Status.Conditions = append(progressing(v1alpha1.ReasonRolloutPaused), v1alpha1.RolloutCondition{Type: v1alpha1.ConditionInvalidSpec})
		}),
		&v1alpha1.AnalysisTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "rate"}, Spec: v1alpha1.AnalysisTemplateSpec{
			Metrics: []v1alpha1.Metric{{Name: "m", Provider: v1alpha1.MetricProvider{Prometheus: &v1alpha1.PrometheusMetric{}}}, {Name: "m"}}}},
	).Build()}
	want := strings.TrimSpace(`
rollout_info{name="done",namespace="shop",phase="Completed",strategy="canary",traffic_router="Nginx"} 1
rollout_info{name="invalid",namespace="shop",phase="InvalidSpec",strategy="canary",traffic_router=""} 1
rollout_info_replicas_unavailable{name="done",namespace="shop"} 1
rollout_info_replicas_unavailable{name="invalid",namespace="shop"} 1
rollout_phase{name="done",namespace="shop",phase="Abort",strategy="canary"} 0
rollout_phase{name="done",namespace="shop",phase="Completed",strategy="canary"} 1
rollout_phase{name="done",namespace="shop",phase="Error",strategy="canary"} 0
rollout_phase{name="done",namespace="shop",phase="Paused",strategy="canary"} 0
rollout_phase{name="done",namespace="shop",phase="Progressing",strategy="canary"} 0
rollout_phase{name="done",namespace="shop",phase="Timeout",strategy="canary"} 0
rollout_phase{name="invalid",namespace="shop",phase="Abort",strategy="canary"} 0
rollout_phase{name="invalid",namespace="shop",phase="Completed",strategy="canary"} 0
rollout_phase{name="invalid",namespace="shop",phase="Error",strategy="canary"} 0
rollout_phase{name="invalid",namespace="shop",phase="Paused",strategy="canary"} 0
rollout_phase{name="invalid",namespace="shop",phase="Progressing",strategy="canary"} 0
rollout_phase{name="invalid",namespace="shop",phase="Timeout",strategy="canary"} 0
analysis_template_metric_info{metric="m",name="rate",namespace="shop",type="Prometheus"} 1`)
	got := text(t, s, "rollout_info{", "rollout_info_replicas_unavailable", "rollout_phase", "analysis_template_metric_info")
	slices.Sort(got)
	lines := strings.Split(want, "\n")
	slices.Sort(lines)
	if !slices.Equal(got, lines) {
		t.Errorf("scraped\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

func TestRequestsAreCountedByWhatTheyAreAbout(t *testing.T) {
	for name, tc := range map[string]struct {
		method, url string
		want        []string
	}{
		"an object of a group":     {http.MethodPatch, "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web/status", []string{"rollouts", "shop", "web", "Patch"}},
		"a list of the core group": {http.MethodGet, "/api/v1/namespaces/shop/pods", []string{"pods", "shop", "", "List"}},
		"a watch of all":           {http.MethodGet, "/apis/apps/v1/replicasets?watch=true", []string{"replicasets", "", "", "Watch"}},
		"a namespace itself":       {http.MethodGet, "/api/v1/namespaces/shop", []string{"namespaces", "", "shop", "Get"}},
		"discovery":                {http.MethodGet, "/apis", []string{"Unknown", "", "", "Get"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(tc.method, "https://cluster"+tc.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			kind, namespace, object, verb := request(r)
			if got := []string{kind, namespace, object, verb}; !slices.Equal(got, tc.want) {
				t.Errorf("counted as %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSeriesOfADeletedRolloutGoAfterAWhile(t *testing.T) {
	m := New(prometheus.NewRegistry())
	clock := time.Unix(1000, 0)
	m.now = func() time.Time { return clock }
	web, shop := types.NamespacedName{Namespace: "shop", Name: "web"}, types.NamespacedName{Namespace: "shop", Name: "shop"}
	for _, key := range []types.NamespacedName{web, shop} {
		m.Reconciled(v1alpha1.RolloutKind, key, time.Second, true)
	}
	m.Forget(web)
	left := func() int { return len(text(t, m.failures[v1alpha1.RolloutKind], "rollout_reconcile_error")) }
	clock = clock.Add(64 * time.Second)
	if m.Sweep(); left() != 2 {
		t.Errorf("%d series after 64 s, want 2", left())
	}
	clock = clock.Add(time.Second)
	if m.Sweep(); left() != 1 {
		t.Errorf("%d series after 65 s, want 1", left())
	}
}

func TestFinishedUpdatesAreMeasured(t *testing.T) {
	m := New(prometheus.NewRegistry())
	start, end := metav1.NewTime(time.Unix(0, 0)), metav1.NewTime(time.Unix(100, 0))
	m.Finished(v1alpha1.RolloutDuration{RolloutStartedAt: &start, FinishedAt: &end, TotalManualPauseDurationSeconds: 60, CompletionStatus: v1alpha1.CompletionPromoted})
	for name, c := range map[string]prometheus.Collector{
		`rollout_duration_seconds_sum{status="Promoted"} 100`:             m.whole,
		`rollout_progression_duration_seconds_sum{status="Promoted"} 40`:  m.active,
		`rollout_manual_pause_duration_seconds_sum{status="Promoted"} 60`: m.waiting,
	} {
		if lines := text(t, c, "rollout_"); !slices.Contains(lines, name) {
			t.Errorf("want %s in %q", name, lines)
		}
	}
}
