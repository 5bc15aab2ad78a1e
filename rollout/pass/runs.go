package pass

import (
	"sort"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/plan"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// currentRuns are the runs that the status to be written names.
func (p *Pass) currentRuns() []*v1alpha1.RolloutAnalysisRunStatus {
	c, b := &p.Status.Canary, &p.Status.BlueGreen
	var refs []*v1alpha1.RolloutAnalysisRunStatus
	for _, ref := range []*v1alpha1.RolloutAnalysisRunStatus{c.CurrentStepAnalysisRunStatus, c.CurrentBackgroundAnalysisRunStatus,
		b.PrePromotionAnalysisRunStatus, b.PostPromotionAnalysisRunStatus} {
		if ref != nil {
			refs = append(refs, ref)
		}
	}
	return refs
}

func (p *Pass) currentRun(name string) bool {
	for _, ref := range p.currentRuns() {
		if ref.Name == name {
			return true
		}
	}
	return false
}

// NoAnalysis reports whether no analysis may run now, and why (spec 3.9, cancel-all).
func (p *Pass) NoAnalysis() (string, bool) {
	switch {
	case p.Status.StableRS == "":
		return "there is no stable revision yet", true
	case p.Promoted():
		return "the revision is stable", true
	case p.Status.Abort:
		return "the update is aborted", true
	case p.Status.PromoteFull:
		return "a full promotion was requested", true
	case p.FastRollback():
		return "the update goes back to a revision that served before", true
	}
	return "", false
}

// CeaseCurrent terminates every run that the status names.
func (p *Pass) CeaseCurrent(why string) {
	for _, ref := range p.currentRuns() {
		p.Cease(p.Current(ref), why)
	}
}

// TidyRuns terminates superseded runs and deletes what the history limits do not keep (spec 3.9). A run whose revision
// is gone goes with it.
func (p *Pass) TidyRuns() {
	var good, bad []*v1alpha1.AnalysisRun
	for _, run := range p.Runs {
		if p.currentRun(run.Name) || run.DeletionTimestamp != nil {
			continue
		}
		p.Cease(run, "superseded")
		hash := run.Labels[v1alpha1.DefaultRolloutUniqueLabelKey]
		switch {
		case hash == "" || !p.alive(hash):
			p.deleteRun(run, "its revision is gone")
		case run.Status.Phase == v1alpha1.AnalysisPhaseSuccessful:
			good = append(good, run)
		case run.Status.Phase.Completed():
			bad = append(bad, run)
		}
	}
	p.trim(good, v1alpha1.SuccessfulRunHistoryLimitOrDefault(p.Ro))
	p.trim(bad, v1alpha1.UnsuccessfulRunHistoryLimitOrDefault(p.Ro))
}

func (p *Pass) trim(runs []*v1alpha1.AnalysisRun, keep int32) {
	sort.SliceStable(runs, func(i, j int) bool {
		if a, b := runs[i].CreationTimestamp, runs[j].CreationTimestamp; !a.Equal(&b) {
			return b.Before(&a)
		}
		return runs[i].Name > runs[j].Name
	})
	for i := int(max(keep, 0)); i < len(runs); i++ {
		p.deleteRun(runs[i], "more finished runs than the history keeps")
	}
}

func (p *Pass) alive(hash string) bool {
	rs := revision.WithHash(p.All(), hash)
	return rs != nil && rs.DeletionTimestamp == nil
}

func (p *Pass) deleteRun(run *v1alpha1.AnalysisRun, why string) {
	for _, e := range p.out.Effects {
		if d, ok := e.(plan.Delete); ok && d.UID == run.UID {
			return
		}
	}
	p.Do(plan.Delete{Reason: plan.Reason{Text: why}, Kind: "AnalysisRun", Name: run.Name, UID: run.UID})
}

// forgetBadRuns makes a retry measure again: blue-green's runs are retained after an abort, and one that is due only
// later, after the switch, would be taken for the verdict on the retry.
func (p *Pass) forgetBadRuns() {
	b := &p.Status.BlueGreen
	for _, ref := range []**v1alpha1.RolloutAnalysisRunStatus{&b.PrePromotionAnalysisRunStatus, &b.PostPromotionAnalysisRunStatus} {
		if *ref != nil && (*ref).Status.Completed() && (*ref).Status != v1alpha1.AnalysisPhaseSuccessful {
			*ref = nil
		}
	}
}
