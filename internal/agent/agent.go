// Package agent is the shell of the GitOps agent: it reads Applications, looks at Git and at the cluster, acts on what
// package sync decides, and writes what it saw into the Application's status.
//
// It leaves to others every decision (sync, health, render) and every protocol (sync/git, sync/engine).
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	gosync "sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/sluice-delivery/sluice/sync/engine"
)

// Config is everything that can be set.
type Config struct {
	// Namespace is the agent's own: its lease is there.
	Namespace string
	// ApplicationNamespaces are where Applications are read. Who may write one there may use the agent's rights.
	ApplicationNamespaces []string
	// TargetNamespaces limit where objects may go. Empty: anywhere, and cluster-wide objects too.
	TargetNamespaces []string
	// ReconcileInterval is how often Git is asked.
	ReconcileInterval time.Duration
	// GitTimeout bounds one look at Git.
	GitTimeout time.Duration
	// Workers is how many Applications are looked at at once.
	Workers int
	// MetricsAddress and HealthAddress serve /metrics, and /healthz and /readyz. "0" turns one off.
	MetricsAddress, HealthAddress string
	// LeaderElection lets only one of several agents act.
	LeaderElection bool
}

// Validate says what is wrong with a Config.
func (c Config) Validate() error {
	switch {
	case c.ReconcileInterval < time.Second:
		return errors.New("--reconcile-interval must be at least 1s")
	case c.GitTimeout < time.Second:
		return errors.New("--git-timeout must be at least 1s")
	case c.Workers < 1:
		return errors.New("--workers must be at least 1")
	case len(c.ApplicationNamespaces) == 0:
		return errors.New("--application-namespaces must name at least one namespace")
	case c.Namespace == "":
		return errors.New("--namespace is required outside of a pod")
	}
	return nil
}

// An Agent looks after all Applications of some namespaces.
type Agent struct {
	config  Config
	client  dynamic.Interface
	engine  *engine.Engine
	events  recorder
	metrics *collectors
	log     *slog.Logger
	now     func() time.Time

	mutex  gosync.Mutex
	states map[types.NamespacedName]*state
}

// recorder tells people about an object.
type recorder struct{ events.EventRecorder }

// Event tells one thing. Kind is Normal or Warning.
func (r recorder) Event(obj runtime.Object, kind, reason, text string) {
	r.Eventf(obj, nil, kind, reason, "Reconcile", "%s", text)
}

// Run looks after Applications until the context ends.
func Run(ctx context.Context, config *rest.Config, c Config, log *slog.Logger) error {
	config = rest.CopyConfig(config)
	config.UserAgent = "sluice-gitops-agent"
	if config.QPS == 0 {
		config.QPS, config.Burst = 100, 200
	}
	m, err := newManager(config, c, log)
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	changed := make(chan event.GenericEvent, 1024)
	a := &Agent{
		config: c, client: client, log: log, now: time.Now, states: map[types.NamespacedName]*state{},
		events: recorder{m.GetEventRecorder("sluice-gitops-agent")}, metrics: newCollectors(),
		engine: engine.New(config, engine.Options{Namespaces: c.TargetNamespaces, Log: quietly(log), Changed: notify(changed)}),
	}
	if err := a.metrics.register(); err != nil {
		return err
	}
	if err := a.watch(m, changed); err != nil {
		return err
	}
	// The first list of the whole cluster takes seconds: begin at once.
	if err := m.Add(manager.RunnableFunc(func(context.Context) error {
		if err := a.engine.Ready(); err != nil {
			log.Warn("the first look at the cluster failed and is tried again", "error", err)
		}
		return nil
	})); err != nil {
		return fmt.Errorf("add the first look at the cluster: %w", err)
	}
	defer a.engine.Stop()
	log.Info("start", "applications", c.ApplicationNamespaces, "targets", c.TargetNamespaces, "interval", c.ReconcileInterval.String())
	if err := m.Start(ctx); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

func newManager(config *rest.Config, c Config, log *slog.Logger) (manager.Manager, error) {
	namespaces := map[string]cache.Config{}
	for _, n := range c.ApplicationNamespaces {
		namespaces[n] = cache.Config{}
	}
	m, err := ctrl.NewManager(config, ctrl.Options{
		Logger:                 logr.FromSlogHandler(log.Handler()),
		Cache:                  cache.Options{DefaultNamespaces: namespaces},
		Metrics:                server.Options{BindAddress: c.MetricsAddress},
		HealthProbeBindAddress: c.HealthAddress,
		LeaderElection:         c.LeaderElection, LeaderElectionID: "sluice-gitops-agent", LeaderElectionNamespace: c.Namespace,
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return nil, fmt.Errorf("make the manager: %w", err)
	}
	if err := errors.Join(m.AddHealthzCheck("ping", healthz.Ping), m.AddReadyzCheck("ping", healthz.Ping)); err != nil {
		return nil, fmt.Errorf("add health checks: %w", err)
	}
	return m, nil
}

// watch makes Applications, and changes of their objects, wake Reconcile.
func (a *Agent) watch(m manager.Manager, changed chan event.GenericEvent) error {
	kind := &unstructured.Unstructured{}
	kind.SetGroupVersionKind(Kind)
	err := builder.ControllerManagedBy(m).Named("application").
		For(kind, builder.WithPredicates(predicate.Funcs{UpdateFunc: asked})).
		WatchesRawSource(source.Channel(changed, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: a.config.Workers, SkipNameValidation: ptr.To(true)}).
		Complete(reconcile.Func(func(ctx context.Context, q reconcile.Request) (reconcile.Result, error) {
			return a.Reconcile(ctx, q.NamespacedName)
		}))
	if err != nil {
		return fmt.Errorf("watch Applications: %w", err)
	}
	return nil
}

// asked reports whether somebody wants something new of an Application. Our own status is not that; a status that
// somebody else wrote shows at the next look.
func asked(e event.UpdateEvent) bool {
	before, ok1 := e.ObjectOld.(*unstructured.Unstructured)
	now, ok2 := e.ObjectNew.(*unstructured.Unstructured)
	if !ok1 || !ok2 {
		return true
	}
	_, refresh := now.GetAnnotations()[refreshAnnotation]
	same := func(field string) bool { return reflect.DeepEqual(before.Object[field], now.Object[field]) }
	return refresh || !same("spec") || !same("operation") && now.Object["operation"] != nil || now.Object["status"] == nil ||
		now.GetDeletionTimestamp() != nil
}

// notify wakes the Application that an object belongs to. When too many wait already, the next poll finds it.
func notify(changed chan event.GenericEvent) func(string) {
	return func(application string) {
		namespace, name, found := strings.Cut(application, "_")
		if !found {
			return
		}
		obj := &unstructured.Unstructured{}
		obj.SetGroupVersionKind(Kind)
		obj.SetNamespace(namespace)
		obj.SetName(name)
		select {
		case changed <- event.GenericEvent{Object: obj}:
		default:
		}
	}
}
