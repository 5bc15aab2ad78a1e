package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
	"github.com/sluice-delivery/sluice/traffic"
)

// A writer carries out one plan. It reads nothing: each change is a compare-and-swap on the version that the decision
// saw or, of an object that this plan changed already, on that change's.
type writer struct {
	*Rollouts
	key      types.NamespacedName
	snapshot plan.Snapshot
	ro       *v1alpha1.Rollout // as last seen or written
	sets     map[types.UID]*appsv1.ReplicaSet
	objects  traffic.Objects
	done     []string // effects that succeeded, for the log
	wrote    bool     // the status was written
}

func (c *Rollouts) writer(s plan.Snapshot) *writer {
	w := &writer{Rollouts: c, key: kube.Key(s.Rollout), snapshot: s, ro: s.Rollout, sets: map[types.UID]*appsv1.ReplicaSet{}, objects: traffic.Objects{}}
	maps.Copy(w.objects, s.Steering)
	for _, rs := range s.ReplicaSets {
		w.sets[rs.UID] = rs
	}
	return w
}

// errRefused is an error that was told of already.
type errRefused struct{ error }

func (e errRefused) Unwrap() error { return e.error }

// explain tells of an error, unless that happened.
func (w *writer) explain(err error) error {
	if errors.As(err, &errRefused{}) {
		return err
	}
	return w.complain(w.ro, err)
}

// ending reports that we are asked to stop, or that the lease is lost: what we could not do, the next leader will.
func ending(err error) bool { return errors.Is(err, context.Canceled) }

// apply carries out the effects in order. The first that does not hold ends the pass.
func (w *writer) apply(ctx context.Context, effects []plan.Effect) error {
	for _, e := range effects {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.carryOut(ctx, e); err != nil {
			return err
		}
		w.done = append(w.done, fmt.Sprintf("%T: %s", e, e.Why()))
		w.publish(e.Events())
	}
	return nil
}

func (w *writer) publish(events []plan.Event) {
	for _, e := range events {
		w.tell(w.ro, e)
	}
}

func (w *writer) carryOut(ctx context.Context, e plan.Effect) error {
	switch e := e.(type) {
	case plan.SetReplicas:
		return w.patchRollout(ctx, map[string]any{"spec": map[string]any{"replicas": e.To}})
	case plan.Annotate:
		return w.annotate(ctx, e.Annotations)
	case plan.Create:
		return w.create(ctx, e)
	case plan.Scale:
		return w.change(ctx, e.Want, "scale replicaset %s to %d", e.Want.Name, e.To)
	case plan.Amend:
		return w.change(ctx, e.Want, "change replicaset %s", e.Want.Name)
	case plan.Relabel:
		return w.relabel(ctx, e)
	case plan.Evict:
		return w.evict(ctx, e)
	case plan.Delete:
		return w.remove(ctx, e)
	case plan.Point:
		return w.point(ctx, e)
	case plan.Route:
		return w.route(ctx, e.Split)
	case plan.Begin:
		return w.begin(ctx, e)
	case plan.End:
		return w.end(ctx, e)
	}
	return fmt.Errorf("no way to carry out %T", e)
}

// wroteObject notes in the fence what the API server returned.
func (w *writer) wroteObject(o client.Object) { w.Fence.Wrote(w.key, o) }

func (w *writer) create(ctx context.Context, e plan.Create) error {
	rs := e.ReplicaSet.DeepCopy()
	err := w.Client.Create(ctx, rs)
	if err == nil {
		w.sets[rs.UID] = rs
		w.wroteObject(rs)
		return nil
	}
	hash := revision.HashOf(rs)
	w.trials.forget(w.ro.UID)
	if !kube.IsStale(err) && !ending(err) {
		// The planner tells of it in the next pass, which begins at once.
		w.trials.keep(w.ro.UID, hash, w.Now(), trial{createError: err.Error()})
		return errRefused{fmt.Errorf("create replicaset %s: %w", rs.Name, err)}
	}
	return fmt.Errorf("create replicaset %s: %w", rs.Name, err)
}

// change writes what differs between a ReplicaSet as it is and as it shall be.
func (w *writer) change(ctx context.Context, want *appsv1.ReplicaSet, doing string, args ...any) error {
	was, known := w.sets[want.UID]
	if !known {
		return fmt.Errorf(doing+": it is not in the picture", args...)
	}
	written := want.DeepCopy()
	written.ResourceVersion, written.Status = was.ResourceVersion, was.Status
	if equality.Semantic.DeepEqual(was, written) {
		return nil
	}
	if err := w.Client.Patch(ctx, written, client.MergeFromWithOptions(was, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf(doing+": %w", append(args, err)...)
	}
	w.sets[written.UID] = written
	w.wroteObject(written)
	return nil
}

func (w *writer) relabel(ctx context.Context, e plan.Relabel) error {
	body := map[string]any{"metadata": map[string]any{"labels": e.Labels, "annotations": e.Annotations}}
	for attempt := 0; ; attempt++ {
		pod := e.Pod.DeepCopy()
		err := w.Client.Patch(ctx, pod, claimed(body, e.Pod))
		switch {
		case err == nil:
			w.wroteObject(pod)
			return nil
		case apierrors.IsNotFound(err):
			return nil
		case !apierrors.IsConflict(err) || attempt >= w.Config.PodUpdateRetries:
			return fmt.Errorf("change metadata of pod %s: %w", e.Pod.Name, err)
		}
	}
}

func (w *writer) evict(ctx context.Context, e plan.Evict) error {
	eviction := &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Namespace: e.Pod.Namespace, Name: e.Pod.Name},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &e.Pod.UID}},
	}
	err := w.Client.SubResource("eviction").Create(ctx, e.Pod.DeepCopy(), eviction)
	switch {
	case err == nil:
		w.Fence.Deleted(w.key, e.Pod)
		return nil
	case apierrors.IsTooManyRequests(err), apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return nil // a disruption budget says no, or the pod is gone already
	}
	return fmt.Errorf("evict pod %s: %w", e.Pod.Name, err)
}

func (w *writer) remove(ctx context.Context, e plan.Delete) error {
	var o client.Object = &appsv1.ReplicaSet{}
	if e.Kind == v1alpha1.AnalysisRunKind {
		o = &v1alpha1.AnalysisRun{}
	}
	o.SetNamespace(w.key.Namespace)
	o.SetName(e.Name)
	o.SetUID(e.UID)
	err := w.Client.Delete(ctx, o, client.Preconditions{UID: &e.UID}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete %s %s: %w", e.Kind, e.Name, err)
	}
	w.Fence.Deleted(w.key, o)
	return nil
}

func (w *writer) point(ctx context.Context, e plan.Point) error {
	svc := e.Service.DeepCopy()
	err := w.Client.Patch(ctx, svc, swap(map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{v1alpha1.ManagedByRolloutsAnnotation: w.key.Name}},
		"spec":     map[string]any{"selector": map[string]any{v1alpha1.DefaultRolloutUniqueLabelKey: e.To}},
	}, w.service(e.Service)))
	if err != nil {
		return fmt.Errorf("point service %s at %s: %w", e.Service.Name, e.To, err)
	}
	w.snapshot.Services = maps.Clone(w.snapshot.Services)
	w.snapshot.Services[svc.Name] = svc
	w.wroteObject(svc)
	return nil
}

// service is the newest version of a Service that this pass knows.
func (w *writer) service(s *corev1.Service) *corev1.Service {
	if newest := w.snapshot.Services[s.Name]; newest != nil && newest.UID == s.UID {
		return newest
	}
	return s
}

func (w *writer) begin(ctx context.Context, e plan.Begin) error {
	run := e.Run.DeepCopy()
	if err := w.Client.Create(ctx, run); err != nil {
		return fmt.Errorf("create analysisrun %s: %w", run.Name, err)
	}
	w.wroteObject(run)
	return nil
}

// end sets a flag that is only ever set, on an object whose status others write all the time: no version is asked for.
func (w *writer) end(ctx context.Context, e plan.End) error {
	run := e.Run.DeepCopy()
	err := w.Client.Patch(ctx, run, claimed(map[string]any{"spec": map[string]any{"terminate": true}}, e.Run))
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("terminate analysisrun %s: %w", e.Run.Name, err)
	}
	w.wroteObject(run)
	return nil
}
