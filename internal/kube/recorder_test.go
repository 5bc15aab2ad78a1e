package kube

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// book is an API server that writes down, in order, what it is told.
type book struct {
	lines []string // as an observer counts them: each occurrence
	fails int      // requests that are refused before one is taken
}

func (b *book) client(t *testing.T) client.Client {
	t.Helper()
	scheme, err := Scheme()
	if err != nil {
		t.Fatal(err)
	}
	note := func(e *corev1.Event, err error) error {
		if err == nil {
			b.lines = append(b.lines, fmt.Sprintf("%s %s %s %d", e.InvolvedObject.Name, e.Type, e.Message, e.Count))
		}
		return err
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if b.fails > 0 {
				b.fails--
				return fmt.Errorf("connection refused")
			}
			return note(o.(*corev1.Event), c.Create(ctx, o, opts...))
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			return note(o.(*corev1.Event), c.Patch(ctx, o, p, opts...))
		},
	}).Build()
}

func TestRecorder(t *testing.T) {
	web := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "1"}}
	tell := func(b *book, events ...Event) (heard []string) {
		r := NewRecorder(b.client(t), "rollouts-controller", slog.New(slog.DiscardHandler))
		r.Listen(func(_ client.Object, e Event) { heard = append(heard, e.Message) })
		for _, e := range events {
			r.Tell(web, e)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Start(ctx); err != nil {
			t.Fatal(err)
		}
		return heard
	}

	t.Run("writes events in the order in which they were told", func(t *testing.T) {
		b, want := &book{}, []string{}
		var events []Event
		for i := range 60 { // client-go would drop the 26th
			events = append(events, Event{Reason: "ScalingReplicaSet", Message: fmt.Sprint("m", i), Warning: i == 59})
			want = append(want, fmt.Sprintf("web %s m%d 1", events[i].Type(), i))
		}
		heard := tell(b, events...)
		if !slices.Equal(b.lines, want) {
			t.Errorf("written %q, want %q", b.lines, want)
		}
		if len(heard) != 60 {
			t.Errorf("the listener heard %d of 60", len(heard))
		}
	})
	t.Run("counts an equal event instead of writing it anew", func(t *testing.T) {
		b := &book{}
		tell(b, Event{Reason: "A", Message: "a"}, Event{Reason: "B", Message: "b"}, Event{Reason: "A", Message: "a"})
		if want := []string{"web Normal a 1", "web Normal b 1", "web Normal a 2"}; !slices.Equal(b.lines, want) {
			t.Errorf("written %q, want %q", b.lines, want)
		}
	})
	t.Run("tries again, and later events wait", func(t *testing.T) {
		b := &book{fails: 2}
		tell(b, Event{Reason: "A", Message: "a"}, Event{Reason: "B", Message: "b"})
		if want := []string{"web Normal a 1", "web Normal b 1"}; !slices.Equal(b.lines, want) {
			t.Errorf("written %q, want %q", b.lines, want)
		}
	})
	t.Run("names the component, the kind and the times", func(t *testing.T) {
		b := &book{}
		c := b.client(t)
		r := NewRecorder(c, "rollouts-controller", slog.New(slog.DiscardHandler))
		r.now = func() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }
		e := r.event(web, Event{Reason: "A", Message: "a"})
		if e.Source.Component != "rollouts-controller" || e.InvolvedObject.Kind != "Rollout" || e.InvolvedObject.APIVersion != "argoproj.io/v1alpha1" ||
			e.FirstTimestamp.Year() != 2030 || e.Namespace != "shop" {
			t.Errorf("event = %+v", e)
		}
	})
}
