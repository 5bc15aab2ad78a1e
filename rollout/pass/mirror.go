package pass

import (
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// mirror tells, in annotations, whether what Git wants is what serves. They are a mirror, never a request: nothing in
// the planner reads them back, and whoever writes them only makes the next pass write them again.
func (p *Pass) mirror() map[string]*string {
	changes := map[string]*string{}
	was, told := p.Rollout.Annotations[v1alpha1.RollbackAnnotation]
	serving := v1alpha1.ServingDesired
	if p.rolledBack() {
		serving = v1alpha1.ServingRolledBack
		if text := p.rollback().Annotation(); text != was {
			changes[v1alpha1.RollbackAnnotation] = &text
		}
	} else if told {
		changes[v1alpha1.RollbackAnnotation] = nil
	}
	if now, asked := p.Rollout.Annotations[v1alpha1.ServingAnnotation]; asked && now != serving {
		changes[v1alpha1.ServingAnnotation] = &serving
	}
	if len(changes) == 0 {
		return nil
	}
	return changes
}

func (p *Pass) rolledBack() bool {
	return p.Status.Abort && p.Status.StableRS != "" && p.Status.StableRS != p.Status.CurrentPodHash
}

func (p *Pass) rollback() v1alpha1.Rollback {
	r := v1alpha1.Rollback{Wanted: side(p.New), Serving: side(p.Stable), Message: p.Status.Message}
	if p.Status.AbortedAt != nil {
		r.Since = *p.Status.AbortedAt
	}
	if run := p.deciding(); run != nil {
		r.AnalysisRun = run.Name
		r.Metric, r.Value, r.Condition = verdict(run)
	}
	return r
}

func side(rs *appsv1.ReplicaSet) v1alpha1.RollbackRevision {
	if rs == nil {
		return v1alpha1.RollbackRevision{}
	}
	out := v1alpha1.RollbackRevision{Hash: revision.HashOf(rs), Revision: rs.Annotations[v1alpha1.RevisionAnnotation]}
	for _, c := range rs.Spec.Template.Spec.Containers {
		out.Images = append(out.Images, c.Image)
	}
	return out
}

// deciding is the AnalysisRun that aborted the current revision: the latest failed one, if the abort was an analysis's.
func (p *Pass) deciding() *v1alpha1.AnalysisRun {
	if c := Condition(p.Status, v1alpha1.ConditionProgressing); c == nil || !strings.Contains(c.Message, "analysis phase error/failed") {
		return nil
	}
	var failed []*v1alpha1.AnalysisRun
	for _, run := range p.Runs {
		if run.Labels[v1alpha1.DefaultRolloutUniqueLabelKey] == p.Status.CurrentPodHash &&
			(run.Status.Phase == v1alpha1.AnalysisPhaseFailed || run.Status.Phase == v1alpha1.AnalysisPhaseError) {
			failed = append(failed, run)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	sort.Slice(failed, func(i, j int) bool {
		if a, b := failed[i].CreationTimestamp, failed[j].CreationTimestamp; !a.Equal(&b) {
			return b.Before(&a)
		}
		return failed[i].Name > failed[j].Name
	})
	return failed[0]
}

// verdict is the metric that made a run fail: its name, the last measurement that failed it, and the condition.
func verdict(run *v1alpha1.AnalysisRun) (metric, value, condition string) {
	for _, result := range run.Status.MetricResults {
		if result.DryRun || result.Phase != v1alpha1.AnalysisPhaseFailed && result.Phase != v1alpha1.AnalysisPhaseError {
			continue
		}
		for _, m := range result.Measurements {
			if m.Phase == result.Phase {
				value = m.Value
			}
		}
		return result.Name, value, conditionOf(run, result.Name)
	}
	return "", "", ""
}

func conditionOf(run *v1alpha1.AnalysisRun, metric string) string {
	for _, m := range run.Spec.Metrics {
		if m.Name != metric {
			continue
		}
		switch {
		case m.FailureCondition != "" && m.SuccessCondition != "":
			return m.SuccessCondition + "; failure: " + m.FailureCondition
		case m.FailureCondition != "":
			return "failure: " + m.FailureCondition
		}
		return m.SuccessCondition
	}
	return ""
}
