package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/config"
	"github.com/sluice-delivery/sluice/internal/kube"
	"github.com/sluice-delivery/sluice/internal/metrics"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/traffic"
)

// A bench is the shell around an API server in memory. What it is told is in told, what it writes in writes.
type bench struct {
	*Rollouts
	told, writes []string
	fail         map[string]error // by what is written
}

const shop = "shop"

func web() *v1alpha1.Rollout {
	return &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "web", UID: "r"}}
}

func set(name string, size int32) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: name, UID: types.UID(name), Labels: map[string]string{v1alpha1.DefaultRolloutUniqueLabelKey: name}},
		Spec:       appsv1.ReplicaSetSpec{Replicas: &size},
	}
}

func service() *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: shop, Name: "stable", UID: "s"}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "web"}}}
}

func newBench(t *testing.T, objects ...client.Object) *bench {
	t.Helper()
	scheme, err := kube.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	s := &bench{fail: map[string]error{}}
	note := func(verb string, o client.Object, do func() error) error {
		if _, event := o.(*corev1.Event); event {
			return do()
		}
		what := verb + " " + o.GetName()
		if err := s.fail[what]; err != nil {
			return err
		}
		err := do()
		if err == nil {
			s.writes = append(s.writes, what)
		}
		return err
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1alpha1.Rollout{}).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return note("create", o, func() error { return c.Create(ctx, o, opts...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			return note("patch", o, func() error { return c.Patch(ctx, o, p, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			return note(sub, o, func() error { return c.SubResource(sub).Patch(ctx, o, p, opts...) })
		},
	}).Build()
	log := slog.New(slog.DiscardHandler)
	events := kube.NewRecorder(c, component, log)
	events.Listen(func(_ client.Object, e kube.Event) { s.told = append(s.told, e.Message) })
	caches := kube.NewCaches(kube.Scope{}, scheme, nil, nil)
	shell := &Shell{Client: c, Live: c, Caches: caches, Fence: kube.NewFence(caches), Events: events, Metrics: metrics.New(prometheus.NewRegistry()),
		Config: config.Config{}, Now: time.Now, Log: log}
	s.Rollouts = &Rollouts{Shell: shell, steering: newSteering(shell), trials: newTrials(), retries: limiter(), known: map[types.NamespacedName]*v1alpha1.Rollout{}}
	return s
}

// see is the picture that the bench shows now.
func (s *bench) see(t *testing.T) plan.Snapshot {
	t.Helper()
	snapshot := plan.Snapshot{Rollout: &v1alpha1.Rollout{}, Services: map[string]*corev1.Service{}}
	if err := s.Client.Get(t.Context(), client.ObjectKey{Namespace: shop, Name: "web"}, snapshot.Rollout); err != nil {
		t.Fatal(err)
	}
	var sets appsv1.ReplicaSetList
	var services corev1.ServiceList
	for _, list := range []client.ObjectList{&sets, &services} {
		if err := s.Client.List(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	for i := range sets.Items {
		snapshot.ReplicaSets = append(snapshot.ReplicaSets, &sets.Items[i])
	}
	for i := range services.Items {
		snapshot.Services[services.Items[i].Name] = &services.Items[i]
	}
	return snapshot
}

func saying(text string) plan.Reason {
	return plan.Reason{Text: text, Tell: []plan.Event{{Reason: "R", Message: text}}}
}

func (s *bench) sized(t *testing.T, snapshot plan.Snapshot, name string, size int32) plan.Effect {
	t.Helper()
	for _, rs := range snapshot.ReplicaSets {
		if rs.Name == name {
			want := rs.DeepCopy()
			want.Spec.Replicas = &size
			return plan.Scale{Reason: saying(fmt.Sprintf("%s to %d", name, size)), Want: want, From: *rs.Spec.Replicas, To: size}
		}
	}
	t.Fatalf("no replicaset %s", name)
	return nil
}

func TestApply(t *testing.T) {
	for name, tc := range map[string]struct {
		act    func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error
		writes []string
		told   []string
		check  func(error) bool // nil: no error
	}{
		"effects are carried out in order, and told one by one": {
			act: func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error {
				return w.apply(t.Context(), []plan.Effect{s.sized(t, seen, "b", 1), s.sized(t, seen, "a", 2)})
			},
			writes: []string{"patch b", "patch a"}, told: []string{"b to 1", "a to 2"},
		},
		"the first that does not hold ends the pass, and nothing is told of it": {
			act: func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error {
				s.fail["patch b"] = errors.New("connection refused")
				return w.apply(t.Context(), []plan.Effect{s.sized(t, seen, "b", 1), s.sized(t, seen, "a", 2)})
			},
			check: func(err error) bool {
				return strings.Contains(err.Error(), "scale replicaset b to 1: connection refused")
			},
		},
		"what somebody else changed since is left alone": {
			act: func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error {
				other := seen.ReplicaSets[0].DeepCopy()
				other.Labels["somebody"] = "else"
				if err := s.Client.Update(t.Context(), other); err != nil {
					t.Fatal(err)
				}
				return w.apply(t.Context(), []plan.Effect{s.sized(t, seen, "a", 2)})
			},
			check: kube.IsStale,
		},
		"two changes of one object follow each other": {
			act: func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error {
				amended := seen.ReplicaSets[0].DeepCopy()
				amended.Annotations = map[string]string{"x": "y"}
				scaled := amended.DeepCopy()
				size := int32(7)
				scaled.Spec.Replicas = &size
				return w.apply(t.Context(), []plan.Effect{plan.Amend{Want: amended}, plan.Scale{Want: scaled, To: 7}})
			},
			writes: []string{"patch a", "patch a"},
		},
		"a change that changes nothing is not written, and still told": {
			act: func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error {
				return w.apply(t.Context(), []plan.Effect{s.sized(t, seen, "a", 3)})
			},
			told: []string{"a to 3"},
		},
		"without the lease nothing is written": {
			act: func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				return errors.Join(w.apply(ctx, []plan.Effect{s.sized(t, seen, "b", 1)}), w.status(ctx, &v1alpha1.RolloutStatus{Phase: "Healthy"}))
			},
			check: ending,
		},
		"an equal status is not written": {
			act: func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error {
				return w.status(t.Context(), seen.Rollout.Status.DeepCopy())
			},
		},
		"a status is written with the version of our own last write": {
			act: func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error {
				two := "2"
				if err := w.apply(t.Context(), []plan.Effect{plan.Annotate{Reason: saying("revision 2"), Annotations: map[string]*string{v1alpha1.RevisionAnnotation: &two}}}); err != nil {
					return err
				}
				return w.status(t.Context(), &v1alpha1.RolloutStatus{Phase: v1alpha1.RolloutPhaseHealthy})
			},
			writes: []string{"patch web", "status web"}, told: []string{"revision 2"},
		},
		"a status for a picture that is no longer true is not written": {
			act: func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error {
				other := seen.Rollout.DeepCopy()
				other.Labels = map[string]string{"somebody": "else"}
				if err := s.Client.Update(t.Context(), other); err != nil {
					t.Fatal(err)
				}
				return w.status(t.Context(), &v1alpha1.RolloutStatus{Phase: v1alpha1.RolloutPhaseHealthy})
			},
			check: kube.IsStale,
		},
		"a Service is pointed at a revision, and says by whom": {
			act: func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error {
				if err := w.apply(t.Context(), []plan.Effect{plan.Point{Service: seen.Services["stable"], To: "h"}}); err != nil {
					return err
				}
				got := &corev1.Service{}
				if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(service()), got); err != nil {
					return err
				}
				if got.Spec.Selector[v1alpha1.DefaultRolloutUniqueLabelKey] != "h" || got.Spec.Selector["app"] != "web" || got.Annotations[v1alpha1.ManagedByRolloutsAnnotation] != "web" {
					t.Errorf("service %v %v", got.Spec.Selector, got.Annotations)
				}
				return nil
			},
			writes: []string{"patch stable"},
		},
		"a ReplicaSet that is there already is looked at again": {
			act: func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error {
				return w.apply(t.Context(), []plan.Effect{plan.Create{Reason: saying("new"), ReplicaSet: set("a", 0)}})
			},
			check: kube.IsStale,
		},
		"what a creation was told becomes a fact of the next picture": {
			act: func(t *testing.T, s *bench, w *writer, seen plan.Snapshot) error {
				s.fail["create c"] = apierrors.NewForbidden(appsv1.Resource("replicasets"), "c", errors.New("exceeded quota"))
				err := w.apply(t.Context(), []plan.Effect{plan.Create{Reason: saying("new"), ReplicaSet: set("c", 0)}})
				if a, known := s.trials.take("r", "c", s.Now()); !known || !strings.Contains(a.createError, "exceeded quota") {
					t.Errorf("remembered %+v", a)
				}
				if _, known := s.trials.take("r", "c", s.Now()); known {
					t.Error("remembered for ever: the quota may have grown")
				}
				return err
			},
			check: func(err error) bool { return apierrors.IsForbidden(err) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBench(t, web(), set("a", 3), set("b", 0), service())
			seen := s.see(t)
			err := tc.act(t, s, s.writer(seen), seen)
			switch {
			case tc.check == nil && err != nil:
				t.Errorf("error %v", err)
			case tc.check != nil && (err == nil || !tc.check(err)):
				t.Errorf("error %v is not the expected one", err)
			}
			if !slices.Equal(s.writes, tc.writes) {
				t.Errorf("wrote %q, want %q", s.writes, tc.writes)
			}
			if !slices.Equal(s.told, tc.told) {
				t.Errorf("told %q, want %q", s.told, tc.told)
			}
		})
	}
}

// tap is a router with two objects: hashes before weights.
type tap struct{ err error }

func (tap) Refs() []traffic.Ref {
	return []traffic.Ref{traffic.IngressRef(shop, "hashes"), traffic.IngressRef(shop, "weights")}
}

func (r tap) Edit(objs traffic.Objects, want traffic.Split) ([]traffic.Event, error) {
	for _, ref := range r.Refs() {
		o, exists := objs.Get(ref)
		if !exists {
			o = &unstructured.Unstructured{}
			o.SetAPIVersion("networking.k8s.io/v1")
			o.SetKind("Ingress")
			o.SetNamespace(ref.Namespace)
			o.SetName(ref.Name)
			objs[ref] = o
		}
		o.SetAnnotations(map[string]string{"weight": fmt.Sprint(want.Weight)})
	}
	return []traffic.Event{{Reason: "E", Message: fmt.Sprintf("weight %d", want.Weight)}}, r.err
}

func TestRoute(t *testing.T) {
	for name, tc := range map[string]struct {
		err          error
		first        bool // weights first
		twice        bool
		told, writes []string
		failed       bool
	}{
		"objects are written in their order, then it is told": {writes: []string{"create hashes", "create weights"}, told: []string{"weight 20"}},
		"weights go first when pods are missing":              {first: true, writes: []string{"create weights", "create hashes"}, told: []string{"weight 20"}},
		"what is as it should be is not written again":        {twice: true, writes: []string{"create hashes", "create weights"}, told: []string{"weight 20", "weight 20"}},
		"an error is told and nothing is written":             {err: errors.New("no route"), told: []string{"weight 20", "no route"}, failed: true},
		"waiting for pods is no news":                         {err: &traffic.Delay{Reason: "wait"}, told: []string{"weight 20"}, failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBench(t, web())
			s.Routers = func(*v1alpha1.Rollout) ([]traffic.Router, error) { return []traffic.Router{tap{tc.err}}, nil }
			w := s.writer(s.see(t))
			effects := []plan.Effect{plan.Route{Split: traffic.Split{Weight: 20, WeightFirst: tc.first}}}
			if tc.twice {
				effects = append(effects, effects[0])
			}
			if err := w.apply(t.Context(), effects); (err != nil) != tc.failed {
				t.Errorf("error %v", err)
			}
			if !slices.Equal(s.writes, tc.writes) || !slices.Equal(s.told, tc.told) {
				t.Errorf("wrote %q, want %q; told %q, want %q", s.writes, tc.writes, s.told, tc.told)
			}
		})
	}
}

func TestCarries(t *testing.T) {
	s := newBench(t, web())
	routers := []traffic.Router{tap{}}
	s.Routers = func(*v1alpha1.Rollout) ([]traffic.Router, error) { return routers, nil }
	w := s.writer(s.see(t))
	split := traffic.Split{Weight: 20}
	if carries(routers, w.objects)(split) {
		t.Error("objects that are not there carry nothing")
	}
	if err := w.apply(t.Context(), []plan.Effect{plan.Route{Split: split}}); err != nil {
		t.Fatal(err)
	}
	if !carries(routers, w.objects)(split) || carries(routers, w.objects)(traffic.Split{Weight: 21}) {
		t.Error("objects carry the split that was written, and no other")
	}
	if carries([]traffic.Router{tap{errors.New("no route")}}, w.objects)(split) {
		t.Error("a router that cannot edit says so when it is asked to")
	}
}
