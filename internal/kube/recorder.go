package kube

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// An Event is one line for the people who watch an object.
type Event struct {
	Reason, Message string
	Warning         bool
}

// Type is the type of the API's events.
func (e Event) Type() string {
	if e.Warning {
		return corev1.EventTypeWarning
	}
	return corev1.EventTypeNormal
}

// A Listener hears each event at once, in the order in which they are told. It must not block.
type Listener func(about client.Object, e Event)

const (
	lanes    = 8                // events of one object are always in the same lane
	laneSize = 10_000           // events that may wait in a lane; then the API server is gone for good
	memory   = 4_096            // events per lane that are counted instead of written anew
	memories = time.Hour        // as long as the API server keeps them
	patience = 10 * time.Second // for writing one event, all attempts together
)

// A Recorder writes events, in the background and in order per object. Unlike client-go's it drops none and combines
// only those that are equal, since a list of events is what people and tests read a Rollout's history from.
type Recorder struct {
	client    client.Client
	component string
	log       *slog.Logger
	kinds     func(client.Object) (apiVersion, kind string)
	now       func() time.Time
	listeners []Listener
	lanes     [lanes]*lane
}

// NewRecorder returns a recorder that writes through c, which should have a rate limit of its own.
func NewRecorder(c client.Client, component string, log *slog.Logger) *Recorder {
	r := &Recorder{client: c, component: component, log: log, now: time.Now}
	r.kinds = func(o client.Object) (string, string) {
		kind, err := c.GroupVersionKindFor(o)
		if err != nil {
			kind = o.GetObjectKind().GroupVersionKind()
		}
		return kind.ToAPIVersionAndKind()
	}
	for i := range r.lanes {
		r.lanes[i] = &lane{wake: make(chan struct{}, 1), seen: map[eventKey]*corev1.Event{}}
	}
	return r
}

// Listen adds a listener. It has to be called before the first event is told.
func (r *Recorder) Listen(l Listener) { r.listeners = append(r.listeners, l) }

// Tell publishes an event about an object. It never blocks.
func (r *Recorder) Tell(about client.Object, e Event) {
	for _, listen := range r.listeners {
		listen(about, e)
	}
	h := fnv.New32a()
	fmt.Fprint(h, about.GetNamespace(), "/", about.GetName())
	if !r.lanes[h.Sum32()%lanes].push(r.event(about, e)) {
		r.log.Error("event dropped: too many are waiting", "object", Key(about), "reason", e.Reason, "message", e.Message)
	}
}

func (r *Recorder) event(about client.Object, e Event) *corev1.Event {
	apiVersion, kind := r.kinds(about)
	now := metav1.NewTime(r.now())
	namespace := about.GetNamespace()
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("%s.%x", about.GetName(), now.UnixNano())},
		InvolvedObject: corev1.ObjectReference{APIVersion: apiVersion, Kind: kind, Namespace: about.GetNamespace(),
			Name: about.GetName(), UID: about.GetUID(), ResourceVersion: about.GetResourceVersion()},
		Reason: e.Reason, Message: e.Message, Type: e.Type(),
		Source: corev1.EventSource{Component: r.component}, ReportingController: r.component,
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
}

// Start writes until ctx ends, and then what is left for a moment more. It implements manager.Runnable.
func (r *Recorder) Start(ctx context.Context) error {
	var done sync.WaitGroup
	for _, l := range r.lanes {
		done.Go(func() { r.serve(ctx, l) })
	}
	done.Wait()
	return nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: who tells something is a leader already.
func (r *Recorder) NeedLeaderElection() bool { return false }

func (r *Recorder) serve(ctx context.Context, l *lane) {
	for ctx.Err() == nil {
		for e := l.pop(); e != nil; e = l.pop() {
			r.write(ctx, l, e)
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
		}
	}
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	for e := l.pop(); e != nil && rest.Err() == nil; e = l.pop() {
		r.write(rest, l, e)
	}
}

// write creates the event, or counts it when an equal one is known.
func (r *Recorder) write(ctx context.Context, l *lane, e *corev1.Event) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		err := r.try(ctx, l, e)
		if err == nil {
			return
		}
		if ctx.Err() != nil || hopeless(err) {
			r.log.Warn("event not written", "object", e.InvolvedObject.Namespace+"/"+e.InvolvedObject.Name, "reason", e.Reason, "error", err)
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

func (r *Recorder) try(ctx context.Context, l *lane, e *corev1.Event) error {
	if known := l.known(e, r.now()); known != nil {
		again := known.DeepCopy()
		again.Count++
		again.LastTimestamp = e.LastTimestamp
		err := r.client.Patch(ctx, again, client.MergeFrom(known))
		if err == nil {
			l.remember(again)
		}
		if !apierrors.IsNotFound(err) {
			return err
		}
	}
	fresh := e.DeepCopy()
	if err := r.client.Create(ctx, fresh); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	l.remember(fresh)
	return nil
}

// hopeless errors will not go away: the namespace is on its way out, or the event is not accepted.
func hopeless(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsNotFound(err) || apierrors.IsUnauthorized(err)
}

// eventKey says which events are equal.
type eventKey struct {
	uid                      types.UID
	namespace, name          string
	kind, reason, text, sort string
}

func keyOf(e *corev1.Event) eventKey {
	o := e.InvolvedObject
	return eventKey{o.UID, o.Namespace, o.Name, o.Kind, e.Reason, e.Message, e.Type}
}

// A lane is a queue with one reader.
type lane struct {
	mu    sync.Mutex
	queue []*corev1.Event
	wake  chan struct{}
	seen  map[eventKey]*corev1.Event // only the reader uses it
}

func (l *lane) push(e *corev1.Event) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) >= laneSize {
		return false
	}
	l.queue = append(l.queue, e)
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return true
}

func (l *lane) pop() *corev1.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return nil
	}
	e := l.queue[0]
	l.queue = l.queue[1:]
	return e
}

func (l *lane) known(e *corev1.Event, now time.Time) *corev1.Event {
	known := l.seen[keyOf(e)]
	if known != nil && now.Sub(known.LastTimestamp.Time) > memories {
		return nil
	}
	return known
}

func (l *lane) remember(e *corev1.Event) {
	if len(l.seen) >= memory {
		clear(l.seen) // an equal event is then a new object, which readers of events are used to
	}
	l.seen[keyOf(e)] = e
}
