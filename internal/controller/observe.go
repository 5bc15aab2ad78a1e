package controller

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// observe takes the picture. What is missing or broken is a fact in it; an error means that we could not look.
func (c *Rollouts) observe(ctx context.Context, ro *v1alpha1.Rollout) (plan.Snapshot, error) {
	s := plan.Snapshot{Rollout: ro}
	for _, see := range []func(context.Context, *plan.Snapshot) error{
		c.seeReplicaSets, c.seePods, c.seeServices, c.seeRuns, c.seeTemplates, c.seeSteering, c.try,
	} {
		if err := see(ctx, &s); err != nil {
			return plan.Snapshot{}, err
		}
	}
	return s, nil
}

func (c *Rollouts) seeReplicaSets(ctx context.Context, s *plan.Snapshot) error {
	var list appsv1.ReplicaSetList
	if err := c.Client.List(ctx, &list, client.InNamespace(s.Rollout.Namespace), client.MatchingFields{ownerIndex: string(s.Rollout.UID)}); err != nil {
		return fmt.Errorf("list replicasets: %w", err)
	}
	for i := range list.Items {
		s.ReplicaSets = append(s.ReplicaSets, &list.Items[i])
	}
	return nil
}

// seePods looks at pods only where a plan may touch them: the cache of pods begins with the first Rollout that needs it.
func (c *Rollouts) seePods(ctx context.Context, s *plan.Snapshot) error {
	if !touchesPods(s) {
		return nil
	}
	owners := map[string]bool{}
	for _, rs := range s.ReplicaSets {
		owners[string(rs.UID)] = true
	}
	var list corev1.PodList
	if err := c.Client.List(ctx, &list, client.InNamespace(s.Rollout.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	for i := range list.Items {
		if owner := metav1.GetControllerOf(&list.Items[i]); owner != nil && owners[string(owner.UID)] {
			s.Pods = append(s.Pods, list.Items[i].DeepCopy())
		}
	}
	return nil
}

func touchesPods(s *plan.Snapshot) bool {
	ro := s.Rollout
	if at := ro.Spec.RestartAt; at != nil && !at.Equal(ro.Status.RestartedAt) {
		return true
	}
	if x := ro.Spec.Strategy.Canary; x != nil && (x.CanaryMetadata != nil || x.StableMetadata != nil) {
		return true
	}
	if x := ro.Spec.Strategy.BlueGreen; x != nil && (x.ActiveMetadata != nil || x.PreviewMetadata != nil) {
		return true
	}
	for _, rs := range s.ReplicaSets {
		if _, dressed := rs.Annotations[v1alpha1.EphemeralMetadataAnnotation]; dressed && revision.Size(rs) > 0 {
			return true
		}
	}
	return false
}

func (c *Rollouts) seeServices(ctx context.Context, s *plan.Snapshot) error {
	s.Services = map[string]*corev1.Service{}
	for _, name := range serviceNames(s.Rollout) {
		svc := &corev1.Service{}
		found, err := c.find(ctx, client.ObjectKey{Namespace: s.Rollout.Namespace, Name: name}, svc)
		if err != nil {
			return fmt.Errorf("read service %s: %w", name, err)
		}
		if found {
			s.Services[name] = svc
		}
	}
	s.References.Services = s.Services
	return nil
}

func (c *Rollouts) seeRuns(ctx context.Context, s *plan.Snapshot) error {
	var list v1alpha1.AnalysisRunList
	if err := c.Client.List(ctx, &list, client.InNamespace(s.Rollout.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("list analysisruns: %w", err)
	}
	s.TakenRunNames = map[string]bool{}
	for i := range list.Items {
		run := &list.Items[i]
		if _, broken := kube.Broken(run); !broken && metav1.IsControlledBy(run, s.Rollout) {
			s.Runs = append(s.Runs, run.DeepCopy())
			continue
		}
		s.TakenRunNames[run.Name] = true
	}
	return nil
}

func (c *Rollouts) seeTemplates(ctx context.Context, s *plan.Snapshot) error {
	s.Templates = analysis.Templates{Namespaced: map[string]*v1alpha1.AnalysisTemplate{}, Cluster: map[string]*v1alpha1.ClusterAnalysisTemplate{}}
	seen := map[string]bool{}
	for open := templatesOf(s.Rollout); len(open) > 0; {
		ref := open[0]
		open = open[1:]
		if seen[templateKey(ref)] || ref.TemplateName == "" {
			continue
		}
		seen[templateKey(ref)] = true
		nested, err := c.seeTemplate(ctx, s, ref)
		if err != nil {
			return fmt.Errorf("read %s: %w", templateKey(ref), err)
		}
		open = append(open, nested...)
	}
	s.References.AnalysisTemplates, s.References.ClusterAnalysisTemplates = s.Templates.Namespaced, s.Templates.Cluster
	s.References.AnalysisErrors = analysis.Check(s.Rollout, s.Templates)
	return nil
}

// seeTemplate reads one template. One that does not decode is as good as absent.
func (c *Rollouts) seeTemplate(ctx context.Context, s *plan.Snapshot, ref v1alpha1.TemplateRef) ([]v1alpha1.TemplateRef, error) {
	if ref.ClusterScope {
		if c.Config.Namespaced {
			return nil, nil
		}
		t := &v1alpha1.ClusterAnalysisTemplate{}
		if found, err := c.find(ctx, client.ObjectKey{Name: ref.TemplateName}, t); err != nil || !found {
			return nil, err
		}
		s.Templates.Cluster[ref.TemplateName] = t
		return t.Spec.Templates, nil
	}
	t := &v1alpha1.AnalysisTemplate{}
	if found, err := c.find(ctx, client.ObjectKey{Namespace: s.Rollout.Namespace, Name: ref.TemplateName}, t); err != nil || !found {
		return nil, err
	}
	s.Templates.Namespaced[ref.TemplateName] = t
	return t.Spec.Templates, nil
}

// find reads an object that the spec names. What the cache does not know yet may have been made a moment ago, together
// with the Rollout, so nothing is called missing before the API server said so.
func (c *Rollouts) find(ctx context.Context, key client.ObjectKey, o client.Object) (bool, error) {
	err := c.Client.Get(ctx, key, o)
	if apierrors.IsNotFound(err) {
		err = c.Live.Get(ctx, key, o)
	}
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	_, broken := kube.Broken(o)
	return err == nil && !broken && c.Caches.Ours(o), err
}
