package view

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// Rollout is what is shown of r, given the objects of its namespace.
func Rollout(r *v1alpha1.Rollout, o Objects) RolloutInfo {
	phase, message := v1alpha1.ClientPhase(r)
	info := RolloutInfo{
		ObjectMeta: r.ObjectMeta,
		Status:     string(phase), Message: message, Icon: rolloutIcon(phase),
		Desired: v1alpha1.ReplicasOrDefault(r), Current: r.Status.Replicas, Updated: r.Status.UpdatedReplicas,
		Ready: r.Status.ReadyReplicas, Available: r.Status.AvailableReplicas,
		Generation: strconv.FormatInt(r.Generation, 10),
	}
	if r.Status.RestartedAt != nil {
		info.RestartedAt = r.Status.RestartedAt.UTC().Format(time.RFC3339)
	}
	var current *appsv1.ReplicaSet
	for _, rs := range owned(o.ReplicaSets, r) {
		info.ReplicaSets = append(info.ReplicaSets, revisionInfo(r, rs, o))
		if hash := revision.HashOf(rs); hash != "" && hash == r.Status.CurrentPodHash {
			current = rs
		}
	}
	for _, e := range owned(o.Experiments, r) {
		info.Experiments = append(info.Experiments, Experiment(e, o))
	}
	info.AnalysisRuns = runs(o.Runs, r)
	info.Containers, info.InitContainers = containers(r, current)
	strategy(&info, r, current)
	return info
}

func strategy(info *RolloutInfo, r *v1alpha1.Rollout, current *appsv1.ReplicaSet) {
	switch {
	case r.Spec.Strategy.BlueGreen != nil:
		info.Strategy = "BlueGreen"
	case r.Spec.Strategy.Canary != nil:
		var available int32
		if current != nil {
			available = current.Status.AvailableReplicas
		}
		info.Strategy, info.Step, info.Steps = "Canary", Step(r), r.Spec.Strategy.Canary.Steps
		info.SetWeight = strconv.Itoa(int(SetWeight(r)))
		info.ActualWeight = strconv.Itoa(int(actualWeight(r, available)))
	}
}

// containers are those of the spec, or of the current revision when the template is somewhere else.
func containers(r *v1alpha1.Rollout, current *appsv1.ReplicaSet) (regular, inits []ContainerInfo) {
	spec := r.Spec.Template.Spec
	if r.Spec.WorkloadRef != nil && current != nil {
		spec = current.Spec.Template.Spec
	}
	list := func(from []corev1.Container) (infos []ContainerInfo) {
		for _, c := range from {
			infos = append(infos, ContainerInfo{c.Name, c.Image})
		}
		return infos
	}
	return list(spec.Containers), list(spec.InitContainers)
}

// owned are the objects that owner controls, the latest revision first, the oldest first within a revision.
func owned[T metav1.Object](all []T, owner metav1.Object) []T {
	var found []T
	for _, o := range all {
		if metav1.IsControlledBy(o, owner) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b T) int { return cmp.Or(cmp.Compare(number(b), number(a)), older(a, b)) })
	return found
}

// number is the revision that an object says it belongs to; 0 when it says none.
func number(o metav1.Object) int64 {
	n, err := strconv.ParseInt(o.GetAnnotations()[v1alpha1.RevisionAnnotation], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
