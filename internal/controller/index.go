package controller

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
	"github.com/sluice-delivery/sluice/traffic"
)

// Indexes of the caches.
const (
	ownerIndex    = "owner"    // ReplicaSets by the UID of their controller, or nobody
	serviceIndex  = "service"  // Rollouts by the Services that they name
	steeringIndex = "steering" // Rollouts by the objects that their routers edit
	templateIndex = "template" // Rollouts, and templates, by the templates that they name

	nobody = "nobody"
)

func (s *Shell) index(ctx context.Context, indexer client.FieldIndexer) error {
	for _, i := range []struct {
		object client.Object
		field  string
		values client.IndexerFunc
	}{
		{&appsv1.ReplicaSet{}, ownerIndex, ownerOf},
		{&v1alpha1.Rollout{}, serviceIndex, func(o client.Object) []string { return serviceNames(o.(*v1alpha1.Rollout)) }},
		{&v1alpha1.Rollout{}, steeringIndex, func(o client.Object) []string { return s.steeringKeys(o.(*v1alpha1.Rollout)) }},
		{&v1alpha1.Rollout{}, templateIndex, func(o client.Object) []string { return templateKeys(templatesOf(o.(*v1alpha1.Rollout))) }},
		{&v1alpha1.AnalysisTemplate{}, templateIndex, func(o client.Object) []string { return templateKeys(o.(*v1alpha1.AnalysisTemplate).Spec.Templates) }},
	} {
		if err := indexer.IndexField(ctx, i.object, i.field, i.values); err != nil {
			return fmt.Errorf("index %T by %s: %w", i.object, i.field, err)
		}
	}
	if s.Config.Namespaced {
		return nil // ClusterAnalysisTemplates cannot be seen then
	}
	return indexer.IndexField(ctx, &v1alpha1.ClusterAnalysisTemplate{}, templateIndex, func(o client.Object) []string {
		return templateKeys(o.(*v1alpha1.ClusterAnalysisTemplate).Spec.Templates)
	})
}

func ownerOf(o client.Object) []string {
	if owner := metav1.GetControllerOf(o); owner != nil {
		return []string{string(owner.UID)}
	}
	return []string{nobody}
}

// serviceNames are the Services that a Rollout manages, each once.
func serviceNames(r *v1alpha1.Rollout) []string {
	var names []string
	if b := r.Spec.Strategy.BlueGreen; b != nil {
		names = append(names, b.ActiveService, b.PreviewService)
	}
	if c := r.Spec.Strategy.Canary; c != nil {
		names = append(names, c.StableService, c.CanaryService)
		if c.PingPong != nil {
			names = append(names, c.PingPong.PingService, c.PingPong.PongService)
		}
	}
	return once(names)
}

// once is the list without empty texts and repetitions.
func once(list []string) (kept []string) {
	seen := map[string]bool{"": true}
	for _, text := range list {
		if !seen[text] {
			seen[text] = true
			kept = append(kept, text)
		}
	}
	return kept
}

// templatesOf are the templates that a Rollout names itself.
func templatesOf(r *v1alpha1.Rollout) (refs []v1alpha1.TemplateRef) {
	add := func(a *v1alpha1.RolloutAnalysis) {
		if a != nil {
			refs = append(refs, a.Templates...)
		}
	}
	if b := r.Spec.Strategy.BlueGreen; b != nil {
		add(b.PrePromotionAnalysis)
		add(b.PostPromotionAnalysis)
	}
	if c := r.Spec.Strategy.Canary; c != nil {
		for _, step := range c.Steps {
			add(step.Analysis)
		}
		if c.Analysis != nil {
			add(&c.Analysis.RolloutAnalysis)
		}
	}
	return refs
}

func templateKeys(refs []v1alpha1.TemplateRef) []string {
	var keys []string
	for _, ref := range refs {
		keys = append(keys, templateKey(ref))
	}
	return once(keys)
}

func templateKey(ref v1alpha1.TemplateRef) string {
	if ref.ClusterScope {
		return v1alpha1.ClusterAnalysisTemplateKind + "/" + ref.TemplateName
	}
	return v1alpha1.AnalysisTemplateKind + "/" + ref.TemplateName
}

func (s *Shell) steeringKeys(r *v1alpha1.Rollout) []string {
	if _, broken := kube.Broken(r); broken {
		return nil
	}
	routers, err := s.Routers(r)
	if err != nil {
		return nil // a fault of the spec; the planner says so
	}
	var keys []string
	for _, router := range routers {
		for _, ref := range router.Refs() {
			keys = append(keys, steeringKey(ref))
		}
	}
	return once(keys)
}

func steeringKey(ref traffic.Ref) string {
	return ref.Group + "/" + ref.Kind + "/" + ref.Namespace + "/" + ref.Name
}

func steeringKeyOf(o client.Object, kind schema.GroupVersionKind) string {
	return steeringKey(traffic.Ref{Group: kind.Group, Kind: kind.Kind, Namespace: o.GetNamespace(), Name: o.GetName()})
}
