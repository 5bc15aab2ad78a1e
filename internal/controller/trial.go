package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// A trial is what the API server says to the ReplicaSet of a revision that has none, without making it: the template
// as it would be stored, or what is wrong with it. So defaults and rules are always those of the server that stores
// the ReplicaSets.
type trial struct {
	defaulted   *corev1.PodTemplateSpec
	createError string
	template    []v1alpha1.TemplateError
	collision   bool
}

// trials remembers good answers, by Rollout and hash of the template, and for one look what a real creation was told.
type trials struct {
	mu      sync.Mutex
	answers map[types.UID]answered
}

type answered struct {
	hash string
	at   time.Time
	trial
}

// trialAge is how long an answer counts: the API server may be another one by then.
const trialAge = 10 * time.Minute

func newTrials() *trials { return &trials{answers: map[types.UID]answered{}} }

func (t *trials) take(uid types.UID, hash string, now time.Time) (trial, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, found := t.answers[uid]
	if !found || a.hash != hash || now.Sub(a.at) > trialAge {
		return trial{}, false
	}
	if a.createError != "" { // the outside may have changed; next time it is asked
		delete(t.answers, uid)
	}
	return a.trial, true
}

func (t *trials) keep(uid types.UID, hash string, now time.Time, a trial) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answers[uid] = answered{hash, now, a}
}

func (t *trials) forget(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.answers, uid)
}

// try fills in what the API server says to the new ReplicaSet, if there is to be one.
func (c *Rollouts) try(ctx context.Context, s *plan.Snapshot) error {
	ro := s.Rollout
	if selector, err := metav1.LabelSelectorAsSelector(ro.Spec.Selector); err != nil || selector.Empty() {
		return nil // a fault of the spec; the planner says so
	}
	if revision.Find(s.ReplicaSets, &ro.Spec.Template, ro.Status.CollisionCount, nil) != nil {
		return nil
	}
	hash := revision.Hash(&ro.Spec.Template, ro.Status.CollisionCount)
	a, known := c.trials.take(ro.UID, hash, c.Now())
	if !known {
		var err error
		if a, err = c.ask(ctx, ro, revision.New(ro, hash, revision.Next(s.ReplicaSets), nil)); err != nil {
			return err
		}
		if a.defaulted != nil || len(a.template) > 0 {
			c.trials.keep(ro.UID, hash, c.Now(), a)
		}
	}
	s.Defaulted, s.CreateError, s.Collision, s.References.TemplateErrors = a.defaulted, a.createError, a.collision, a.template
	return nil
}

func (c *Rollouts) ask(ctx context.Context, ro *v1alpha1.Rollout, rs *appsv1.ReplicaSet) (trial, error) {
	err := c.Client.Create(ctx, rs, client.DryRunAll)
	if err == nil {
		return trial{defaulted: &rs.Spec.Template}, nil
	}
	var status apierrors.APIStatus
	switch code := statusCode(err, &status); {
	case apierrors.IsAlreadyExists(err):
		return c.taken(ctx, ro, rs.Name)
	case apierrors.IsInvalid(err):
		return c.refused(ctx, rs, status.Status(), err), nil
	case strings.Contains(err.Error(), "does not support dry run"):
		return trial{}, nil // a webhook that only sees the real thing
	case code == http.StatusInternalServerError || code >= 400 && code < 500 && code != http.StatusConflict && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout:
		return trial{createError: err.Error()}, nil
	}
	return trial{}, fmt.Errorf("try to create replicaset %s: %w", rs.Name, err)
}

func statusCode(err error, status *apierrors.APIStatus) int {
	if errors.As(err, status) {
		return int((*status).Status().Code)
	}
	return 0
}

// taken tells a collision from a cache that has not heard of our own ReplicaSet yet.
func (c *Rollouts) taken(ctx context.Context, ro *v1alpha1.Rollout, name string) (trial, error) {
	var rs appsv1.ReplicaSet
	err := c.Live.Get(ctx, client.ObjectKey{Namespace: ro.Namespace, Name: name}, &rs)
	if err != nil {
		return trial{}, fmt.Errorf("look at replicaset %s, which is in the way: %w", name, err)
	}
	if _, visible := rs.Labels[v1alpha1.DefaultRolloutUniqueLabelKey]; visible && metav1.IsControlledBy(&rs, ro) && rs.DeletionTimestamp == nil {
		if _, cached := c.Caches.Find(appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), kube.Key(&rs)); !cached {
			return trial{}, apierrors.NewAlreadyExists(appsv1.Resource("replicasets"), name)
		}
	}
	return trial{collision: true}, nil
}

// refused sorts out what the API server found wrong: the pod template, which is a fault of the spec, or something else.
// Privileged containers are let through here as they are elsewhere (spec 12.2); if nothing else is wrong, it is the
// creation that fails.
func (c *Rollouts) refused(ctx context.Context, rs *appsv1.ReplicaSet, status metav1.Status, err error) trial {
	faults := templateErrors(status, rs.Labels[v1alpha1.DefaultRolloutUniqueLabelKey])
	if humble := rs.DeepCopy(); unprivilege(&humble.Spec.Template.Spec) && c.Client.Create(ctx, humble, client.DryRunAll) == nil {
		return trial{createError: err.Error()}
	}
	if len(faults) == 0 {
		return trial{createError: err.Error()}
	}
	return trial{template: faults}
}

func unprivilege(spec *corev1.PodSpec) (changed bool) {
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			if s := list[i].SecurityContext; s != nil && s.Privileged != nil && *s.Privileged {
				s.Privileged = nil
				changed = true
			}
		}
	}
	return changed
}

// templateErrors are the causes that speak of the pod template. The hash label is ours: it is taken out of what they quote.
func templateErrors(status metav1.Status, hash string) (faults []v1alpha1.TemplateError) {
	if status.Details == nil {
		return nil
	}
	label := fmt.Sprintf("%q:%q", v1alpha1.DefaultRolloutUniqueLabelKey, hash)
	quoted := strings.NewReplacer(","+label, "", label+",", "", label, "")
	for _, cause := range status.Details.Causes {
		if cause.Field == "spec.template" || strings.HasPrefix(cause.Field, "spec.template.") {
			faults = append(faults, v1alpha1.TemplateError{Field: cause.Field, Type: string(cause.Type), Message: quoted.Replace(cause.Message)})
		}
	}
	return faults
}
