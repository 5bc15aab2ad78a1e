package revision

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// injectAffinity keeps the pods of a new revision off the nodes of stable's (spec 8.4). What the user wrote stays.
func injectAffinity(pod *corev1.PodSpec, r *v1alpha1.Rollout, hash string) {
	rule := antiAffinity(r)
	if rule == nil || r.Status.StableRS == "" || r.Status.StableRS == hash {
		return
	}
	if pod.Affinity == nil {
		pod.Affinity = &corev1.Affinity{}
	}
	if pod.Affinity.PodAntiAffinity == nil {
		pod.Affinity.PodAntiAffinity = &corev1.PodAntiAffinity{}
	}
	anti := pod.Affinity.PodAntiAffinity
	term := corev1.PodAffinityTerm{
		LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
			Key:      v1alpha1.DefaultRolloutUniqueLabelKey,
			Operator: metav1.LabelSelectorOpIn,
			Values:   []string{r.Status.StableRS},
		}}},
		Namespaces:  []string{r.Namespace},
		TopologyKey: corev1.LabelHostname,
	}
	if wish := rule.PreferredDuringSchedulingIgnoredDuringExecution; wish != nil {
		anti.PreferredDuringSchedulingIgnoredDuringExecution = append(anti.PreferredDuringSchedulingIgnoredDuringExecution,
			corev1.WeightedPodAffinityTerm{Weight: wish.Weight, PodAffinityTerm: term})
		return
	}
	anti.RequiredDuringSchedulingIgnoredDuringExecution = append(anti.RequiredDuringSchedulingIgnoredDuringExecution, term)
}

// refreshAffinity lets an injected rule name today's stable revision. A revision that is stable itself keeps the rule
// it was made with: changing it would help nobody.
func refreshAffinity(affinity *corev1.Affinity, r *v1alpha1.Rollout, hash string) {
	if antiAffinity(r) == nil || r.Status.StableRS == "" || r.Status.StableRS == hash || affinity == nil || affinity.PodAntiAffinity == nil {
		return
	}
	anti := affinity.PodAntiAffinity
	for i := range anti.PreferredDuringSchedulingIgnoredDuringExecution {
		refreshTerm(&anti.PreferredDuringSchedulingIgnoredDuringExecution[i].PodAffinityTerm, r.Status.StableRS)
	}
	for i := range anti.RequiredDuringSchedulingIgnoredDuringExecution {
		refreshTerm(&anti.RequiredDuringSchedulingIgnoredDuringExecution[i], r.Status.StableRS)
	}
}

func refreshTerm(term *corev1.PodAffinityTerm, stable string) {
	if injected(*term) {
		term.LabelSelector.MatchExpressions[0].Values = []string{stable}
	}
}

// stripAffinity removes what injectAffinity added.
func stripAffinity(pod *corev1.PodSpec) {
	if pod.Affinity == nil {
		return
	}
	if anti := pod.Affinity.PodAntiAffinity; anti != nil {
		anti.PreferredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(anti.PreferredDuringSchedulingIgnoredDuringExecution,
			func(t corev1.WeightedPodAffinityTerm) bool { return injected(t.PodAffinityTerm) })
		anti.RequiredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(anti.RequiredDuringSchedulingIgnoredDuringExecution, injected)
		if len(anti.PreferredDuringSchedulingIgnoredDuringExecution)+len(anti.RequiredDuringSchedulingIgnoredDuringExecution) == 0 {
			pod.Affinity.PodAntiAffinity = nil
		}
	}
	if *pod.Affinity == (corev1.Affinity{}) {
		pod.Affinity = nil
	}
}

// injected recognises our own term: nobody else selects by the hash alone.
func injected(t corev1.PodAffinityTerm) bool {
	s := t.LabelSelector
	return s != nil && len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 1 &&
		s.MatchExpressions[0].Key == v1alpha1.DefaultRolloutUniqueLabelKey && s.MatchExpressions[0].Operator == metav1.LabelSelectorOpIn
}

func antiAffinity(r *v1alpha1.Rollout) *v1alpha1.AntiAffinity {
	var rule *v1alpha1.AntiAffinity
	switch s := r.Spec.Strategy; {
	case s.Canary != nil:
		rule = s.Canary.AntiAffinity
	case s.BlueGreen != nil:
		rule = s.BlueGreen.AntiAffinity
	}
	if rule == nil || rule.PreferredDuringSchedulingIgnoredDuringExecution == nil && rule.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	return rule
}
