// Package config reads what a binary was started with, flags and environment, into one value, and refuses what it
// cannot honour. What the values mean for a Rollout is left to others.
package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sluice-delivery/sluice/traffic"
)

// DefaultNamespace is the controller's when neither POD_NAMESPACE nor a ServiceAccount says another.
const DefaultNamespace = "argo-rollouts"

// AnalysisController is the one controller that may run alone (--controllers).
const AnalysisController = "analysis"

// A Config is what the rollouts controller was started with (spec 11.1).
type Config struct {
	Kube   clientcmd.ClientConfig // where the API server is; in-cluster without a kubeconfig
	QPS    float32
	Burst  int
	Resync time.Duration

	Namespaced bool   // look at one namespace only
	Namespace  string // that namespace; empty otherwise
	InstanceID string
	Home       string // the controller's own namespace: lease, ConfigMaps, Secrets

	MetricsPort, HealthPort int
	PprofAddress            string

	LogLevel, LogFormat string
	KlogLevel           int

	Threads Threads

	LeaderElect                               bool
	LeaseDuration, RenewDeadline, RetryPeriod time.Duration

	Traffic           traffic.Options
	ALBIngressClasses []string

	PodUpdateRetries        int  // attempts after a conflict while metadata of pods is written
	SelfServiceNotification bool // also read the notification configuration of the Rollout's namespace

	AnalysisOnly bool // run nothing but the AnalysisRun controller

	PrometheusAddress string        // for metrics that name none
	VerifyRetry       time.Duration // between two questions whether a weight has arrived
}

// Threads is how many objects of a kind are worked on at the same time.
type Threads struct {
	Rollout, Analysis, Service, Ingress int
}

// REST is how to reach the API server.
func (c Config) REST() (*rest.Config, error) {
	r, err := c.Kube.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find the API server: %w", err)
	}
	r.QPS, r.Burst = c.QPS, c.Burst
	return r, nil
}

// LeaseName is the lock that one of several controllers holds (spec 11.2).
func (c Config) LeaseName() string {
	const lock = "argo-rollouts-controller-lock"
	if c.InstanceID == "" {
		return lock
	}
	return lock + "-" + c.InstanceID
}

// WriteLimit is how long one writing request may take: shorter than the gap in which an old leader may still act. Who
// is alone may be patient.
func (c Config) WriteLimit() time.Duration {
	if !c.LeaderElect {
		return 30 * time.Second
	}
	return max((c.LeaseDuration-c.RenewDeadline)*4/5, 100*time.Millisecond)
}

func (c Config) validate() error {
	checks := []struct {
		wrong bool
		text  string
	}{
		{c.RenewDeadline >= c.LeaseDuration, "--leader-election-renew-deadline has to be shorter than --leader-election-lease-duration"},
		{c.RetryPeriod <= 0 || c.RetryPeriod >= c.RenewDeadline, "--leader-election-retry-period has to be shorter than --leader-election-renew-deadline"},
		{c.QPS <= 0 || c.Burst <= 0, "--qps and --burst have to be greater than 0"},
		{c.Resync <= 0, "--rollout-resync has to be greater than 0"},
		{min(c.Threads.Rollout, c.Threads.Analysis, c.Threads.Service, c.Threads.Ingress) < 1, "numbers of threads have to be greater than 0"},
		{!slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel), "--loglevel is one of debug, info, warn, error"},
		{!slices.Contains([]string{"", "text", "json"}, c.LogFormat), "--logformat is text or json"},
		{c.MetricsPort == c.HealthPort && c.MetricsPort != 0, "--metricsPort and --healthzPort have to differ"},
	}
	for _, check := range checks {
		if check.wrong {
			return fmt.Errorf("%s", check.text)
		}
	}
	return nil
}

// home is the namespace that the controller lives in.
func home(getenv func(string) string, serviceAccount string) string {
	if ns := getenv("POD_NAMESPACE"); ns != "" {
		return ns
	}
	if data, err := os.ReadFile(serviceAccount); err == nil && len(strings.TrimSpace(string(data))) > 0 {
		return strings.TrimSpace(string(data))
	}
	return DefaultNamespace
}
