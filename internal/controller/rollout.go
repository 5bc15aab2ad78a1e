package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
	"github.com/sluice-delivery/sluice/rollout"
	"github.com/sluice-delivery/sluice/rollout/plan"
)

// Rollouts is the controller of Rollouts.
type Rollouts struct {
	*Shell
	steering *steering
	trials   *trials
	retries  workqueue.TypedRateLimiter[reconcile.Request] // of plans that wait for the outside

	mu    sync.Mutex
	known map[types.NamespacedName]*v1alpha1.Rollout // met since the start, for their farewell
}

// Reconcile is one look at one Rollout.
func (c *Rollouts) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	began := time.Now()
	again, err := c.look(ctx, request.NamespacedName)
	c.Metrics.Reconciled(v1alpha1.RolloutKind, request.NamespacedName, time.Since(began), err != nil && !kube.IsStale(err))
	var outside waits
	switch {
	case kube.IsStale(err): // somebody was faster: look again
		return reconcile.Result{RequeueAfter: stale}, nil
	case errors.As(err, &outside): // the status says it; it is no news to the log
		c.Log.Debug("to be tried again", "rollout", request.NamespacedName, "why", err)
		return reconcile.Result{RequeueAfter: c.retries.When(request)}, nil
	case err == nil:
		c.retries.Forget(request)
	}
	return reconcile.Result{RequeueAfter: again}, err
}

// waits is why a plan asks for another look with the queue's back-off: the outside has to change first.
type waits string

func (w waits) Error() string { return string(w) }

// look follows the recipe of docs/architecture.md: fence, observe, decide, apply, status, publish, and when to look again.
func (c *Rollouts) look(ctx context.Context, key types.NamespacedName) (again time.Duration, err error) {
	// 1. Fence: never decide from a picture older than our own last write.
	if c.Fence.Behind(key) {
		return behind, nil
	}
	// 2. Observe: one picture, which nobody changes.
	ro, found, err := c.rollout(ctx, key)
	if err != nil || !found || ro.DeletionTimestamp != nil {
		return 0, err
	}
	if claimed, err := c.claim(ctx, ro); err != nil || claimed {
		return stale, err
	}
	snapshot, err := c.observe(ctx, ro)
	if err != nil {
		return 0, c.complain(ro, err)
	}
	// 3. Decide: a function of the picture and the instant.
	now := c.Now()
	next := rollout.Decide(snapshot, now)
	// 4. Apply: the effects in order, each a compare-and-swap.
	w := c.writer(snapshot)
	defer c.log(key, snapshot, next, w)
	if err := w.apply(ctx, next.Effects); err != nil {
		return 0, w.explain(err)
	}
	// 5. Status, last.
	if err := w.status(ctx, next.Status); err != nil {
		return 0, w.explain(err)
	}
	// 6. Publish what the status says, now that it holds.
	w.publish(next.Events)
	if err := w.annotate(ctx, next.Annotations); err != nil {
		return 0, w.explain(err)
	}
	// 7. Look again when the plan says so, or when something changes.
	if next.Retry != "" {
		return 0, waits(next.Retry)
	}
	return until(next.Wake, now), nil
}

// until is how long it is to wake, and never nothing when there is a time to wake at.
func until(wake, now time.Time) time.Duration {
	if wake.IsZero() {
		return 0
	}
	return max(wake.Sub(now), time.Millisecond)
}

// rollout reads the Rollout, and greets or takes leave of it. One that does not decode is told of and not found.
func (c *Rollouts) rollout(ctx context.Context, key types.NamespacedName) (*v1alpha1.Rollout, bool, error) {
	ro := &v1alpha1.Rollout{}
	switch err := c.Client.Get(ctx, key, ro); {
	case apierrors.IsNotFound(err):
		c.farewell(key)
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("read rollout %s: %w", key, err)
	}
	c.greet(ro)
	if why, broken := kube.Broken(ro); broken {
		c.tell(ro, plan.Event{Reason: v1alpha1.EventReconciliationError, Message: "Reconciliation failed with error: " + why, Warning: true})
		return nil, false, nil
	}
	return ro, true, nil
}

func (c *Rollouts) greet(ro *v1alpha1.Rollout) {
	key := kube.Key(ro)
	c.mu.Lock()
	old := c.known[key]
	c.known[key] = ro
	c.mu.Unlock()
	if old != nil && old.UID != ro.UID {
		c.deleted(old)
	}
	if old == nil || old.UID != ro.UID {
		c.Metrics.Keep(key)
		c.tell(ro, plan.Event{Reason: v1alpha1.EventRolloutAddedToInformer, Message: "Rollout resource added to informer: " + key.String()})
	}
}

func (c *Rollouts) farewell(key types.NamespacedName) {
	c.mu.Lock()
	old := c.known[key]
	delete(c.known, key)
	c.mu.Unlock()
	c.Fence.Forget(key)
	if old != nil {
		c.deleted(old)
	}
}

func (c *Rollouts) deleted(ro *v1alpha1.Rollout) {
	c.trials.forget(ro.UID)
	c.Metrics.Forget(kube.Key(ro))
	c.tell(ro, plan.Event{Reason: v1alpha1.EventRolloutDeleted, Message: fmt.Sprintf("Rollout %s/%s is deleted.", ro.Name, ro.Namespace)})
}

// tell publishes an event about a Rollout.
func (c *Rollouts) tell(ro *v1alpha1.Rollout, e plan.Event) {
	c.Events.Tell(ro, kube.Event{Reason: e.Reason, Message: e.Message, Warning: e.Warning})
}

// complain tells of an error that nothing else tells of.
func (c *Rollouts) complain(ro *v1alpha1.Rollout, err error) error {
	if !kube.IsStale(err) && !ending(err) {
		c.tell(ro, plan.Event{Reason: v1alpha1.EventReconciliationError, Message: "Reconciliation failed with error: " + err.Error(), Warning: true})
	}
	return err
}

// log says in one line what a plan was. A plan at rest is no news; an error is told by whoever runs us.
func (c *Rollouts) log(key types.NamespacedName, s plan.Snapshot, next plan.Plan, w *writer) {
	if len(w.done) == 0 && !w.wrote {
		c.Log.Debug("at rest", "rollout", key, "waiting", next.Waiting, "wake", next.Wake)
		return
	}
	args := []any{"rollout", key, "phase", s.Rollout.Status.Phase, "effects", w.done}
	if w.wrote {
		args[3] = next.Status.Phase
	}
	if !next.Wake.IsZero() {
		args = append(args, "wake", next.Wake)
	}
	c.Log.Info("plan", args...)
}
