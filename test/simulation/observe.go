package simulation

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
	"github.com/sluice-delivery/sluice/traffic"
)

// observe is one look at the cache.
func (w *World) observe() plan.Snapshot {
	r := get[*v1alpha1.Rollout](w.cache, "Rollout", w.Name)
	s := plan.Snapshot{Rollout: r, Services: map[string]*corev1.Service{}, TakenRunNames: map[string]bool{}, Steering: traffic.Objects{}}
	for _, rs := range list[*appsv1.ReplicaSet](w.cache, "ReplicaSet") {
		if metav1.IsControlledBy(rs, r) {
			s.ReplicaSets = append(s.ReplicaSets, rs)
		}
	}
	s.Pods = list[*corev1.Pod](w.cache, "Pod")
	for _, service := range list[*corev1.Service](w.cache, "Service") {
		s.Services[service.Name] = service
	}
	s.Runs = list[*v1alpha1.AnalysisRun](w.cache, "AnalysisRun")
	s.Templates = analysis.Templates{Namespaced: w.templates}
	s.References = v1alpha1.References{Services: s.Services, Ingresses: w.ingresses, VirtualServices: w.virtual, AnalysisTemplates: w.templates,
		AnalysisErrors: analysis.Check(r, s.Templates)}
	w.observeSteering(&s)
	if revision.WithHash(s.ReplicaSets, revision.Hash(&r.Spec.Template, r.Status.CollisionCount)) == nil {
		s.Defaulted = r.Spec.Template.DeepCopy()
		name := revision.Name(r.Name, revision.Hash(&r.Spec.Template, r.Status.CollisionCount))
		if taken := get[*appsv1.ReplicaSet](w.cache, "ReplicaSet", name); taken != nil && !metav1.IsControlledBy(taken, r) {
			s.Collision = true
		}
	}
	return s
}

func (w *World) observeSteering(s *plan.Snapshot) {
	if len(w.routers) == 0 {
		return
	}
	for _, router := range w.routers {
		for _, ref := range router.Refs() {
			if o := get[*unstructured.Unstructured](w.cache, ref.Kind, ref.Name); o != nil {
				s.Steering[ref] = o
			}
		}
	}
	s.Verified = w.verified(w)
	seen := s.Steering
	s.Carries = func(want traffic.Split) bool {
		for _, router := range w.routers {
			objs := copies(seen)
			if _, err := router.Edit(objs, want); err != nil || !sameObjects(objs, seen) {
				return false
			}
		}
		return true
	}
}

func copies(objs traffic.Objects) traffic.Objects {
	c := maps.Clone(objs)
	for ref, o := range c {
		c[ref] = o.DeepCopy()
	}
	return c
}
