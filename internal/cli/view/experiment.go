package view

import "github.com/sluice-delivery/sluice/api/v1alpha1"

// Experiment is what is shown of e, given the objects of its namespace.
func Experiment(e *v1alpha1.Experiment, o Objects) ExperimentInfo {
	phase := e.Status.Phase
	if phase == "" {
		phase = v1alpha1.AnalysisPhasePending
	}
	info := ExperimentInfo{
		ObjectMeta: e.ObjectMeta, Icon: analysisIcon(phase), Revision: number(e),
		Status: string(phase), Message: e.Status.Message, AnalysisRuns: runs(o.Runs, e),
	}
	for _, rs := range owned(o.ReplicaSets, e) {
		info.ReplicaSets = append(info.ReplicaSets, replicaSet(rs, o))
	}
	return info
}
