package story

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Sighting is an object as a watch showed it.
type Sighting struct {
	At     time.Time
	Object client.Object
	Gone   bool
}

// Recorder remembers how objects changed, and when that was seen: what was there between two looks is not missed.
type Recorder struct {
	cluster *Cluster
	mutex   sync.Mutex
	seen    []Sighting
}

// Watch records one kind in a namespace until the context ends. It returns when the first list is in.
func (r *Recorder) Watch(ctx context.Context, namespace string, kind client.ObjectList) error {
	stream, err := r.follow(ctx, namespace, kind)
	if err != nil {
		return err
	}
	go func() {
		for ctx.Err() == nil {
			for event := range stream.ResultChan() {
				if o, ok := event.Object.(client.Object); ok && event.Type != watch.Bookmark {
					r.add(Sighting{At: time.Now(), Object: o, Gone: event.Type == watch.Deleted})
				}
			}
			for ctx.Err() == nil { // an API server ends a watch now and then
				if stream, err = r.follow(ctx, namespace, kind); err == nil {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
	}()
	return nil
}

func (r *Recorder) follow(ctx context.Context, namespace string, kind client.ObjectList) (watch.Interface, error) {
	list := kind.DeepCopyObject().(client.ObjectList)
	if err := r.cluster.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	now := time.Now()
	_ = meta.EachListItem(list, func(o runtime.Object) error { // never an error: the function returns none
		r.add(Sighting{At: now, Object: o.(client.Object)})
		return nil
	})
	return r.cluster.WithWatch.Watch(ctx, kind.DeepCopyObject().(client.ObjectList), client.InNamespace(namespace),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}})
}

func (r *Recorder) add(s Sighting) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.seen = append(r.seen, s)
}

// since are the sightings of a kind from a moment on, oldest first.
func since[T client.Object](r *Recorder, from time.Time, namespace string) (found []Sighting) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, s := range slices.Backward(r.seen) {
		if s.At.Before(from) {
			break
		}
		if _, ok := s.Object.(T); ok && s.Object.GetNamespace() == namespace {
			found = append(found, s)
		}
	}
	slices.Reverse(found)
	return found
}

// Weight is a weight in a routing object, and when it was first seen there.
type Weight struct {
	At    time.Time
	Value int
}

// weights are the changes of the canary's weight in the Ingress that the controller keeps for it.
func (r *Recorder) weights(from time.Time, namespace string) (found []Weight) {
	for _, s := range since[*networkingv1.Ingress](r, from, namespace) {
		a := s.Object.GetAnnotations()
		if a["nginx.ingress.kubernetes.io/canary"] != "true" {
			continue
		}
		value, _ := strconv.Atoi(a["nginx.ingress.kubernetes.io/canary-weight"]) // absent: none
		if s.Gone {
			value = 0
		}
		if len(found) == 0 || found[len(found)-1].Value != value {
			found = append(found, Weight{s.At, value})
		}
	}
	return found
}
