package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/sluice-delivery/sluice/sync"
	"github.com/sluice-delivery/sluice/sync/engine"
)

var applications = schema.GroupVersionResource{Group: Kind.Group, Version: Kind.Version, Resource: "applications"}

// state is what the agent keeps of one Application between looks. Only memory survives a restart.
type state struct {
	uid types.UID
	memory
	// status as stored by our last write. Any other one was written by somebody else.
	status map[string]any
	// left is why the agent gave the Application up. Empty: it did not.
	left    string
	source  desired
	running *running
	// settle is until when a drift may be our own write that the watch has not shown yet.
	settle time.Time
}

// settling is how long the watch may take to show what was applied.
const settling = time.Second

// look is one look at one Application: what was seen and what is to be said about it.
type look struct {
	obj      *unstructured.Unstructured
	state    *state
	request  request
	picture  *engine.Picture
	compared []sync.Compared
	status   Status
	// taken says that the request to sync was heard and is to be removed.
	taken bool
	wake  time.Time
}

// Reconcile looks at one Application, acts, and says what it saw.
//
//  1. Read it. Leave it alone if it is somebody else's.
//  2. Understand it. What is not supported is named.
//  3. Look at Git, then at the cluster; compare.
//  4. Go on with a sync, or decide whether to begin one.
//  5. Write the status.
func (a *Agent) Reconcile(ctx context.Context, key types.NamespacedName) (reconcile.Result, error) {
	obj, err := a.client.Resource(applications).Namespace(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		a.forget(key)
		return reconcile.Result{}, nil
	}
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("read Application %s: %w", key, err)
	}
	l := &look{obj: obj, state: a.remember(key, obj)}
	if why := a.leave(l); why != "" {
		a.metrics.forget(key)
		return reconcile.Result{}, nil
	}
	if obj.GetDeletionTimestamp() != nil {
		return a.delete(ctx, l)
	}
	a.see(ctx, l)
	if err := a.tell(ctx, l); err != nil {
		if apierrors.IsConflict(err) {
			return reconcile.Result{RequeueAfter: time.Millisecond}, nil // somebody was faster: look again
		}
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: max(time.Millisecond, l.wake.Sub(a.now()))}, nil
}

// see does the steps 2 to 4.
func (a *Agent) see(ctx context.Context, l *look) {
	l.status = l.before()
	l.status.Conditions = nil
	l.status.ControllerNamespace = a.config.Namespace
	l.wake = a.now().Add(a.config.ReconcileInterval)
	var err error
	if l.request, err = accept(l.obj); err != nil {
		l.unknown("InvalidSpecError", err)
		return
	}
	_, refresh := l.obj.GetAnnotations()[refreshAnnotation]
	l.state.source = a.look(ctx, l.state.source, l.request, l.obj.GetNamespace(), refresh)
	l.wake = l.state.source.polled.Add(a.config.ReconcileInterval)
	polled := metav1.NewTime(l.state.source.polled)
	l.status.ReconciledAt = &polled
	if l.state.source.err != nil {
		l.unknown("ComparisonError", l.state.source.err)
		return
	}
	l.status.Sync.Revision = l.state.source.commit
	if err := a.compare(l); err != nil {
		l.unknown("ComparisonError", err)
		return
	}
	a.act(l)
	l.describe()
}

// compare takes a picture of the cluster and judges it.
func (a *Agent) compare(l *look) error {
	picture, err := a.engine.Compare(l.request.app, l.state.source.objects())
	if err != nil {
		return err
	}
	l.picture, l.compared = picture, nil
	for _, o := range picture.Objects {
		l.compared = append(l.compared, sync.Compared{Object: o, Verdict: sync.Compare(o, l.state.source.commit)})
	}
	l.state.Rejected = sync.Rejections(l.state.Rejected, l.compared)
	return nil
}

// remember finds the state of an Application, or starts it from what the annotation holds.
func (a *Agent) remember(key types.NamespacedName, obj *unstructured.Unstructured) *state {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if s := a.states[key]; s != nil && s.uid == obj.GetUID() {
		return s
	}
	s := &state{uid: obj.GetUID()}
	if text := obj.GetAnnotations()[Annotation]; text != "" {
		if err := json.Unmarshal([]byte(text), &s.memory); err != nil {
			a.log.Warn("the annotation of an Application cannot be read and is written anew", "application", key, "error", err)
		}
	}
	a.states[key] = s
	return s
}

func (a *Agent) forget(key types.NamespacedName) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	delete(a.states, key)
	a.metrics.forget(key)
}

// leave says why an Application is none of the agent's business, once per reason. Empty: it is ours.
func (a *Agent) leave(l *look) string {
	status, _, _ := unstructured.NestedMap(l.obj.Object, "status")
	why := foreign(l.obj)
	switch {
	case len(status) == 0: // new, or cleared by a person who gives it to us
		l.state.status = nil
	case why == "" && l.state.status != nil && !reflect.DeepEqual(status, l.state.status):
		why = "another program writes its status; the agent stops acting on it. Make sure that no Argo CD manages it, then clear its status to give it back"
		a.giveUp(l)
	}
	if why != "" && why != l.state.left {
		a.log.Error("leave an Application alone", "application", l.obj.GetNamespace()+"/"+l.obj.GetName(), "reason", why)
		a.events.Event(l.obj, "Warning", "NotManaged", why)
	}
	l.state.left = why
	return why
}

// giveUp removes our mark, so that a restart of the agent does not take the Application back.
func (a *Agent) giveUp(l *look) {
	patch := []byte(`{"metadata":{"annotations":{"` + Annotation + `":null}}}`)
	_, err := a.client.Resource(applications).Namespace(l.obj.GetNamespace()).Patch(context.Background(), l.obj.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: engine.Manager})
	if err != nil {
		a.log.Error("remove the mark of the agent", "application", l.obj.GetNamespace()+"/"+l.obj.GetName(), "error", err)
	}
	l.state.status, l.state.running = nil, nil
}
