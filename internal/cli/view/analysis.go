package view

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// jobName is the key under which the job provider notes its Job in a measurement (spec 5.7).
const jobName = "job-name"

func runs(all []*v1alpha1.AnalysisRun, owner metav1.Object) []AnalysisRunInfo {
	var infos []AnalysisRunInfo
	for _, run := range owned(all, owner) {
		infos = append(infos, analysisRun(run))
	}
	return infos
}

func analysisRun(run *v1alpha1.AnalysisRun) AnalysisRunInfo {
	phase := run.Status.Phase
	if phase == "" {
		phase = v1alpha1.AnalysisPhasePending
	}
	info := AnalysisRunInfo{
		ObjectMeta: run.ObjectMeta, Icon: analysisIcon(phase), Revision: number(run), Status: string(phase),
	}
	for _, metric := range run.Status.MetricResults {
		info.Successful += metric.Successful
		info.Failed += metric.Failed
		info.Inconclusive += metric.Inconclusive
		info.Error += metric.Error
		for _, m := range metric.Measurements {
			if name := m.Metadata[jobName]; name != "" {
				info.Jobs = append(info.Jobs, job(name, metric.Name, m))
			}
		}
	}
	return info
}

func job(name, metric string, m v1alpha1.Measurement) JobInfo {
	info := JobInfo{Name: name, Status: string(m.Phase), Icon: analysisIcon(m.Phase), MetricName: metric}
	if m.StartedAt != nil {
		info.StartedAt = m.StartedAt.Time
	}
	return info
}
