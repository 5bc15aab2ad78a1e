package health

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

func deployment(d *appsv1.Deployment) Health {
	if d.Spec.Paused {
		return Health{Suspended, "Deployment is paused"}
	}
	if d.Generation > d.Status.ObservedGeneration {
		return Health{Progressing, "Waiting for rollout to finish: observed deployment generation less than desired generation"}
	}
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Reason == "ProgressDeadlineExceeded" {
			return Health{Degraded, fmt.Sprintf("Deployment %q exceeded its progress deadline", d.Name)}
		}
	}
	s := d.Status
	switch {
	case d.Spec.Replicas != nil && s.UpdatedReplicas < *d.Spec.Replicas:
		return Health{Progressing, fmt.Sprintf("Waiting for rollout to finish: %d out of %d new replicas have been updated...", s.UpdatedReplicas, *d.Spec.Replicas)}
	case s.Replicas > s.UpdatedReplicas:
		return Health{Progressing, fmt.Sprintf("Waiting for rollout to finish: %d old replicas are pending termination...", s.Replicas-s.UpdatedReplicas)}
	case s.AvailableReplicas < s.UpdatedReplicas:
		return Health{Progressing, fmt.Sprintf("Waiting for rollout to finish: %d of %d updated replicas are available...", s.AvailableReplicas, s.UpdatedReplicas)}
	}
	return Health{Status: Healthy}
}

func replicaSet(r *appsv1.ReplicaSet) Health {
	if r.Generation > r.Status.ObservedGeneration {
		return Health{Progressing, "Waiting for rollout to finish: observed replica set generation less than desired generation"}
	}
	for _, c := range r.Status.Conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
			return Health{Degraded, c.Message}
		}
	}
	if r.Spec.Replicas != nil && r.Status.AvailableReplicas < *r.Spec.Replicas {
		return Health{Progressing, fmt.Sprintf("Waiting for rollout to finish: %d out of %d new replicas are available...", r.Status.AvailableReplicas, *r.Spec.Replicas)}
	}
	return Health{Status: Healthy}
}

func statefulSet(s *appsv1.StatefulSet) Health {
	if s.Status.ObservedGeneration == 0 || s.Generation > s.Status.ObservedGeneration {
		return Health{Progressing, "Waiting for statefulset spec update to be observed..."}
	}
	if s.Spec.Replicas != nil && s.Status.ReadyReplicas < *s.Spec.Replicas {
		return Health{Progressing, fmt.Sprintf("Waiting for %d pods to be ready...", *s.Spec.Replicas-s.Status.ReadyReplicas)}
	}
	strategy := s.Spec.UpdateStrategy
	if strategy.Type == appsv1.RollingUpdateStatefulSetStrategyType && strategy.RollingUpdate != nil {
		return partitioned(s)
	}
	if strategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		return Health{Healthy, fmt.Sprintf("statefulset has %d ready pods", s.Status.ReadyReplicas)}
	}
	if s.Status.UpdateRevision != s.Status.CurrentRevision {
		return Health{Progressing, fmt.Sprintf("waiting for statefulset rolling update to complete %d pods at revision %s...", s.Status.UpdatedReplicas, s.Status.UpdateRevision)}
	}
	return Health{Healthy, fmt.Sprintf("statefulset rolling update complete %d pods at revision %s...", s.Status.CurrentReplicas, s.Status.CurrentRevision)}
}

func partitioned(s *appsv1.StatefulSet) Health {
	if partition := s.Spec.UpdateStrategy.RollingUpdate.Partition; partition != nil && s.Spec.Replicas != nil {
		if wanted := *s.Spec.Replicas - *partition; s.Status.UpdatedReplicas < wanted {
			return Health{Progressing, fmt.Sprintf("Waiting for partitioned roll out to finish: %d out of %d new pods have been updated...", s.Status.UpdatedReplicas, wanted)}
		}
	}
	return Health{Healthy, fmt.Sprintf("partitioned roll out complete: %d new pods have been updated...", s.Status.UpdatedReplicas)}
}

func daemonSet(d *appsv1.DaemonSet) Health {
	s := d.Status
	switch {
	case d.Generation > s.ObservedGeneration:
		return Health{Progressing, "Waiting for rollout to finish: observed daemon set generation less than desired generation"}
	case d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType:
		return Health{Healthy, fmt.Sprintf("daemon set %d out of %d new pods have been updated", s.UpdatedNumberScheduled, s.DesiredNumberScheduled)}
	case s.UpdatedNumberScheduled < s.DesiredNumberScheduled:
		return Health{Progressing, fmt.Sprintf("Waiting for daemon set %q rollout to finish: %d out of %d new pods have been updated...", d.Name, s.UpdatedNumberScheduled, s.DesiredNumberScheduled)}
	case s.NumberAvailable < s.DesiredNumberScheduled:
		return Health{Progressing, fmt.Sprintf("Waiting for daemon set %q rollout to finish: %d of %d updated pods are available...", d.Name, s.NumberAvailable, s.DesiredNumberScheduled)}
	}
	return Health{Status: Healthy}
}

// job looks at the presence of a condition only: Argo CD does, except for Suspended.
func job(j *batchv1.Job) Health {
	h, failed, suspended := Health{Status: Progressing}, Health{}, false
	for _, c := range j.Status.Conditions {
		switch c.Type {
		case batchv1.JobFailed:
			failed = Health{Degraded, c.Message}
		case batchv1.JobSuspended:
			suspended = c.Status == corev1.ConditionTrue
			h = Health{Healthy, c.Message}
		case batchv1.JobComplete:
			h = Health{Healthy, c.Message}
		}
	}
	switch {
	case failed.Status != "":
		return failed
	case suspended:
		return Health{Status: Suspended}
	}
	return h
}
