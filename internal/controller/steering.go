package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/traffic"
)

// servedAgain is how long a kind that the API server does not serve is not asked for again.
const servedAgain = 10 * time.Second

var ingressKind = networkingv1.SchemeGroupVersion.WithKind("Ingress")

// steering reads the objects that routers edit. Kinds of a mesh are watched once the API server serves them and a
// Rollout refers to one; until their cache is filled they are read from the API server.
type steering struct {
	shell *Shell
	watch func(kind schema.GroupVersionKind) error // begins to watch a kind; called once per kind

	mu      sync.Mutex
	watched map[schema.GroupVersionKind]bool
	absent  map[schema.GroupVersionKind]time.Time // asked for in vain, and when
}

func newSteering(s *Shell) *steering {
	return &steering{shell: s, watched: map[schema.GroupVersionKind]bool{}, absent: map[schema.GroupVersionKind]time.Time{}}
}

// read returns the object behind ref, as a copy, or nil and what the API server says when there is none.
func (s *steering) read(ctx context.Context, ref traffic.Ref) (*unstructured.Unstructured, string, error) {
	kind := schema.GroupVersionKind{Group: ref.Group, Version: ref.Version, Kind: ref.Kind}
	key := client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}
	o, err := s.get(ctx, kind, key)
	switch {
	case apierrors.IsNotFound(err) || meta.IsNoMatchError(err):
		return nil, err.Error(), nil
	case err != nil:
		return nil, "", fmt.Errorf("read %s %s: %w", ref.Kind, key, err)
	}
	return o, "", nil
}

func (s *steering) get(ctx context.Context, kind schema.GroupVersionKind, key client.ObjectKey) (*unstructured.Unstructured, error) {
	if kind == ingressKind {
		return s.ingress(ctx, key)
	}
	if err := s.serve(kind); err != nil {
		return nil, err
	}
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	if s.shell.Caches.Holds(kind) {
		if err := s.shell.Client.Get(ctx, key, o); !apierrors.IsNotFound(err) {
			return o, err
		}
	}
	return o, s.shell.Live.Get(ctx, key, o) // also what the cache does not know yet: it may be a moment old
}

// ingress comes from the typed cache, which is there anyhow. Fields that our types lack are not seen, and since
// changes are written as patches of what was seen, they are not lost either.
func (s *steering) ingress(ctx context.Context, key client.ObjectKey) (*unstructured.Unstructured, error) {
	var typed networkingv1.Ingress
	err := s.shell.Client.Get(ctx, key, &typed)
	if apierrors.IsNotFound(err) {
		err = s.shell.Live.Get(ctx, key, &typed)
	}
	if err != nil {
		return nil, err
	}
	return loose(&typed, ingressKind)
}

// loose is a typed object without its type.
func loose(o client.Object, kind schema.GroupVersionKind) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(kind)
	return u, nil
}

// serve makes sure that a kind is watched, or says that the API server does not serve it.
func (s *steering) serve(kind schema.GroupVersionKind) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	none := &meta.NoKindMatchError{GroupKind: kind.GroupKind(), SearchedVersions: []string{kind.Version}}
	switch {
	case s.watched[kind]:
		return nil
	case s.shell.Now().Sub(s.absent[kind]) < servedAgain:
		return none
	}
	if _, err := s.shell.Client.RESTMapper().RESTMapping(kind.GroupKind(), kind.Version); err != nil {
		if meta.IsNoMatchError(err) {
			s.absent[kind] = s.shell.Now()
			return none
		}
		return fmt.Errorf("ask whether %s is served: %w", kind.Kind, err)
	}
	if err := s.watch(kind); err != nil {
		return fmt.Errorf("watch %s: %w", kind.Kind, err)
	}
	s.watched[kind] = true
	return nil
}
