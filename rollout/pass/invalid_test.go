package pass_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// A canary whose background analysis has an argument that nothing resolves: the second revision is on its way.
func unresolved() plan.Snapshot {
	two := int32(2)
	ro := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "n", UID: "u"}}
	ro.Spec.Replicas = &two
	ro.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}}
	ro.Spec.Template.Labels = map[string]string{"app": "shop"}
	ro.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: "shop:2"}}
	background := &v1alpha1.RolloutAnalysisBackground{}
	background.Templates = []v1alpha1.TemplateRef{{TemplateName: "t"}}
	background.Args = []v1alpha1.AnalysisRunArgument{{Name: "region", ValueFrom: &v1alpha1.ArgumentValueFrom{FieldRef: &v1alpha1.FieldRef{FieldPath: "status.canary.nothing"}}}}
	half, one := int32(50), int32(1)
	ro.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{Analysis: background, Steps: []v1alpha1.CanaryStep{{SetWeight: &half}, {Pause: &v1alpha1.RolloutPause{}}}}
	old := ro.DeepCopy()
	old.Spec.Template.Spec.Containers[0].Image = "shop:1"
	sets := []*appsv1.ReplicaSet{}
	for i, r := range []*v1alpha1.Rollout{old, ro} {
		rs := revision.New(r, revision.Hash(&r.Spec.Template, nil), int64(i+1), nil)
		rs.UID, rs.CreationTimestamp = "rs"+ro.UID+ro.UID[:i], metav1.NewTime(noon.Add(time.Duration(i-2)*time.Hour))
		rs.Spec.Replicas = &one
		rs.Status = appsv1.ReplicaSetStatus{Replicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
		sets = append(sets, rs)
	}
	ro.Status.StableRS, ro.Status.CurrentPodHash = revision.HashOf(sets[0]), revision.HashOf(sets[1])
	ro.Status.CurrentStepHash, ro.Status.CurrentStepIndex = revision.StepHash(ro.Spec.Strategy.Canary.Steps), &one
	template := &v1alpha1.AnalysisTemplate{ObjectMeta: metav1.ObjectMeta{Name: "t"}}
	template.Spec.Args = []v1alpha1.Argument{{Name: "region"}}
	template.Spec.Metrics = []v1alpha1.Metric{{Name: "m", Provider: v1alpha1.MetricProvider{Web: &v1alpha1.WebMetric{URL: "http://x"}}}}
	templates := map[string]*v1alpha1.AnalysisTemplate{"t": template}
	return plan.Snapshot{Rollout: ro, ReplicaSets: sets, Templates: analysis.Templates{Namespaced: templates},
		References: v1alpha1.References{AnalysisTemplates: templates}}
}

// A run that cannot be made is told of once: as long as nothing changes, the status stays as it is.
func TestWhatCannotBeResolvedIsToldOnceAndNotEverySecond(t *testing.T) {
	s := unresolved()
	now := noon
	for range 6 { // as often as it takes to come to rest
		now = now.Add(time.Second)
		next := rollout.Decide(s, now)
		for _, e := range next.Effects {
			t.Logf("%T %s", e, e.Why())
			if a, ok := e.(plan.Annotate); ok {
				s.Rollout = s.Rollout.DeepCopy()
				metav1.SetMetaDataAnnotation(&s.Rollout.ObjectMeta, v1alpha1.RevisionAnnotation, *a.Annotations[v1alpha1.RevisionAnnotation])
			}
		}
		if next.Status != nil {
			s.Rollout = s.Rollout.DeepCopy()
			s.Rollout.Status = *next.Status
		}
	}
	if s.Rollout.Status.Phase != v1alpha1.RolloutPhaseDegraded {
		t.Fatalf("phase %s: %s", s.Rollout.Status.Phase, s.Rollout.Status.Message)
	}
	next := rollout.Decide(s, now.Add(time.Minute))
	if next.Status != nil && !equality.Semantic.DeepEqual(*next.Status, s.Rollout.Status) {
		t.Errorf("the status changes without news:\n%+v\n%+v", s.Rollout.Status.Conditions, next.Status.Conditions)
	}
}
