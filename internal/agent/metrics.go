package agent

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// collectors are what Prometheus can ask the agent, beside what controller-runtime counts.
type collectors struct {
	info  *prometheus.GaugeVec
	syncs *prometheus.CounterVec
}

func newCollectors() *collectors {
	return &collectors{
		info: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sluice_application_info", Help: "1 for the present verdict over an Application.",
		}, []string{"namespace", "name", "sync_status", "health_status", "reason"}),
		syncs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_application_sync_total", Help: "Syncs that ended, by how.",
		}, []string{"namespace", "name", "phase"}),
	}
}

func (c *collectors) register() error {
	for _, collector := range []prometheus.Collector{c.info, c.syncs} {
		if err := metrics.Registry.Register(collector); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}

func (c *collectors) application(key types.NamespacedName, s Status) {
	c.info.DeletePartialMatch(prometheus.Labels{"namespace": key.Namespace, "name": key.Name})
	c.info.WithLabelValues(key.Namespace, key.Name, s.Sync.Status, s.Health.Status, s.Sync.Reason).Set(1)
}

func (c *collectors) synced(key types.NamespacedName, phase string) {
	c.syncs.WithLabelValues(key.Namespace, key.Name, phase).Inc()
}

func (c *collectors) forget(key types.NamespacedName) {
	c.info.DeletePartialMatch(prometheus.Labels{"namespace": key.Namespace, "name": key.Name})
}
