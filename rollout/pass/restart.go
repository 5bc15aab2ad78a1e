package pass

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// restartAgain is how long to wait before pods that could not be evicted are looked at again (spec 15).
const restartAgain = 30 * time.Second

// Restart evicts pods that are older than spec.restartAt, as many as availability allows (spec 3.16). It reports
// whether it evicted any, which ends the pass.
func (p *Pass) Restart() bool {
	at := p.Ro.Spec.RestartAt
	if at == nil || at.Equal(p.Status.RestartedAt) {
		return false
	}
	if at.After(p.Now) {
		p.WakeAt(at.Time)
		return false
	}
	old, available := p.restartable()
	if len(old) == 0 {
		p.Status.RestartedAt = at
		return false
	}
	budget := available - (max(p.Replicas(), p.totalSize()) - max(v1alpha1.MaxUnavailable(p.Ro), 1))
	evicted := int32(0)
	for _, pod := range old {
		if pod.DeletionTimestamp == nil && evicted < budget {
			evicted++
			p.Do(plan.Evict{Reason: plan.Reason{Text: fmt.Sprintf("the pod is older than restartAt %s", at.UTC().Format(time.RFC3339))}, Pod: pod})
		}
	}
	p.WakeAt(p.Now.Add(restartAgain))
	p.WaitFor("pods to restart")
	return evicted > 0
}

// restartable are the pods that are older than spec.restartAt, stable ones first, and how many pods are available.
func (p *Pass) restartable() (old []*corev1.Pod, available int32) {
	order := p.All()
	if p.Stable != nil && p.Stable != p.New && len(order) > 1 {
		order[0], order[1] = order[1], order[0]
	}
	for _, rs := range order {
		for _, pod := range p.Pods {
			if pod.Labels[v1alpha1.DefaultRolloutUniqueLabelKey] != revision.HashOf(rs) {
				continue
			}
			if pod.DeletionTimestamp == nil && p.podAvailable(pod) {
				available++
			}
			if pod.CreationTimestamp.Before(p.Ro.Spec.RestartAt) {
				old = append(old, pod)
			}
		}
	}
	return old, available
}

func (p *Pass) podAvailable(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == yes {
			return !p.Now.Before(c.LastTransitionTime.Add(time.Duration(p.Ro.Spec.MinReadySeconds) * time.Second))
		}
	}
	return false
}

func (p *Pass) totalSize() (sum int32) {
	for _, rs := range p.All() {
		sum += revision.Size(rs)
	}
	return sum
}
