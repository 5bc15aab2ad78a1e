package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
	"github.com/sluice-delivery/sluice/notifications"
	"github.com/sluice-delivery/sluice/notifications/deliver"
)

// A record is what is known about the notifications of one Rollout, in memory.
type record struct {
	*notifications.Record
	uid     types.UID
	wrote   uint64                 // the version of our last write of the annotation
	seen    uint64                 // the newest version that an event showed: caches may be older for a moment
	arrived []notifications.Letter // delivered, and not in the annotation yet
}

// listen turns events into letters until ctx ends, and then those that were told before.
func (n *Notifier) listen(ctx context.Context) {
	select {
	case <-n.ready:
	case <-ctx.Done():
		return
	}
	for {
		select {
		case h := <-n.intake:
			n.hear(context.WithoutCancel(ctx), h)
			continue
		default:
		}
		select {
		case h := <-n.intake:
			n.hear(context.WithoutCancel(ctx), h)
		case <-ctx.Done():
			return
		}
	}
}

// hear is the first of the two ways of spec 11.7: an event runs the trigger of its name.
func (n *Notifier) hear(ctx context.Context, h happening) {
	trigger := notifications.Trigger(h.event.Reason)
	trials, variables := n.trials(ctx, h.about, func(name string) bool { return name == trigger })
	if len(trials) == 0 {
		return
	}
	n.mu.Lock()
	r := n.recordOf(ctx, h.about)
	r.seen = max(r.seen, versionOf(h.about))
	letters := r.AtEvent(trials, h.at)
	n.mu.Unlock()
	n.send(h.about, letters, variables, h.event.Type(), h.event.Reason)
}

// recordOf is the record of a Rollout that exists. Other objects have no annotation to remember in: each of their events
// is told for itself. The lock is held.
func (n *Notifier) recordOf(ctx context.Context, o client.Object) *record {
	key := kube.Key(o)
	if known := n.records[key]; known != nil && known.uid == o.GetUID() {
		return known
	}
	fresh := &record{Record: notifications.NewRecord(o.GetAnnotations()[v1alpha1.NotifiedAnnotation]), uid: o.GetUID()}
	ro, isRollout := o.(*v1alpha1.Rollout)
	if !isRollout {
		return fresh
	}
	now := &v1alpha1.Rollout{}
	if err := n.Client.Get(ctx, key, now, client.UnsafeDisableDeepCopy); err != nil || now.UID != ro.UID {
		return fresh // its farewell
	}
	n.records[key] = fresh
	return fresh
}

// change is the second way: conditions are evaluated whenever a Rollout changes. It returns false at the end.
func (n *Notifier) change(ctx context.Context) bool {
	select {
	case <-n.ready:
	case <-ctx.Done():
		return false
	}
	key, ended := n.changes.Get()
	if ended {
		return false
	}
	defer n.changes.Done(key)
	if err := n.look(ctx, key); err != nil && ctx.Err() == nil {
		n.Log.Warn("notifications not remembered, trying again", "rollout", key, "error", err)
		n.changes.AddRateLimited(key)
		return true
	}
	n.changes.Forget(key)
	return true
}

func (n *Notifier) look(ctx context.Context, key types.NamespacedName) error {
	ro := &v1alpha1.Rollout{}
	if err := n.Client.Get(ctx, key, ro, client.UnsafeDisableDeepCopy); apierrors.IsNotFound(err) {
		n.mu.Lock()
		delete(n.records, key)
		n.mu.Unlock()
		return nil
	} else if err != nil {
		return fmt.Errorf("read rollout %s: %w", key, err)
	}
	if _, broken := kube.Broken(ro); broken {
		return nil // of its state nothing is known
	}
	trials, variables := n.trials(ctx, ro, func(string) bool { return true })
	n.mu.Lock()
	r := n.recordOf(ctx, ro)
	if versionOf(ro) >= r.wrote {
		r.Reread(ro.Annotations[v1alpha1.NotifiedAnnotation])
	}
	for _, l := range r.arrived {
		r.Remember(l, n.Now())
	}
	if versionOf(ro) < r.seen { // the change that an event told of is on its way to us
		trials = nil
	}
	letters := r.OnChange(trials, n.Now())
	want, arrived := r.Told(), len(r.arrived)
	n.mu.Unlock()
	n.send(ro, letters, variables, "Normal", "")
	return n.write(ctx, ro, r, want, arrived)
}

// write puts into the annotation what was told. Of a picture older than our own last write only news are written.
func (n *Notifier) write(ctx context.Context, ro *v1alpha1.Rollout, r *record, want string, arrived int) error {
	if want == notifications.ReadTold(ro.Annotations[v1alpha1.NotifiedAnnotation]).Text() && versionOf(ro) >= r.wrote {
		n.settle(r, arrived, 0)
		return nil
	}
	var value any = want
	if want == "" {
		value = nil
	}
	written := ro.DeepCopy()
	err := n.Client.Patch(ctx, written, claimed(map[string]any{"metadata": map[string]any{
		"annotations": map[string]any{v1alpha1.NotifiedAnnotation: value}}}, ro))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // it is gone, or another one by now
		n.settle(r, arrived, 0)
		return nil
	}
	if err != nil {
		return fmt.Errorf("annotate rollout %s: %w", kube.Key(ro), err)
	}
	n.settle(r, arrived, versionOf(written))
	return nil
}

func (n *Notifier) settle(r *record, arrived int, wrote uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r.arrived = r.arrived[arrived:]
	r.wrote = max(r.wrote, wrote)
}

func versionOf(o client.Object) uint64 {
	v, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
	if err != nil {
		return 0
	}
	return v
}

// trials evaluates the triggers that somebody subscribed to and that are wanted. Without subscribers nothing is evaluated.
func (n *Notifier) trials(ctx context.Context, o client.Object, wanted func(trigger string) bool) ([]notifications.Trial, map[string]any) {
	var trials []notifications.Trial
	var variables map[string]any
	names, open := n.doors.of(o.GetNamespace())
	for i, door := range open {
		subscribers, err := door.Settings().Subscribers(o.GetLabels(), o.GetAnnotations())
		if err != nil {
			n.doors.complain(names[i], fmt.Errorf("%s: %w", kube.Key(o), err))
		}
		for _, trigger := range slices.Sorted(maps.Keys(subscribers)) {
			if !wanted(trigger) || !slices.Contains(door.Triggers(), trigger) {
				continue
			}
			if variables == nil {
				variables = n.variables(ctx, o)
			}
			entries, err := door.Evaluate(trigger, variables)
			if err != nil {
				n.doors.complain(names[i], err)
			}
			trials = append(trials, notifications.Trial{Namespace: names[i], SelfService: names[i] != n.Home, Trigger: trigger,
				Entries: entries, Subscribers: subscribers[trigger]})
		}
	}
	return trials, variables
}

// variables are what triggers and templates read about an object.
func (n *Notifier) variables(ctx context.Context, o client.Object) map[string]any {
	var runs []map[string]any
	if ro, ok := o.(*v1alpha1.Rollout); ok {
		var list v1alpha1.AnalysisRunList
		if err := n.Client.List(ctx, &list, client.InNamespace(ro.Namespace), client.UnsafeDisableDeepCopy); err != nil {
			n.Log.Warn("list analysis runs for notifications", "rollout", kube.Key(ro), "error", err)
		}
		for _, run := range notifications.RunsOf(ro, list.Items) {
			runs = append(runs, n.plain(&run))
		}
	}
	return notifications.Variables(n.plain(o), runs, n.Now)
}

// plain is an object as the API shows it.
func (n *Notifier) plain(o client.Object) map[string]any {
	tree, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		n.Log.Error("show an object to notifications", "object", kube.Key(o), "error", err)
		return map[string]any{}
	}
	if kind, err := n.Client.GroupVersionKindFor(o); err == nil {
		tree["apiVersion"], tree["kind"] = kind.ToAPIVersionAndKind()
	}
	return tree
}

// send hands letters to the post. A reason that is empty is the letter's trigger.
func (n *Notifier) send(about client.Object, letters []notifications.Letter, variables map[string]any, kind, reason string) {
	_, remembered := about.(*v1alpha1.Rollout)
	for _, l := range letters {
		p := &parcel{Letter: l, about: kube.Key(about), uid: about.GetUID(), remembered: remembered, variables: variables,
			kind: kind, reason: cmp.Or(reason, l.Trigger), born: n.Now()}
		if !n.post.push(p) {
			n.dropped(p.about, p.kind, p.reason)
			n.landed(p, errDropped)
		}
	}
}

// carry is one attempt. The configuration is that of the moment, so that a token that was mended is used at once.
func (n *Notifier) carry(p *parcel) (again bool, err error) {
	names, open := n.doors.of(p.Namespace)
	i := slices.Index(names, p.Namespace)
	if i < 0 {
		return false, errors.New("the configuration is gone")
	}
	began := n.Now()
	err = open[i].Send(p.variables, p.Templates, p.To)
	n.Counted(p.about, p.kind, p.reason, n.Now().Sub(began), err)
	if err == nil {
		n.Log.Info("notified", "object", p.about, "trigger", p.Trigger, "to", p.To.String(), "attempt", p.attempt)
		return false, nil
	}
	wait, again := notifications.Retry(p.attempt, n.Now().Sub(p.born))
	again = again && !errors.Is(err, deliver.ErrHopeless)
	log := []any{"object", p.about, "trigger", p.Trigger, "to", p.To.String(), "attempt", p.attempt, "error", err}
	if !again {
		n.Log.Error("notification given up", log...)
		return false, err
	}
	p.wait = wait
	n.Log.Warn("notification not delivered, trying again", append(log, "in", wait)...)
	return true, err
}

// landed hears how a letter ended.
func (n *Notifier) landed(p *parcel, err error) {
	if !p.remembered || p.Key == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.records[p.about]
	if r == nil || r.uid != p.uid {
		return
	}
	if err != nil {
		r.GivenUp(p.Letter)
		return
	}
	r.Delivered(p.Letter, n.Now())
	r.arrived = append(r.arrived, p.Letter)
	n.changes.Add(p.about)
}

// remember writes what was delivered at the very end.
func (n *Notifier) remember(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastWrite)
	defer cancel()
	n.mu.Lock()
	var keys []types.NamespacedName
	for key, r := range n.records {
		if len(r.arrived) > 0 {
			keys = append(keys, key)
		}
	}
	n.mu.Unlock()
	for _, key := range keys {
		if err := n.look(ctx, key); err != nil {
			n.Log.Warn("notifications not remembered", "rollout", key, "error", err)
		}
	}
}
