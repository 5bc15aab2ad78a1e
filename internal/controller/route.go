package controller

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/traffic"
)

// route makes every router of the Rollout carry the split: a pure edit of copies, then what changed is written.
func (w *writer) route(ctx context.Context, want traffic.Split) error {
	routers, err := w.Routers(w.ro)
	if err != nil {
		return w.unroutable(err)
	}
	for _, router := range routers {
		if err := w.drive(ctx, router, want); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) drive(ctx context.Context, router traffic.Router, want traffic.Split) error {
	refs := router.Refs()
	edited := traffic.Objects{}
	for _, ref := range refs {
		if o, exists := w.objects.Get(ref); exists {
			edited[ref] = o.DeepCopy()
		}
	}
	events, err := router.Edit(edited, want)
	if err != nil {
		w.publish(told(events))
		return w.unroutable(err)
	}
	for _, ref := range traffic.WriteOrder(refs, want) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.save(ctx, ref, edited[ref]); err != nil {
			return err
		}
	}
	w.publish(told(events))
	return nil
}

// unroutable tells why traffic cannot be steered. Waiting for pods is no news.
func (w *writer) unroutable(err error) error {
	var wait *traffic.Delay
	if !errors.As(err, &wait) {
		w.tell(w.ro, plan.Event{Reason: v1alpha1.EventTrafficRoutingError, Message: err.Error(), Warning: true})
	}
	return errRefused{err}
}

func told(events []traffic.Event) (all []plan.Event) {
	for _, e := range events {
		all = append(all, plan.Event{Reason: e.Reason, Message: e.Message, Warning: e.Warning})
	}
	return all
}

// save writes one steering object, if it is new or was changed.
func (w *writer) save(ctx context.Context, ref traffic.Ref, o *unstructured.Unstructured) error {
	was, exists := w.objects.Get(ref)
	switch {
	case o == nil:
		return nil
	case exists && equality.Semantic.DeepEqual(was.Object, o.Object):
		return nil
	}
	var err error
	if exists {
		err = w.Client.Patch(ctx, o, client.MergeFromWithOptions(was, client.MergeFromWithOptimisticLock{}))
	} else {
		err = w.Client.Create(ctx, o)
	}
	if err != nil {
		return fmt.Errorf("steer traffic by %s %s/%s: %w", ref.Kind, ref.Namespace, ref.Name, err)
	}
	w.objects[ref] = o
	w.wroteObject(o)
	return nil
}
