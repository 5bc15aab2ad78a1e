package controller

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/config"
	"github.com/sluice-delivery/sluice/internal/kube"
)

// Limits of what may wait. What comes on top is dropped, with a log line and a metric: notifications never hold up
// anything else, memory included.
const (
	intakeSize   = 2_000
	farewellTime = 4 * time.Second // for deliveries under way, when the process is asked to end
	lastWrite    = 2 * time.Second // and then for the annotations that say what was told
)

// A Notifier tells people about objects: on every event that is told, and on every change of a Rollout. Nothing waits
// for it. What is told to whom is decided in package notifications, how in notifications/deliver.
type Notifier struct {
	Client    client.Client
	Cache     rolloutCache
	Configs   kubernetes.Interface // reads the configuration
	Home      string               // the controller's namespace
	Self      bool                 // the Rollout's namespace may have a configuration too
	Namespace string               // the only one that is looked at; empty: all
	// Counted hears of every attempt, and of everything that was dropped.
	Counted func(key types.NamespacedName, kind, reason string, took time.Duration, err error)
	Now     func() time.Time
	Log     *slog.Logger

	intake  chan happening
	changes workqueue.TypedRateLimitingInterface[types.NamespacedName]
	doors   *doors
	post    *post
	ready   chan struct{} // closed when the configuration was read for the first time

	mu      sync.Mutex
	records map[types.NamespacedName]*record
}

// rolloutCache is where changes of Rollouts come from.
type rolloutCache func(ctx context.Context) (informer, error)

// An informer tells handlers of changes: one of client-go or of controller-runtime, which has several behind one.
type informer interface {
	AddEventHandler(cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error)
}

// A happening is an event, as it was told.
type happening struct {
	about client.Object
	event kube.Event
	at    time.Time
}

// NewNotifier returns a Notifier that only listens. Its other fields are set before it is started.
func NewNotifier(conf config.Config, log *slog.Logger) *Notifier {
	n := &Notifier{Home: conf.Home, Self: conf.SelfServiceNotification, Namespace: conf.Namespace, Now: time.Now, Log: log,
		Counted: func(types.NamespacedName, string, string, time.Duration, error) {},
		intake:  make(chan happening, intakeSize), ready: make(chan struct{}), records: map[types.NamespacedName]*record{}}
	n.changes = workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](100*time.Millisecond, time.Minute),
		workqueue.TypedRateLimitingQueueConfig[types.NamespacedName]{Name: "Notifications"})
	n.doors = newDoors(n)
	n.post = newPost(n.carry, n.landed)
	return n
}

// Told is a kube.Listener.
func (n *Notifier) Told(about client.Object, e kube.Event) {
	select {
	case <-n.ready:
		if _, open := n.doors.of(about.GetNamespace()); len(open) == 0 {
			return
		}
	default: // the configuration is yet to be read
	}
	o, ok := about.DeepCopyObject().(client.Object)
	if !ok {
		return // every object of the API is one
	}
	select {
	case n.intake <- happening{o, e, n.Now()}:
	default:
		n.dropped(kube.Key(about), e.Type(), e.Reason)
	}
}

func (n *Notifier) dropped(key types.NamespacedName, kind, reason string) {
	n.Counted(key, kind, reason, 0, errDropped)
	n.Log.Error("notification dropped: too many are waiting", "object", key, "reason", reason)
}

var errDropped = fmt.Errorf("too many notifications are waiting")

// NeedLeaderElection implements manager.LeaderElectionRunnable: one process tells.
func (n *Notifier) NeedLeaderElection() bool { return true }

// Start tells until ctx ends, and then finishes what is under way. It implements manager.Runnable. A configuration that
// is missing, broken or not readable for us stops notifications and nothing else.
func (n *Notifier) Start(ctx context.Context) error {
	i, err := n.Cache(ctx)
	if err == nil {
		err = n.watch(i)
	}
	if err != nil && ctx.Err() == nil {
		n.Log.Error("conditions are not evaluated on changes: watch rollouts", "error", err)
	}
	var all sync.WaitGroup
	all.Go(func() { n.doors.observe(ctx) })
	all.Go(func() { n.listen(ctx) })
	for range 2 {
		all.Go(func() {
			for n.change(ctx) {
			}
		})
	}
	<-ctx.Done()
	n.changes.ShutDown()
	all.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTime)
	defer cancel()
	n.post.close(last)
	n.remember(context.WithoutCancel(ctx))
	return nil
}

func (n *Notifier) watch(i informer) error {
	add := func(o any) {
		if ro, ok := o.(*v1alpha1.Rollout); ok {
			n.changes.Add(kube.Key(ro))
		}
	}
	_, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    add,
		UpdateFunc: func(_, o any) { add(o) },
		DeleteFunc: func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			add(o)
		},
	})
	return err
}

// again looks at every Rollout anew: the configuration has changed.
func (n *Notifier) again(ctx context.Context, namespace string) {
	if namespace == n.Home {
		namespace = n.Namespace
	}
	var list v1alpha1.RolloutList
	if err := n.Client.List(ctx, &list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		n.Log.Error("list rollouts for notifications", "error", err)
		return
	}
	for i := range list.Items {
		n.changes.Add(kube.Key(&list.Items[i]))
	}
}

// addNotifications is an Extension: with the shell's clients and its events, a Notifier.
func addNotifications(_ context.Context, mgr manager.Manager, s *Shell) error {
	if s.Config.AnalysisOnly {
		return nil
	}
	configs, err := kubernetes.NewForConfig(mgr.GetConfig())
	if err != nil {
		return fmt.Errorf("make a client for notifications: %w", err)
	}
	n := NewNotifier(s.Config, s.Log)
	n.Client, n.Configs, n.Counted, n.Now = s.Client, configs, s.Metrics.Notified, s.Now
	n.Cache = func(ctx context.Context) (informer, error) {
		return mgr.GetCache().GetInformer(ctx, &v1alpha1.Rollout{})
	}
	s.Events.Listen(n.Told)
	return mgr.Add(n)
}
