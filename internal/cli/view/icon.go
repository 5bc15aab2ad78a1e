package view

import "github.com/sluice-delivery/sluice/api/v1alpha1"

func rolloutIcon(p v1alpha1.RolloutPhase) Icon {
	switch p {
	case v1alpha1.RolloutPhaseHealthy:
		return IconOK
	case v1alpha1.RolloutPhaseDegraded:
		return IconBad
	case v1alpha1.RolloutPhasePaused:
		return IconPaused
	case v1alpha1.RolloutPhaseProgressing:
		return IconProgressing
	}
	return IconUnknown
}

func analysisIcon(p v1alpha1.AnalysisPhase) Icon {
	switch p {
	case v1alpha1.AnalysisPhasePending:
		return IconWaiting
	case v1alpha1.AnalysisPhaseRunning:
		return IconProgressing
	case v1alpha1.AnalysisPhaseSuccessful:
		return IconOK
	case v1alpha1.AnalysisPhaseFailed:
		return IconBad
	case v1alpha1.AnalysisPhaseError:
		return IconWarning
	}
	return IconUnknown
}
