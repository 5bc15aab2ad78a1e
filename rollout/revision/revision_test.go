package revision

import (
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// named makes a ReplicaSet with a hash as its name, created some minutes after noon, of a revision.
func named(hash string, minute int, number int64, size int32) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: hash, CreationTimestamp: metav1.NewTime(noon.Add(time.Duration(minute) * time.Minute)),
			Labels:      map[string]string{v1alpha1.DefaultRolloutUniqueLabelKey: hash},
			Annotations: map[string]string{v1alpha1.RevisionAnnotation: strconv.FormatInt(number, 10)}},
		Spec: appsv1.ReplicaSetSpec{Replicas: &size},
	}
}

func rollout(t *testing.T) *v1alpha1.Rollout {
	three := int32(3)
	return &v1alpha1.Rollout{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "prod", UID: "u1", Annotations: map[string]string{
			"team": "a", "kubectl.kubernetes.io/last-applied-configuration": "{}", v1alpha1.RevisionAnnotation: "4",
			v1alpha1.NotifiedAnnotation: "x", v1alpha1.ServingAnnotation: "desired", "argocd.argoproj.io/sync-wave": "1",
			v1alpha1.WorkloadGenerationAnnotation: "7"}},
		Spec: v1alpha1.RolloutSpec{Replicas: &three, MinReadySeconds: 5, Template: *template(t, shop),
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
			Strategy: v1alpha1.RolloutStrategy{Canary: &v1alpha1.CanaryStrategy{}}},
	}
}

func TestFindTriesThreeRulesInTurn(t *testing.T) {
	want := template(t, shop)
	deploymentHash := DeploymentHash(want, nil)
	same := named("other", 0, 1, 0)
	same.Spec.Template = *template(t, shop)
	same.Spec.Template.Labels[v1alpha1.DefaultRolloutUniqueLabelKey] = "other"
	same.Spec.Template.Labels["role"] = "canary"
	same.Annotations[v1alpha1.EphemeralMetadataAnnotation] = `{"labels":{"role":"canary"}}`
	same.Spec.Template.Spec.DeprecatedServiceAccount = "x"
	affine := rollout(t)
	affine.Status.StableRS = "s"
	affine.Spec.Strategy.Canary.AntiAffinity = &v1alpha1.AntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &v1alpha1.RequiredDuringSchedulingIgnoredDuringExecution{}}
	injectAffinity(&same.Spec.Template.Spec, affine, "other")

	for name, c := range map[string]struct {
		rss       []*appsv1.ReplicaSet
		defaulted *corev1.PodTemplateSpec
		want      string
	}{
		"our hash wins over an older equal template":           {[]*appsv1.ReplicaSet{same, named("7484fdbdff", 3, 2, 0)}, want, "7484fdbdff"},
		"the hash of a Deployment wins over an equal template": {[]*appsv1.ReplicaSet{same, named(deploymentHash, 3, 2, 0)}, want, deploymentHash},
		"an equal template counts without what was injected":   {[]*appsv1.ReplicaSet{named("x", 0, 1, 0), same}, want, "other"},
		"templates are not compared without defaults":          {[]*appsv1.ReplicaSet{same}, nil, ""},
		"nothing is found among strangers":                     {[]*appsv1.ReplicaSet{named("x", 0, 1, 0)}, want, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := HashOf(Find(c.rss, want, nil, c.defaulted)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestNewReplicaSetLooksAsTheFieldExpects(t *testing.T) {
	r := rollout(t)
	r.Status.StableRS = "old"
	r.Spec.Strategy.Canary.AntiAffinity = &v1alpha1.AntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: &v1alpha1.PreferredDuringSchedulingIgnoredDuringExecution{Weight: 20}}
	rs := New(r, "abc", 4, &v1alpha1.PodTemplateMetadata{Labels: map[string]string{"role": "canary"}})
	if rs.Name != "shop-abc" || rs.Namespace != "prod" || Size(rs) != 0 || rs.Spec.MinReadySeconds != 5 || Number(rs) != 4 {
		t.Errorf("identity: %+v", rs)
	}
	if want := map[string]string{"app": "shop", "rollouts-pod-template-hash": "abc"}; !reflect.DeepEqual(rs.Labels, want) || !reflect.DeepEqual(rs.Spec.Selector.MatchLabels, want) {
		t.Errorf("labels %v, selector %v", rs.Labels, rs.Spec.Selector)
	}
	if want := map[string]string{"app": "shop", "rollouts-pod-template-hash": "abc", "role": "canary"}; !reflect.DeepEqual(rs.Spec.Template.Labels, want) {
		t.Errorf("pod labels %v", rs.Spec.Template.Labels)
	}
	if want := map[string]string{"team": "a", "rollout.argoproj.io/workload-generation": "7", "rollout.argoproj.io/revision": "4",
		"rollout.argoproj.io/desired-replicas": "3", "rollout.argoproj.io/ephemeral-metadata": `{"labels":{"role":"canary"}}`}; !reflect.DeepEqual(rs.Annotations, want) {
		t.Errorf("annotations %v", rs.Annotations)
	}
	owner := rs.OwnerReferences[0]
	if owner.Kind != "Rollout" || owner.APIVersion != "argoproj.io/v1alpha1" || owner.UID != "u1" || !*owner.Controller || !*owner.BlockOwnerDeletion {
		t.Errorf("owner %+v", owner)
	}
	term := rs.Spec.Template.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution[0]
	if term.Weight != 20 || term.PodAffinityTerm.TopologyKey != "kubernetes.io/hostname" || !reflect.DeepEqual(term.PodAffinityTerm.Namespaces, []string{"prod"}) ||
		!reflect.DeepEqual(term.PodAffinityTerm.LabelSelector.MatchExpressions[0].Values, []string{"old"}) {
		t.Errorf("term %+v", term)
	}
	if r.Spec.Template.Labels["role"] != "" || r.Spec.Template.Spec.Affinity != nil {
		t.Error("the Rollout's own template was changed")
	}
}

func TestNewReplicaSetOfTheStableRevisionHasNoRuleAgainstItself(t *testing.T) {
	r := rollout(t)
	r.Status.StableRS = "abc"
	r.Spec.Strategy.Canary.AntiAffinity = &v1alpha1.AntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &v1alpha1.RequiredDuringSchedulingIgnoredDuringExecution{}}
	if rs := New(r, "abc", 4, nil); rs.Spec.Template.Spec.Affinity != nil {
		t.Errorf("affinity %+v", rs.Spec.Template.Spec.Affinity)
	}
}

func TestSyncChangesOnlyWhatMayChange(t *testing.T) {
	r := rollout(t)
	same := New(r, "abc", 2, nil)
	if want, bumped := Sync(same, r, 2); want != nil || bumped {
		t.Errorf("changed a ReplicaSet that is right: %v", want)
	}

	bump, bumped := Sync(same, r, 5)
	if !bumped || Number(bump) != 5 || bump.Annotations[v1alpha1.RevisionHistoryAnnotation] != "2" {
		t.Errorf("bump: %v", bump.Annotations)
	}
	again, _ := Sync(bump, r, 7)
	if got := again.Annotations[v1alpha1.RevisionHistoryAnnotation]; got != "2,5" {
		t.Errorf("history %q", got)
	}

	r.Annotations["team"], r.Annotations["more"] = "b", "c"
	delete(r.Annotations, v1alpha1.WorkloadGenerationAnnotation)
	r.Spec.MinReadySeconds = 9
	edited, bumped := Sync(same, r, 1)
	if bumped || edited.Annotations["team"] != "b" || edited.Annotations["more"] != "c" || edited.Spec.MinReadySeconds != 9 {
		t.Errorf("edited: %+v", edited)
	}
	if edited.Annotations[v1alpha1.WorkloadGenerationAnnotation] != "7" || edited.Annotations[v1alpha1.RevisionHistoryAnnotation] != "" {
		t.Errorf("copying has to be additive and leaves the history alone: %v", edited.Annotations)
	}
	if same.Annotations["team"] != "a" {
		t.Error("the observed ReplicaSet was changed")
	}
}

func TestSyncRefreshesAnInjectedRule(t *testing.T) {
	r := rollout(t)
	r.Spec.Strategy.Canary.AntiAffinity = &v1alpha1.AntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &v1alpha1.RequiredDuringSchedulingIgnoredDuringExecution{}}
	r.Status.StableRS = "a"
	rs := New(r, "b", 2, nil)
	r.Status.StableRS = "c"
	want, _ := Sync(rs, r, 2)
	if got := want.Spec.Template.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0].LabelSelector.MatchExpressions[0].Values; !slices.Equal(got, []string{"c"}) {
		t.Errorf("values %v", got)
	}
	r.Status.StableRS = "b"
	if want, _ := Sync(rs, r, 2); want != nil {
		t.Error("a revision that is stable now was changed")
	}
}

func TestSurplusIsTheOldestWithoutPods(t *testing.T) {
	leaving := named("leaving", 0, 1, 0)
	leaving.DeletionTimestamp = &metav1.Time{Time: noon}
	unseen := named("unseen", 1, 1, 0)
	unseen.Generation = 2
	terminating := named("terminating", 1, 1, 0)
	terminating.Status.Replicas = 1
	a, b, c := named("a", 2, 5, 0), named("b", 3, 3, 0), named("c", 4, 4, 0)
	for name, tc := range map[string]struct {
		old   []*appsv1.ReplicaSet
		limit int32
		want  []string
	}{
		"the oldest by age goes, not the lowest number":       {[]*appsv1.ReplicaSet{c, b, a}, 2, []string{"a"}},
		"nothing goes within the limit":                       {[]*appsv1.ReplicaSet{c, b, a}, 3, nil},
		"all go without history":                              {[]*appsv1.ReplicaSet{c, b, a}, 0, []string{"a", "b", "c"}},
		"one that is being deleted does not count":            {[]*appsv1.ReplicaSet{leaving, b, a}, 2, nil},
		"one with pods is skipped and no younger one goes":    {[]*appsv1.ReplicaSet{named("big", 0, 1, 2), b, a}, 2, nil},
		"one whose pods are still going is skipped":           {[]*appsv1.ReplicaSet{terminating, b, a}, 2, nil},
		"one whose status is stale is skipped, others may go": {[]*appsv1.ReplicaSet{unseen, b, a}, 1, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, rs := range Surplus(tc.old, tc.limit) {
				got = append(got, rs.Name)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestDeadlineIsRead(t *testing.T) {
	rs := named("a", 0, 1, 1)
	if _, set := Deadline(rs); set {
		t.Error("a deadline out of nothing")
	}
	rs.Annotations["scale-down-deadline"] = "2026-11-20T12:00:30Z"
	if at, set := Deadline(rs); !set || !at.Equal(noon.Add(30*time.Second)) || !Delayed(rs, noon) || Delayed(rs, at) {
		t.Errorf("read as %v", at)
	}
	rs.Annotations["scale-down-deadline"] = "soon"
	if at, set := Deadline(rs); !set || Delayed(rs, noon) {
		t.Errorf("unreadable text became %v", at)
	}
}

func TestEphemeralMetadataComesAndGoes(t *testing.T) {
	canary := &v1alpha1.PodTemplateMetadata{Labels: map[string]string{"role": "canary"}, Annotations: map[string]string{"x": "1"}}
	stable := &v1alpha1.PodTemplateMetadata{Labels: map[string]string{"role": "stable"}}
	bare := New(rollout(t), "abc", 1, nil)
	one := WithMetadata(bare, canary)
	if one.Spec.Template.Labels["role"] != "canary" || one.Annotations[v1alpha1.EphemeralMetadataAnnotation] != `{"labels":{"role":"canary"},"annotations":{"x":"1"}}` {
		t.Errorf("applied: %+v", one.ObjectMeta)
	}
	if WithMetadata(one, canary) != nil {
		t.Error("applied twice")
	}
	two := WithMetadata(one, stable)
	if _, there := two.Spec.Template.Annotations["x"]; there || two.Spec.Template.Labels["role"] != "stable" {
		t.Errorf("replaced: %+v", two.Spec.Template.ObjectMeta)
	}
	three := WithMetadata(two, nil)
	if _, there := three.Annotations[v1alpha1.EphemeralMetadataAnnotation]; there || len(three.Spec.Template.Labels) != 2 {
		t.Errorf("removed: %+v", three.ObjectMeta)
	}

	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "shop", "role": "canary", "mine": "x"}, Annotations: map[string]string{"x": "1"}}}
	labels, annotations := PodChanges(pod, &two.Spec.Template, canary, stable)
	if len(labels) != 1 || *labels["role"] != "stable" || len(annotations) != 1 || annotations["x"] != nil {
		t.Errorf("labels %v, annotations %v", labels, annotations)
	}
	if labels, annotations := PodChanges(pod, &one.Spec.Template, canary, stable); labels != nil || annotations != nil {
		t.Errorf("a pod that is right would change: %v %v", labels, annotations)
	}
}
