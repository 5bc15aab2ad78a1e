package pass

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// SelectorHash is the hash in a Service's selector; empty for none, or when the Service is not there.
func SelectorHash(s *corev1.Service) string {
	if s == nil {
		return ""
	}
	return s.Spec.Selector[v1alpha1.DefaultRolloutUniqueLabelKey]
}

// Point makes the named Service select a revision, behind the availability gate of spec 8.1: a Service that is taken
// over needs all pods, a managed one at least one. It reports whether the Service selects the revision after this.
func (p *Pass) Point(service string, rs *appsv1.ReplicaSet, why string) bool {
	s := p.Services[service]
	if s == nil || rs == nil {
		return false
	}
	if p.points(s, revision.HashOf(rs)) {
		return true
	}
	_, managed := s.Annotations[v1alpha1.ManagedByRolloutsAnnotation]
	if managed && p.Replicas() == 0 {
		p.PointAnyway(service, revision.HashOf(rs), why) // there will be no pods to wait for
		return true
	}
	if managed && Available(rs) == 0 || !managed && !FullyAvailable(rs) {
		p.WaitFor(fmt.Sprintf("pods of %s before Service %s selects them", rs.Name, service))
		return false
	}
	p.PointAnyway(service, revision.HashOf(rs), why)
	return true
}

// PointAnyway is Point without the gate: for aborts, and for sides without traffic.
func (p *Pass) PointAnyway(service, hash, why string) {
	s := p.Services[service]
	if s == nil || hash == "" || p.points(s, hash) {
		return
	}
	from := SelectorHash(s)
	reason := plan.Reason{Text: why}
	if from != hash {
		reason.Tell = []plan.Event{{Reason: v1alpha1.EventSwitchService,
			Message: fmt.Sprintf("Switched selector for service '%s' from '%s' to '%s'", service, from, hash)}}
	}
	p.Do(plan.Point{Reason: reason, Service: s, From: from, To: hash})
}

func (p *Pass) points(s *corev1.Service, hash string) bool {
	return SelectorHash(s) == hash && s.Annotations[v1alpha1.ManagedByRolloutsAnnotation] == p.Ro.Name
}
