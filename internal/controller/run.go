package controller

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/sluice-delivery/sluice/analysis/provider"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/catalog"
	"github.com/sluice-delivery/sluice/internal/config"
	"github.com/sluice-delivery/sluice/internal/kube"
	"github.com/sluice-delivery/sluice/internal/metrics"
	"github.com/sluice-delivery/sluice/internal/version"
	"github.com/sluice-delivery/sluice/traffic"
)

const component = "rollouts-controller"

// An Extension adds something to the manager before it starts, such as a listener to all events (Shell.Events.Listen).
type Extension func(ctx context.Context, mgr manager.Manager, s *Shell) error

// Run runs the controllers until ctx ends. Losing the lease is an error.
func Run(ctx context.Context, conf config.Config, log *slog.Logger, extensions ...Extension) error {
	cluster, err := conf.REST()
	if err != nil {
		return err
	}
	cluster.UserAgent = component + "/" + version.Version
	scheme, err := kube.Scheme()
	if err != nil {
		return err
	}
	counts := metrics.New(ctrlmetrics.Registry)
	kube.Watch(cluster, counts.Asked)
	election := rest.CopyConfig(cluster)
	kube.Bound(cluster, conf.WriteLimit())
	cluster.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(conf.QPS, conf.Burst) // one for all kinds together

	caches, err := newCaches(cluster, conf, scheme, log)
	if err != nil {
		return err
	}
	mgr, err := newManager(cluster, election, conf, scheme, caches)
	if err != nil {
		return err
	}
	recorder, err := newRecorder(cluster, scheme, log)
	if err != nil {
		return err
	}
	shell := &Shell{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Caches: caches, Fence: kube.NewFence(caches), Events: recorder,
		Metrics: counts, Config: conf, Now: time.Now, Log: log,
		Routers: func(r *v1alpha1.Rollout) ([]traffic.Router, error) { return catalog.Routers(r, conf.Traffic) },
	}
	recorder.Listen(counts.Told)
	for _, add := range append([]Extension{addServers, addAnalysis, addRollouts, addNotifications}, extensions...) {
		if err := add(ctx, mgr, shell); err != nil {
			return err
		}
	}
	log.Info("rollouts controller", "version", version.Version, "namespace", orAll(conf.Namespace), "instance", conf.InstanceID, "lease", conf.Home+"/"+conf.LeaseName())
	return mgr.Start(ctx)
}

func orAll(namespace string) string {
	if namespace == "" {
		return "all"
	}
	return namespace
}

func newCaches(cluster *rest.Config, conf config.Config, scheme *runtime.Scheme, log *slog.Logger) (*kube.Caches, error) {
	d, err := dynamic.NewForConfig(cluster)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return kube.NewCaches(kube.Scope{Namespace: conf.Namespace, InstanceID: conf.InstanceID}, scheme, d, func(o client.Object, err error) {
		log.Warn("object skipped", "object", kube.Key(o), "error", err)
	}), nil
}

func newManager(cluster, election *rest.Config, conf config.Config, scheme *runtime.Scheme, caches *kube.Caches) (manager.Manager, error) {
	drain := min(conf.WriteLimit(), 5*time.Second) + 5*time.Second // a write that is under way, and the events that wait
	mgr, err := manager.New(cluster, manager.Options{
		Scheme:                        scheme,
		Cache:                         caches.Options(conf.Resync),
		Client:                        client.Options{Cache: &client.CacheOptions{Unstructured: true}},
		LeaderElection:                conf.LeaderElect,
		LeaderElectionID:              conf.LeaseName(),
		LeaderElectionNamespace:       conf.Home,
		LeaderElectionResourceLock:    resourcelock.LeasesResourceLock,
		LeaderElectionConfig:          election,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &conf.LeaseDuration,
		RenewDeadline:                 &conf.RenewDeadline,
		RetryPeriod:                   &conf.RetryPeriod,
		Metrics:                       metricsserver.Options{BindAddress: port(conf.MetricsPort)},
		PprofBindAddress:              conf.PprofAddress,
		GracefulShutdownTimeout:       &drain,
	})
	if err != nil {
		return nil, fmt.Errorf("make the manager: %w", err)
	}
	return mgr, nil
}

func port(n int) string { return fmt.Sprintf(":%d", n) }

// newRecorder writes with a rate limit of its own: events never delay a reconcile, and reconciles no event.
func newRecorder(cluster *rest.Config, scheme *runtime.Scheme, log *slog.Logger) (*kube.Recorder, error) {
	own := rest.CopyConfig(cluster)
	own.RateLimiter = nil
	c, err := client.New(own, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("make a client for events: %w", err)
	}
	return kube.NewRecorder(c, component, log), nil
}

// addServers adds what every controller process has, leader or not: events, health, metrics.
func addServers(_ context.Context, mgr manager.Manager, s *Shell) error {
	health := http.NewServeMux()
	health.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, "ok")
	})
	for _, r := range []manager.Runnable{
		s.Events,
		&manager.Server{Name: "health", Server: &http.Server{Addr: port(s.Config.HealthPort), Handler: health, ReadHeaderTimeout: 10 * time.Second}},
		sweeper(s.Metrics.Sweep),
	} {
		if err := mgr.Add(r); err != nil {
			return fmt.Errorf("add %T: %w", r, err)
		}
	}
	return ctrlmetrics.Registry.Register(metrics.States{Reader: mgr.GetClient(), Namespaced: s.Config.Namespaced})
}

// sweeper runs every few seconds, on every process.
type sweeper func()

func (sweep sweeper) Start(ctx context.Context) error {
	every := time.NewTicker(5 * time.Second)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			sweep()
		case <-ctx.Done():
			return nil
		}
	}
}

func (sweeper) NeedLeaderElection() bool { return false }

func addAnalysis(_ context.Context, mgr manager.Manager, s *Shell) error {
	return SetupAnalysisRuns(mgr, AnalysisRunDeps{
		Client: s.Client, Direct: s.Live, Fence: kube.NewFence(s.Caches), Tell: s.Events.Tell, Now: s.Now,
		Providers: catalog.Providers(provider.Deps{HTTP: provider.NewTransport(), PrometheusAddress: s.Config.PrometheusAddress}),
		Threads:   s.Config.Threads.Analysis, Log: s.Log,
		Reconciled: func(key types.NamespacedName, took time.Duration, err error) {
			s.Metrics.Reconciled(v1alpha1.AnalysisRunKind, key, took, err != nil)
		},
	})
}

func addRollouts(ctx context.Context, mgr manager.Manager, s *Shell) error {
	if s.Config.AnalysisOnly {
		return nil
	}
	return s.SetUp(ctx, mgr)
}
