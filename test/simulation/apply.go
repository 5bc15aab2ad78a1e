package simulation

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/traffic"
)

// An application is a plan on its way into the cluster: what it was decided from, and what it has written itself.
type application struct {
	w     *World
	snap  plan.Snapshot
	plan  plan.Plan
	wrote map[key]int64
	late  bool // its controller is not the leader any more

	later  []plan.Event // of routers
	before picture      // of the cluster, before the effect that is being applied
}

// seen is the version that a write has to find: the one the decision saw, or that of the plan's own earlier write.
func (a *application) seen(k key, o object) int64 {
	if own, ok := a.wrote[k]; ok {
		return own
	}
	return version(o)
}

// apply carries out at most limit effects of a plan (negative: all, and then status, annotations and events). It
// reports whether the cluster changed.
func (w *World) apply(snap plan.Snapshot, p plan.Plan, limit int, late bool) bool {
	before := w.version
	a := &application{w: w, snap: snap, plan: p, wrote: map[key]int64{}, late: late}
	for i, e := range p.Effects {
		if i == limit {
			return w.version != before
		}
		a.later = nil
		err := a.effect(e)
		w.tell(a.later)
		if err != nil {
			var lost conflict
			var delay *traffic.Delay
			switch {
			case errors.As(err, &delay): // nothing to do but to wait for pods
				if again := w.Now.Add(time.Second); w.wake.IsZero() || again.Before(w.wake) {
					w.wake = again
				}
			case errors.As(err, &lost):
				w.due = true // look again
			default:
				w.problem("every effect can be applied", "%T: %v", e, err)
				w.due = true
			}
			return w.version != before
		}
		w.tell(e.Events())
	}
	if limit < 0 {
		a.finish()
	}
	return w.version != before
}

// effect is exhaustive: an unknown kind is a hole in the simulation.
func (a *application) effect(e plan.Effect) error {
	a.w.beforeEffect(a, e)
	err := a.do(e)
	if err == nil {
		a.w.afterEffect(a, e)
	}
	return err
}

func (a *application) do(e plan.Effect) error {
	switch e := e.(type) {
	case plan.SetReplicas:
		r := a.snap.Rollout.DeepCopy()
		r.Spec.Replicas = &e.To
		r.Generation++
		return a.update("Rollout", r, a.snap.Rollout)
	case plan.Annotate:
		return a.annotate(e.Annotations)
	case plan.Create:
		return a.create("ReplicaSet", e.ReplicaSet)
	case plan.Scale:
		return a.amend(e.Want, true)
	case plan.Amend:
		return a.amend(e.Want, false)
	case plan.Relabel:
		return a.relabel(e)
	case plan.Evict:
		a.w.remove(key{"Pod", e.Pod.Name})
		a.w.lenient = true
		return nil
	case plan.Delete:
		return a.delete(e)
	case plan.Point:
		return a.point(e)
	case plan.Route:
		return a.route(e)
	case plan.Begin:
		return a.create("AnalysisRun", e.Run)
	case plan.End:
		run := get[*v1alpha1.AnalysisRun](a.w.truth, "AnalysisRun", e.Run.Name)
		if run == nil {
			return nil
		}
		c := run.DeepCopy()
		c.Spec.Terminate = true
		delete(a.w.verdicts, run.Name)
		return a.update("AnalysisRun", c, e.Run)
	}
	return fmt.Errorf("the simulation does not know effect %T", e)
}

// update writes an object that the decision saw.
func (a *application) update(kind string, want, saw object) error {
	k := key{kind, want.GetName()}
	stored, err := a.w.put(kind, want, a.seen(k, saw))
	if err != nil {
		return err
	}
	a.wrote[k] = version(stored)
	a.noteWrite(k)
	return nil
}

// noteWrite tells the fence, unless the writer is a controller that has lost its lease: then the fence is not ours.
func (a *application) noteWrite(k key) {
	if !a.late {
		a.w.wrote(k.kind, k.name)
	}
}

func (a *application) create(kind string, o object) error {
	c := o.DeepCopyObject().(object)
	c.SetUID(types.UID(fmt.Sprint("u", a.w.version)))
	c.SetCreationTimestamp(a.w.stamp())
	c.SetGeneration(1)
	if _, err := a.w.put(kind, c, 0); err != nil {
		return err
	}
	a.wrote[key{kind, c.GetName()}] = a.w.version
	a.noteWrite(key{kind, c.GetName()})
	return nil
}

// amend writes a ReplicaSet; its status is not ours. Spec changes give it a new generation.
func (a *application) amend(want *appsv1.ReplicaSet, scales bool) error {
	stored := get[*appsv1.ReplicaSet](a.w.truth, "ReplicaSet", want.Name)
	if stored == nil {
		return conflict{"ReplicaSet " + want.Name + " is gone"}
	}
	c := want.DeepCopy()
	c.Status, c.Generation = stored.Status, stored.Generation
	if !equality.Semantic.DeepEqual(c.Spec, stored.Spec) {
		c.Generation++
	}
	if scaled := *c.Spec.Replicas != *stored.Spec.Replicas; scaled != scales && a.seen(key{"ReplicaSet", want.Name}, want) == version(stored) {
		a.w.problem("effects are what they say", "an effect on %s says scale=%t and does %t", want.Name, scales, scaled)
	}
	return a.update("ReplicaSet", c, want)
}

func (a *application) annotate(wanted map[string]*string) error {
	r := a.stored()
	if r == nil {
		return conflict{"the Rollout is gone"}
	}
	c := r.DeepCopy()
	changeKeys(&c.Annotations, wanted)
	return a.update("Rollout", c, a.snap.Rollout)
}

func (a *application) stored() *v1alpha1.Rollout { return a.w.Rollout() }

func (a *application) relabel(e plan.Relabel) error {
	stored := get[*corev1.Pod](a.w.truth, "Pod", e.Pod.Name)
	if stored == nil {
		return nil
	}
	c := stored.DeepCopy()
	changeKeys(&c.Labels, e.Labels)
	changeKeys(&c.Annotations, e.Annotations)
	_, err := a.w.put("Pod", c, -1)
	a.noteWrite(key{"Pod", c.Name})
	return err
}

func (a *application) delete(e plan.Delete) error {
	k := key{e.Kind, e.Name}
	stored := a.w.truth[k]
	if stored == nil || stored.GetUID() != e.UID {
		return nil
	}
	a.w.remove(k)
	a.noteWrite(k)
	return nil
}

func (a *application) point(e plan.Point) error {
	c := e.Service.DeepCopy()
	if c.Spec.Selector == nil {
		c.Spec.Selector = map[string]string{}
	}
	c.Spec.Selector[v1alpha1.DefaultRolloutUniqueLabelKey] = e.To
	metav1.SetMetaDataAnnotation(&c.ObjectMeta, v1alpha1.ManagedByRolloutsAnnotation, a.w.Name)
	return a.update("Service", c, e.Service)
}

// route lets every router edit copies of the objects that the decision saw, and writes what changed.
func (a *application) route(e plan.Route) error {
	for _, router := range a.w.routers {
		objs := traffic.Objects{}
		for _, ref := range router.Refs() {
			if o := a.snap.Steering[ref]; o != nil {
				objs[ref] = o.DeepCopy()
			}
		}
		events, err := router.Edit(objs, e.Split)
		for _, event := range events {
			a.later = append(a.later, plan.Event{Reason: event.Reason, Message: event.Message, Warning: event.Warning})
		}
		if err != nil {
			return err
		}
		for _, ref := range traffic.WriteOrder(router.Refs(), e.Split) {
			if err := a.steer(ref, objs[ref]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *application) steer(ref traffic.Ref, want *unstructured.Unstructured) error {
	saw := a.snap.Steering[ref]
	switch {
	case want == nil || saw != nil && reflect.DeepEqual(saw.Object, want.Object):
		return nil
	case saw == nil:
		if _, err := a.w.put(ref.Kind, want, max(0, a.wrote[key{ref.Kind, ref.Name}])); err != nil {
			return err
		}
		a.wrote[key{ref.Kind, ref.Name}] = a.w.version
		a.noteWrite(key{ref.Kind, ref.Name})
		return nil
	}
	return a.update(ref.Kind, want, saw)
}

// finish writes the status, then the mirrors, and publishes.
func (a *application) finish() {
	if a.plan.Status != nil && !equality.Semantic.DeepEqual(a.plan.Status, &a.snap.Rollout.Status) {
		r := a.stored()
		if r == nil {
			return
		}
		c := r.DeepCopy()
		c.Status = *a.plan.Status.DeepCopy()
		if err := a.update("Rollout", c, a.snap.Rollout); err != nil {
			a.w.due = true
			return
		}
		a.w.afterStatus(a)
	}
	a.w.tell(a.plan.Events)
	if len(a.plan.Annotations) > 0 {
		if err := a.annotate(a.plan.Annotations); err != nil {
			a.w.due = true
		}
	}
}

func changeKeys(in *map[string]string, wanted map[string]*string) {
	c := maps.Clone(*in)
	if c == nil {
		c = map[string]string{}
	}
	for key, value := range wanted {
		delete(c, key)
		if value != nil {
			c[key] = *value
		}
	}
	*in = c
}

func sameObjects(a, b traffic.Objects) bool {
	if len(a) != len(b) {
		return false
	}
	for ref, o := range a {
		if b[ref] == nil || !reflect.DeepEqual(o.Object, b[ref].Object) {
			return false
		}
	}
	return true
}
