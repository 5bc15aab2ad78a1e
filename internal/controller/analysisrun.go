package controller

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/analysis/provider"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
)

const (
	analysisRunsName = "AnalysisRuns"
	measureTimeout   = 10 * time.Minute // for one measurement, whatever its provider thinks of timeouts
)

// AnalysisRunDeps is what the AnalysisRun controller is made of.
type AnalysisRunDeps struct {
	Client client.Client
	// Direct reads past the caches: no Secret of the cluster is kept in memory.
	Direct client.Reader
	// Fence of this controller alone: its keys are names of AnalysisRuns. *kube.Fence is one.
	Fence AnalysisRunFence
	// Providers by kind.
	Providers provider.Catalog
	// Tell publishes an event, e.g. kube.Recorder.Tell.
	Tell func(about client.Object, e kube.Event)
	// Reconciled hears how long each pass took and how it ended; may be nil.
	Reconciled func(run types.NamespacedName, took time.Duration, err error)
	Now        func() time.Time
	// Threads is how many runs are looked after, and half of how many measurements are taken, at the same time.
	Threads int
	Log     *slog.Logger
}

// AnalysisRunFence keeps a decision from being made on a picture older than our own last write.
type AnalysisRunFence interface {
	Behind(key types.NamespacedName) bool
	Wrote(key types.NamespacedName, o client.Object)
	Forget(key types.NamespacedName)
}

// SetupAnalysisRuns adds the AnalysisRun controller to a manager.
func SetupAnalysisRuns(mgr ctrl.Manager, deps AnalysisRunDeps) error {
	err := ctrl.NewControllerManagedBy(mgr).Named(analysisRunsName).For(&v1alpha1.AnalysisRun{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: deps.Threads, RateLimiter: limiter()}).
		Complete(newAnalysisRuns(deps))
	if err != nil {
		return fmt.Errorf("set up the AnalysisRun controller: %w", err)
	}
	return nil
}

// analysisRuns looks after AnalysisRuns. It decides nothing: package analysis does.
type analysisRuns struct {
	AnalysisRunDeps
	slots chan struct{} // one per measurement being taken
}

func newAnalysisRuns(deps AnalysisRunDeps) *analysisRuns {
	return &analysisRuns{deps, make(chan struct{}, 2*max(deps.Threads, 1))}
}

// Reconcile implements reconcile.Reconciler.
func (a *analysisRuns) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	began := a.Now()
	result, err := a.look(ctx, request.NamespacedName)
	if kube.IsStale(err) {
		result, err = reconcile.Result{RequeueAfter: stale}, nil
	}
	if a.Reconciled != nil {
		a.Reconciled(request.NamespacedName, a.Now().Sub(began), err)
	}
	return result, err
}

// look makes one pass over a run.
func (a *analysisRuns) look(ctx context.Context, key types.NamespacedName) (reconcile.Result, error) {
	// 1. Fence.
	if a.Fence.Behind(key) {
		return reconcile.Result{RequeueAfter: behind}, nil
	}
	// 2. Observe.
	run := &v1alpha1.AnalysisRun{}
	if err := a.Client.Get(ctx, key, run); apierrors.IsNotFound(err) {
		a.Fence.Forget(key)
		return reconcile.Result{}, nil
	} else if err != nil {
		return reconcile.Result{}, fmt.Errorf("read analysis run: %w", err)
	}
	if why, broken := kube.Broken(run); broken {
		return reconcile.Result{}, a.refuse(ctx, run, why)
	}
	switch {
	case run.DeletionTimestamp != nil:
		return reconcile.Result{}, nil
	case run.Status.Phase.Completed():
		return a.expire(ctx, run)
	}
	// 3. Measure what is due, and judge.
	outcome, err := a.pass(ctx, run)
	if err != nil {
		return reconcile.Result{}, err
	}
	// 4. Write, then tell.
	if err := a.write(ctx, run, outcome); err != nil {
		return reconcile.Result{}, err
	}
	return a.until(outcome.Wake), nil
}

// pass is the sandwich: decide what is due, ask the outside, decide what it amounts to.
func (a *analysisRuns) pass(ctx context.Context, run *v1alpha1.AnalysisRun) (analysis.Outcome, error) {
	now := a.Now()
	agenda := analysis.Due(run, now)
	if agenda.Refusal != "" {
		return analysis.Refuse(run, agenda.Refusal), nil
	}
	secrets, err := a.secrets(ctx, run, agenda.Tasks)
	if lacking := (lack{}); asLack(err, &lacking) {
		return analysis.Unresolvable(run, lacking), nil
	} else if err != nil {
		return analysis.Outcome{}, err
	}
	taken, err := a.measure(ctx, run, agenda.Tasks, secrets)
	if lacking := (lack{}); asLack(err, &lacking) {
		return analysis.Unresolvable(run, lacking), nil
	} else if err != nil {
		return analysis.Outcome{}, err
	}
	return analysis.Assess(run, taken, a.Now()), nil
}

// until asks to be called again at an instant; never, when it is zero.
func (a *analysisRuns) until(at time.Time) reconcile.Result {
	if at.IsZero() {
		return reconcile.Result{}
	}
	return reconcile.Result{RequeueAfter: max(at.Sub(a.Now()), time.Millisecond)}
}
