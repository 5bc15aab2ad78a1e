package operation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Undo makes the pod template of an earlier revision the wanted one again (spec 9.12). Revision 0 is the one before
// the latest. The sets are those that the selector finds; what belongs to somebody else among them is passed over.
// A Change without patches says in its output why there is nothing to do.
func Undo(r *v1alpha1.Rollout, w Workload, sets []*appsv1.ReplicaSet, revision int64) (Change, error) {
	rs, err := earlier(r, sets, revision)
	if err != nil {
		return Change{}, err
	}
	template := pristine(rs)
	if current(r, w, rs, template) {
		text := fmt.Sprintf("skipped rollback (current template already matches revision %d)", revisionOf(rs))
		return Change{Output: text}, nil
	}
	patches, err := w.patch(edit{"replace", w.path(), template})
	return Change{patches, fmt.Sprintf("rollout '%s' undo", r.Name)}, err
}

// UndoError words the API server's refusal of an undo as spec 9.12 does.
func UndoError(revision int64, err error) error {
	return fmt.Errorf("failed restoring revision %d: %w", revision, err)
}

func earlier(r *v1alpha1.Rollout, sets []*appsv1.ReplicaSet, revision int64) (*appsv1.ReplicaSet, error) {
	var owned []*appsv1.ReplicaSet
	for _, rs := range sets {
		if metav1.IsControlledBy(rs, r) && revisionOf(rs) > 0 {
			owned = append(owned, rs)
		}
	}
	if revision != 0 {
		i := slices.IndexFunc(owned, func(rs *appsv1.ReplicaSet) bool { return revisionOf(rs) == revision })
		if i < 0 {
			return nil, fmt.Errorf("unable to find specified revision %d in history", revision)
		}
		return owned[i], nil
	}
	if len(owned) < 2 {
		return nil, fmt.Errorf("no revision found for rollout %q", r.Name)
	}
	slices.SortFunc(owned, func(a, b *appsv1.ReplicaSet) int { return int(revisionOf(b) - revisionOf(a)) })
	return owned[1], nil
}

// current reports whether the rollout wants what the ReplicaSet holds. Templates in ReplicaSets carry the API server's
// defaults and those in Rollouts do not, so beside equality the controller's own finding counts, as far as it has
// seen this spec.
func current(r *v1alpha1.Rollout, w Workload, rs *appsv1.ReplicaSet, template corev1.PodTemplateSpec) bool {
	wanted := *w.Template.DeepCopy()
	delete(wanted.Labels, v1alpha1.DefaultRolloutUniqueLabelKey)
	observed := r.Spec.WorkloadRef == nil && r.Status.ObservedGeneration == strconv.FormatInt(r.Generation, 10)
	hash := rs.Labels[v1alpha1.DefaultRolloutUniqueLabelKey]
	return equality.Semantic.DeepEqual(wanted, template) || observed && hash != "" && r.Status.CurrentPodHash == hash
}

// pristine is the pod template without what the controller put into it: the hash label, ephemeral metadata and
// anti-affinity against another revision. With any of these it would not match its own ReplicaSet again.
func pristine(rs *appsv1.ReplicaSet) corev1.PodTemplateSpec {
	template := *rs.Spec.Template.DeepCopy()
	delete(template.Labels, v1alpha1.DefaultRolloutUniqueLabelKey)
	var injected v1alpha1.PodTemplateMetadata
	if json.Unmarshal([]byte(rs.Annotations[v1alpha1.EphemeralMetadataAnnotation]), &injected) == nil {
		for key := range injected.Labels {
			delete(template.Labels, key)
		}
		for key := range injected.Annotations {
			delete(template.Annotations, key)
		}
	}
	template.Spec.Affinity = withoutInjected(template.Spec.Affinity)
	return template
}

// withoutInjected changes the affinity, and is nil when nothing else was in it.
func withoutInjected(affinity *corev1.Affinity) *corev1.Affinity {
	if affinity == nil || affinity.PodAntiAffinity == nil {
		return affinity
	}
	before, anti := affinity.DeepCopy(), affinity.PodAntiAffinity
	anti.RequiredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(
		anti.RequiredDuringSchedulingIgnoredDuringExecution, againstRevision)
	anti.PreferredDuringSchedulingIgnoredDuringExecution = slices.DeleteFunc(
		anti.PreferredDuringSchedulingIgnoredDuringExecution,
		func(t corev1.WeightedPodAffinityTerm) bool { return againstRevision(t.PodAffinityTerm) })
	empty := equality.Semantic.DeepEqual(affinity, &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{}})
	if empty && !equality.Semantic.DeepEqual(affinity, before) {
		return nil
	}
	return affinity
}

func againstRevision(t corev1.PodAffinityTerm) bool {
	return t.LabelSelector != nil && len(t.LabelSelector.MatchExpressions) == 1 &&
		t.LabelSelector.MatchExpressions[0].Key == v1alpha1.DefaultRolloutUniqueLabelKey
}

func revisionOf(rs *appsv1.ReplicaSet) int64 {
	n, err := strconv.ParseInt(rs.Annotations[v1alpha1.RevisionAnnotation], 10, 64)
	if err != nil {
		return 0 // no revision: nothing to go back to
	}
	return n
}
