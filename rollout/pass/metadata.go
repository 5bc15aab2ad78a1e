package pass

import (
	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// Ephemeral metadata (spec 3.15): labels and annotations that pods carry while their revision is canary or stable,
// preview or active.

// sides are the metadata of the revision on trial and of the one that serves; ok is false when none are configured.
func (p *Pass) sides() (trial, serving *v1alpha1.PodTemplateMetadata, ok bool) {
	if c := p.Ro.Spec.Strategy.Canary; c != nil {
		trial, serving = c.CanaryMetadata, c.StableMetadata
	}
	if b := p.Ro.Spec.Strategy.BlueGreen; b != nil {
		trial, serving = b.PreviewMetadata, b.ActiveMetadata
	}
	return trial, serving, trial != nil || serving != nil
}

func (p *Pass) metadataAtBirth(hash string) *v1alpha1.PodTemplateMetadata {
	trial, serving, _ := p.sides()
	if p.Stable != nil && revision.HashOf(p.Stable) != hash {
		return trial
	}
	return serving
}

// Metadata brings every ReplicaSet and its living pods to the metadata of their part.
func (p *Pass) Metadata() {
	trial, serving, ok := p.sides()
	if !ok {
		return
	}
	if p.Stable == nil || p.Promoted() {
		p.dress(p.New, serving)
	} else {
		p.dress(p.New, trial)
		p.dress(p.Stable, serving)
	}
	for _, rs := range p.Others {
		p.dress(rs, nil)
	}
}

func (p *Pass) dress(rs *appsv1.ReplicaSet, metadata *v1alpha1.PodTemplateMetadata) {
	if rs == nil {
		return
	}
	before := revision.Metadata(rs)
	if want := revision.WithMetadata(rs, metadata); want != nil {
		*rs = *want
		p.Do(plan.Amend{Reason: plan.Reason{Text: "its pods carry the metadata of the part they play"}, Want: rs.DeepCopy()})
	}
	if revision.Size(rs) == 0 {
		return
	}
	trial, serving, _ := p.sides()
	for _, pod := range p.Pods {
		if pod.DeletionTimestamp != nil || pod.Labels[v1alpha1.DefaultRolloutUniqueLabelKey] != revision.HashOf(rs) {
			continue
		}
		labels, annotations := revision.PodChanges(pod, &rs.Spec.Template, &before, trial, serving)
		if len(labels)+len(annotations) > 0 {
			p.Do(plan.Relabel{Reason: plan.Reason{Text: "pods follow their ReplicaSet's metadata"}, Pod: pod, Labels: labels, Annotations: annotations})
		}
	}
}
