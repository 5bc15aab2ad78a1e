package pass

import (
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// Available is status.availableReplicas; 0 for nil.
func Available(rs *appsv1.ReplicaSet) int32 {
	if rs == nil {
		return 0
	}
	return rs.Status.AvailableReplicas
}

// FullyAvailable reports whether a ReplicaSet has pods and all of them are available (spec 8.1).
func FullyAvailable(rs *appsv1.ReplicaSet) bool {
	return revision.Size(rs) > 0 && Available(rs) >= revision.Size(rs)
}

// Resized reports whether this is a scale-only pass (spec 3.4): the number of replicas wanted has changed since the
// new or the stable ReplicaSet was sized.
func (p *Pass) Resized() bool {
	for _, rs := range []*appsv1.ReplicaSet{p.New, p.Stable} {
		if revision.Size(rs) == 0 {
			continue
		}
		if was, ok := rs.Annotations[v1alpha1.DesiredReplicasAnnotation]; ok && was != strconv.Itoa(int(p.Replicas())) {
			return true
		}
	}
	return false
}

// Scale gives a ReplicaSet a size and refreshes its desired-replicas annotation; it reports whether anything had to
// change. A ReplicaSet that goes to 0 loses its deadline in the same write (spec 3.4).
func (p *Pass) Scale(rs *appsv1.ReplicaSet, to int32, why string) bool {
	if rs == nil {
		return false
	}
	from := revision.Size(rs)
	wanted := strconv.Itoa(int(p.Replicas()))
	if from == to && rs.Annotations[v1alpha1.DesiredReplicasAnnotation] == wanted {
		return false
	}
	set(rs, v1alpha1.DesiredReplicasAnnotation, wanted)
	if from == to {
		p.Do(plan.Amend{Reason: plan.Reason{Text: "the number of replicas wanted is " + wanted}, Want: rs.DeepCopy()})
		return true
	}
	if to == 0 && !p.lettingGo {
		delete(rs.Annotations, v1alpha1.ScaleDownDeadlineAnnotation)
	}
	rs.Spec.Replicas = &to
	word := "up"
	if to < from {
		word = "down"
	}
	p.Do(plan.Scale{
		Reason: plan.Reason{Text: why, Tell: []plan.Event{{Reason: v1alpha1.EventScalingReplicaSet,
			Message: fmt.Sprintf("Scaled %s ReplicaSet %s (revision %d) from %d to %d", word, rs.Name, revision.Number(rs), from, to)}}},
		Want: rs.DeepCopy(), From: from, To: to,
	})
	return true
}

// DropDeadline takes the scale-down deadline off a ReplicaSet that is needed again.
func (p *Pass) DropDeadline(rs *appsv1.ReplicaSet) {
	if rs == nil {
		return
	}
	if _, ok := rs.Annotations[v1alpha1.ScaleDownDeadlineAnnotation]; !ok {
		return
	}
	delete(rs.Annotations, v1alpha1.ScaleDownDeadlineAnnotation)
	p.Do(plan.Amend{Reason: plan.Reason{Text: "the revision is needed again"}, Want: rs.DeepCopy()})
}

// SetDeadline says when a ReplicaSet goes to 0.
func (p *Pass) SetDeadline(rs *appsv1.ReplicaSet, after time.Duration, why string) {
	at := p.Now.Add(after)
	set(rs, v1alpha1.ScaleDownDeadlineAnnotation, at.Format(time.RFC3339))
	set(rs, v1alpha1.DesiredReplicasAnnotation, strconv.Itoa(int(p.Replicas())))
	p.Do(plan.Amend{Reason: plan.Reason{Text: fmt.Sprintf("%s, scaling down at %s", why, at.Format(time.RFC3339))}, Want: rs.DeepCopy()})
	p.WakeAt(at)
}

// LetGo keeps the new ReplicaSet of an aborted update for the abort delay, which begins once stable is full, and then
// takes its pods (spec 3.8.3). It reports whether its size changed.
func (p *Pass) LetGo() bool {
	at, has := revision.Deadline(p.New)
	switch {
	case has && !at.After(p.Now):
		p.lettingGo = true
		defer func() { p.lettingGo = false }()
		return p.Scale(p.New, 0, "the delay after the abort is over")
	case has:
		p.WakeAt(at)
	case revision.Size(p.New) > 0 && Available(p.Stable) >= p.Replicas():
		seconds, _, _ := v1alpha1.AbortScaleDownDelay(p.Ro)
		p.SetDeadline(p.New, time.Duration(seconds)*time.Second, "the update was aborted")
	}
	return p.Scale(p.New, revision.Size(p.New), "")
}

// Retire decides the size of an old ReplicaSet that may only go after a delay (spec 3.8.2, delay helper): kept is how many such
// ReplicaSets were kept before it, keep the size to keep meanwhile. It reports the size and whether it is kept.
func (p *Pass) Retire(rs *appsv1.ReplicaSet, kept, keep int32) (size int32, counted bool) {
	over := kept >= v1alpha1.ScaleDownDelayRevisionLimit(p.Ro)
	delay := time.Duration(v1alpha1.ScaleDownDelaySeconds(p.Ro)) * time.Second
	at, has := revision.Deadline(rs)
	switch {
	case !has && (revision.Size(rs) == 0 || over || delay <= 0):
		return 0, false
	case !has:
		p.SetDeadline(rs, delay, "the revision no longer serves")
		return revision.Size(rs), true
	case over || !at.After(p.Now):
		return 0, !over
	}
	p.WakeAt(at)
	return keep, true
}

func set(rs *appsv1.ReplicaSet, key, value string) {
	if rs.Annotations == nil {
		rs.Annotations = map[string]string{}
	}
	rs.Annotations[key] = value
}
