package view

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

func replicaSet(rs *appsv1.ReplicaSet, o Objects) ReplicaSetInfo {
	status, icon := replicaSetStatus(rs)
	info := ReplicaSetInfo{
		ObjectMeta: rs.ObjectMeta, Status: status, Icon: icon, Revision: number(rs),
		Replicas: revision.Size(rs), Available: rs.Status.AvailableReplicas,
		Template:          rs.Annotations[v1alpha1.ExperimentTemplateNameAnnotation],
		ScaleDownDeadline: rs.Annotations[v1alpha1.ScaleDownDeadlineAnnotation],
		Pods:              pods(o.Pods, rs),
	}
	for _, c := range rs.Spec.Template.Spec.Containers {
		info.Images = append(info.Images, c.Image)
	}
	for _, c := range rs.Spec.Template.Spec.InitContainers {
		info.InitContainerImages = append(info.InitContainerImages, c.Image)
	}
	return info
}

// replicaSetStatus follows the order of spec 9.3.
func replicaSetStatus(rs *appsv1.ReplicaSet) (string, Icon) {
	size := revision.Size(rs)
	if rs.Generation > rs.Status.ObservedGeneration || rs.Status.AvailableReplicas < size {
		return "Progressing", IconProgressing
	}
	for _, c := range rs.Status.Conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
			return "ReplicaFailure", IconBad
		}
	}
	if size == 0 {
		return "ScaledDown", IconNeutral
	}
	return "Healthy", IconOK
}

// revisionInfo says of a ReplicaSet what part it has in the rollout.
func revisionInfo(r *v1alpha1.Rollout, rs *appsv1.ReplicaSet, o Objects) ReplicaSetInfo {
	info, hash := replicaSet(rs, o), revision.HashOf(rs)
	if hash == "" {
		return info
	}
	info.Stable = hash == r.Status.StableRS
	switch s := r.Spec.Strategy; {
	case s.BlueGreen != nil:
		info.Active = hash == r.Status.BlueGreen.ActiveSelector
		info.Preview = !info.Active && hash == r.Status.BlueGreen.PreviewSelector
	case s.Canary != nil:
		info.Canary = !info.Stable && hash == r.Status.CurrentPodHash
		if s.Canary.PingPong != nil && (info.Stable || info.Canary) {
			ping := r.Status.Canary.StablePingPong == v1alpha1.PingPongPing
			info.Ping = ping == info.Stable
			info.Pong = !info.Ping
		}
	}
	return info
}
