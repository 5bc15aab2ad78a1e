package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pods are those of an owner, the oldest first.
func pods(all []*corev1.Pod, owner metav1.Object) []PodInfo {
	var owned []*corev1.Pod
	for _, p := range all {
		if metav1.IsControlledBy(p, owner) {
			owned = append(owned, p)
		}
	}
	slices.SortFunc(owned, func(a, b *corev1.Pod) int { return older(a, b) })
	var infos []PodInfo
	for _, p := range owned {
		infos = append(infos, pod(p))
	}
	return infos
}

func older(a, b metav1.Object) int {
	at, bt := a.GetCreationTimestamp(), b.GetCreationTimestamp()
	return cmp.Or(at.Compare(bt.Time), strings.Compare(a.GetName(), b.GetName()))
}

func pod(p *corev1.Pod) PodInfo {
	ready, total, restarts := count(p)
	word := podWord(p)
	return PodInfo{
		ObjectMeta: p.ObjectMeta, Status: word, Icon: podIcon(word),
		Ready: fmt.Sprintf("%d/%d", ready, total), Restarts: restarts,
	}
}

// count counts containers and, like kubectl, init containers that run all the time.
func count(p *corev1.Pod) (ready, total int, restarts int32) {
	total = len(p.Spec.Containers)
	statuses := p.Status.ContainerStatuses
	for _, c := range p.Spec.InitContainers {
		if !sidecar(c) {
			continue
		}
		total++
		if i := slices.IndexFunc(p.Status.InitContainerStatuses, named(c.Name)); i >= 0 {
			statuses = append(statuses[:len(statuses):len(statuses)], p.Status.InitContainerStatuses[i])
		}
	}
	for _, s := range statuses {
		if s.Ready {
			ready++
		}
		restarts += s.RestartCount
	}
	return ready, total, restarts
}

func sidecar(c corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

func named(name string) func(corev1.ContainerStatus) bool {
	return func(s corev1.ContainerStatus) bool { return s.Name == name }
}

// podWord is the STATUS column of kubectl get pods.
func podWord(p *corev1.Pod) string {
	switch {
	case p.DeletionTimestamp != nil && p.Status.Reason == "NodeLost":
		return "Unknown"
	case p.DeletionTimestamp != nil && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed:
		return "Terminating"
	}
	if word := initWord(p); word != "" {
		return word
	}
	word := string(p.Status.Phase)
	if p.Status.Reason != "" {
		word = p.Status.Reason
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Reason == corev1.PodReasonSchedulingGated {
			word = corev1.PodReasonSchedulingGated
		}
	}
	return containerWord(p, word)
}

// initWord is the word while init containers are not done; empty after that.
func initWord(p *corev1.Pod) string {
	for i, c := range p.Spec.InitContainers {
		s := slices.IndexFunc(p.Status.InitContainerStatuses, named(c.Name))
		if s < 0 {
			continue
		}
		switch status := p.Status.InitContainerStatuses[s]; {
		case status.State.Terminated != nil && status.State.Terminated.ExitCode == 0:
		case sidecar(c) && status.Started != nil && *status.Started:
		case status.State.Terminated != nil:
			return "Init:" + terminatedWord(status.State.Terminated)
		case status.State.Waiting != nil && status.State.Waiting.Reason != "" && status.State.Waiting.Reason != "PodInitializing":
			return "Init:" + status.State.Waiting.Reason
		default:
			return fmt.Sprintf("Init:%d/%d", i, len(p.Spec.InitContainers))
		}
	}
	return ""
}

// containerWord lets the first container that has something to say speak.
func containerWord(p *corev1.Pod, word string) string {
	running := false
	for _, s := range slices.Backward(p.Status.ContainerStatuses) {
		switch {
		case s.State.Waiting != nil && s.State.Waiting.Reason != "":
			word = s.State.Waiting.Reason
		case s.State.Terminated != nil:
			word = terminatedWord(s.State.Terminated)
		case s.Ready && s.State.Running != nil:
			running = true
		}
	}
	if word != "Completed" || !running {
		return word
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return "Running"
		}
	}
	return "NotReady"
}

func terminatedWord(t *corev1.ContainerStateTerminated) string {
	switch {
	case t.Reason != "":
		return t.Reason
	case t.Signal != 0:
		return fmt.Sprintf("Signal:%d", t.Signal)
	}
	return fmt.Sprintf("ExitCode:%d", t.ExitCode)
}

func podIcon(word string) Icon {
	word, initializing := strings.CutPrefix(word, "Init:")
	switch {
	case word == "Running" || word == "Completed" || word == "Succeeded":
		return IconOK
	case word == "Pending" || word == corev1.PodReasonSchedulingGated:
		return IconWaiting
	case word == "Failed" || word == "Evicted" || word == "OOMKilled" || strings.HasPrefix(word, "ExitCode:") || strings.HasPrefix(word, "Signal:"):
		return IconBad
	case strings.HasPrefix(word, "Err") || strings.HasSuffix(word, "Error") || strings.HasSuffix(word, "BackOff") || word == "InvalidImageName":
		return IconWarning
	case initializing, word == "ContainerCreating", word == "PodInitializing", word == "Terminating", word == "NotReady":
		return IconProgressing
	}
	return IconUnknown
}
