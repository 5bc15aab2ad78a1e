package health

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

func pod(p *corev1.Pod) Health {
	if messages, stuck := stuckContainers(p); stuck {
		return Health{Degraded, strings.Join(messages, ", ")}
	}
	switch p.Status.Phase {
	case corev1.PodPending:
		return Health{Progressing, p.Status.Message}
	case corev1.PodSucceeded:
		return Health{Healthy, p.Status.Message}
	case corev1.PodFailed:
		return Health{Degraded, failure(p)}
	case corev1.PodRunning:
		return runningPod(p)
	}
	return Health{Unknown, p.Status.Message}
}

// stuckContainers looks only at pods that live for ever: a hook's pod whose image cannot be pulled yet may still run
// later, and must not be given up.
func stuckContainers(p *corev1.Pod) (messages []string, stuck bool) {
	if p.Spec.RestartPolicy != corev1.RestartPolicyAlways {
		return nil, false
	}
	for _, c := range p.Status.ContainerStatuses {
		w := c.State.Waiting
		if w != nil && (strings.HasPrefix(w.Reason, "Err") || strings.HasSuffix(w.Reason, "Error") || strings.HasSuffix(w.Reason, "BackOff")) {
			messages, stuck = append(messages, w.Message), true
		}
	}
	return messages, stuck
}

func failure(p *corev1.Pod) string {
	if p.Status.Message != "" {
		return p.Status.Message
	}
	for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		switch t := c.State.Terminated; {
		case t == nil:
		case t.Message != "":
			return t.Message
		case t.Reason == "OOMKilled":
			return t.Reason
		case t.ExitCode != 0:
			return fmt.Sprintf("container %q failed with exit code %d", c.Name, t.ExitCode)
		}
	}
	return ""
}

func runningPod(p *corev1.Pod) Health {
	switch p.Spec.RestartPolicy {
	case corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever:
		return Health{Progressing, p.Status.Message}
	case corev1.RestartPolicyAlways:
	default:
		return Health{Unknown, p.Status.Message}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return Health{Healthy, p.Status.Message}
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		if c.LastTerminationState.Terminated != nil {
			return Health{Degraded, p.Status.Message}
		}
	}
	return Health{Progressing, p.Status.Message}
}
