package pass

import (
	"fmt"
	"strconv"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// Create is the pass that makes the ReplicaSet of a revision that has none (spec 3.2). Nothing else happens in it.
func (p *Pass) Create() plan.Plan {
	hash := revision.Hash(&p.Ro.Spec.Template, p.Status.CollisionCount)
	name := revision.Name(p.Ro.Name, hash)
	switch {
	case p.Collision:
		return p.collide(name)
	case p.CreateError != "":
		return p.refused(name)
	}
	number := revision.Next(p.All())
	created := plan.Event{Reason: v1alpha1.EventNewReplicaSetCreated, Message: fmt.Sprintf("Created ReplicaSet %s (revision %d)", name, number)}
	create := plan.Create{
		Reason:     plan.Reason{Text: "the spec asks for a pod template that no ReplicaSet has"},
		ReplicaSet: revision.New(p.Ro, hash, number, p.metadataAtBirth(hash)),
	}
	if told, changed := p.announce(number); changed {
		p.Do(create)
		told.Tell = append(told.Tell, created)
		p.Do(told)
	} else {
		create.Tell = append(create.Tell, created)
		p.Do(create)
	}
	SetCondition(p.Status, p.condition(v1alpha1.ConditionProgressing, yes, v1alpha1.ReasonNewReplicaSetCreated, fmt.Sprintf(v1alpha1.MessageNewReplicaSet, name)))
	p.out.Status = p.Status
	return p.out
}

// announce writes the number of the current revision onto the Rollout, if it is news.
func (p *Pass) announce(number int64) (plan.Annotate, bool) {
	text := strconv.FormatInt(number, 10)
	if p.Rollout.Annotations[v1alpha1.RevisionAnnotation] == text {
		return plan.Annotate{}, false
	}
	return plan.Annotate{
		Reason: plan.Reason{Text: "the current revision is " + text, Tell: []plan.Event{{
			Reason: v1alpha1.EventRolloutUpdated, Message: "Rollout updated to revision " + text}}},
		Annotations: map[string]*string{v1alpha1.RevisionAnnotation: &text},
	}, true
}

// collide counts a hash that is taken: the next pass tries the next one (spec 2.2).
func (p *Pass) collide(name string) plan.Plan {
	count := int32(1)
	if p.Status.CollisionCount != nil {
		count = *p.Status.CollisionCount + 1
	}
	p.Status.CollisionCount = &count
	p.out.Status = p.Status
	p.out.Retry = fmt.Sprintf("replicasets.apps %q already exists and is not this rollout's", name)
	return p.out
}

// refused tells that the API server would not take the new ReplicaSet.
func (p *Pass) refused(name string) plan.Plan {
	message := fmt.Sprintf(v1alpha1.MessageFailedToCreateReplicaSet, name, p.CreateError)
	if SetCondition(p.Status, p.condition(v1alpha1.ConditionProgressing, no, v1alpha1.ReasonReplicaSetCreateError, message)) {
		p.Warn(v1alpha1.EventReplicaSetCreateError, message)
	}
	p.out.Status = p.Status
	p.out.Retry = message
	return p.out
}

// Sync keeps number, history, annotations and affinity of the current ReplicaSet right, and the Rollout's number.
func (p *Pass) Sync() {
	number := max(revision.Next(p.Older()), revision.Number(p.New))
	if want, bumped := revision.Sync(p.New, p.Ro, number); want != nil {
		why := "annotations, minReadySeconds or affinity follow the rollout"
		if bumped {
			why = fmt.Sprintf("an older revision is wanted again, as revision %d", number)
		}
		same := p.Stable == p.New
		p.New = want
		if same {
			p.Stable = want
		}
		p.Do(plan.Amend{Reason: plan.Reason{Text: why}, Want: want.DeepCopy()})
	}
	if told, changed := p.announce(number); changed {
		p.Do(told)
	}
	if Condition(p.Status, v1alpha1.ConditionProgressing) == nil {
		SetCondition(p.Status, p.condition(v1alpha1.ConditionProgressing, yes, v1alpha1.ReasonFoundNewReplicaSet, fmt.Sprintf(v1alpha1.MessageFoundNewReplicaSet, p.New.Name)))
	}
}

// CleanHistory deletes surplus old ReplicaSets and their analysis runs (spec 3.2).
func (p *Pass) CleanHistory() {
	for _, rs := range revision.Surplus(p.Others, v1alpha1.RevisionHistoryLimitOrDefault(p.Ro)) {
		p.Do(plan.Delete{Reason: plan.Reason{Text: "more old revisions than revisionHistoryLimit keeps"}, Kind: "ReplicaSet", Name: rs.Name, UID: rs.UID})
		for _, run := range p.Runs {
			if run.Labels[v1alpha1.DefaultRolloutUniqueLabelKey] == revision.HashOf(rs) && !p.currentRun(run.Name) {
				p.deleteRun(run, "its revision is deleted")
			}
		}
	}
}
