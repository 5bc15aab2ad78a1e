package story

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const image = "api=123456789.dkr.ecr.us-east-1.amazonaws.com/payments-api:"

var (
	readers = Stream{Name: "active, GET", Host: "active." + host, Method: "GET", Rate: 25}
	payers  = Stream{Name: "active, POST", Host: "active." + host, Method: "POST", Rate: 25}
	preview = Stream{Name: "preview", Host: "preview." + host, Method: "GET", Rate: 25}
)

// blueGreen promotes a good version of a second Rollout, and a bad one that is taken back.
func (s *Story) blueGreen(ctx context.Context) error {
	text, err := s.read("blue-green.yaml")
	if err == nil {
		err = s.Cluster.Apply(ctx, text)
	}
	if err != nil {
		return err
	}
	if err := s.healthyBlueGreen(ctx, ""); err != nil {
		return err
	}
	for _, stream := range []Stream{readers, preview} {
		if err := s.answered(ctx, stream, "1.4.2"); err != nil {
			return err
		}
	}
	from := time.Now()
	for _, stream := range []Stream{readers, payers, preview} {
		s.Load.Send(s.ctx, stream)
	}
	old := s.rollout(ctx, blueGreen).Status.StableRS
	good, err := s.previewed(ctx, "1.4.2", "1.4.3")
	if err != nil {
		return err
	}
	if _, err := s.switched(ctx, old, good, "1.4.3"); err != nil {
		return err
	}
	if err := s.healthyBlueGreen(ctx, good); err != nil {
		return err
	}
	s.observe("post-promotion analysis Successful, Healthy")
	// 1.4.5 answers GET well, and every fifth POST with 500: what the preview is tried with does not show it.
	bad, err := s.previewed(ctx, "1.4.3", "1.4.5")
	if err != nil {
		return err
	}
	at, err := s.switched(ctx, good, bad, "1.4.5")
	if err != nil {
		return err
	}
	if err := s.switchedBack(ctx, at, good, bad); err != nil {
		return err
	}
	return s.noneLost(from)
}

func (s *Story) noneLost(from time.Time) error {
	var answers []Answer
	own := 0
	for _, a := range s.Load.Since(from, "") {
		if a.Stream != readers.Name && a.Stream != payers.Name {
			continue
		}
		answers = append(answers, a)
		if a.Lost() || a.Status != 200 && a.Version != "1.4.5" {
			return fmt.Errorf("a request to the active Service failed: status %d, version %q", a.Status, a.Version)
		}
		if a.Status != 200 {
			own++
		}
	}
	s.observe("0 of %d requests to the active Service were lost or failed by a good version; %d are 1.4.5's own 500s", len(answers), own)
	return nil
}

func (s *Story) healthyBlueGreen(ctx context.Context, stable string) error {
	return s.until(ctx, time.Minute, "the blue-green Rollout is Healthy", func() (bool, string) {
		r := s.rollout(ctx, blueGreen)
		return r.Status.Phase == v1alpha1.RolloutPhaseHealthy && (stable == "" || r.Status.StableRS == stable), describe(r)
	})
}

func (s *Story) answered(ctx context.Context, stream Stream, version string) error {
	return s.until(ctx, 30*time.Second, "a request to "+stream.Host+" is answered by "+version, func() (bool, string) {
		a := s.Load.Ask(ctx, stream)
		return a.Version == version && a.Status == 200, fmt.Sprintf("version %q, status %d; %s", a.Version, a.Status, describe(s.rollout(ctx, blueGreen)))
	})
}

// previewed sets an image and waits for the pre-promotion analysis, while the active Service goes on as before.
func (s *Story) previewed(ctx context.Context, from, to string) (hash string, err error) {
	begin := time.Now()
	if _, err := s.Cluster.Kubectl(ctx, "argo", "rollouts", "set", "image", "payments-api", image+to, "-n", blueGreen); err != nil {
		return "", err
	}
	if err := s.answered(ctx, preview, to); err != nil {
		return "", err
	}
	s.observe("%s is reachable at the preview", to)
	err = s.until(ctx, time.Minute, "the pre-promotion analysis is Successful and the rollout waits", func() (bool, string) {
		r := s.rollout(ctx, blueGreen)
		hash = r.Status.CurrentPodHash
		run := r.Status.BlueGreen.PrePromotionAnalysisRunStatus
		return run != nil && run.Status == v1alpha1.AnalysisPhaseSuccessful && r.Status.Phase == v1alpha1.RolloutPhasePaused, fmt.Sprintf("%s, %+v", describe(r), run)
	})
	if err != nil {
		return "", err
	}
	for _, a := range s.Load.Since(begin, "") {
		if (a.Stream == readers.Name || a.Stream == payers.Name) && a.Version != from {
			return "", fmt.Errorf("before the promotion of %s the active Service answered as %q, status %d", to, a.Version, a.Status)
		}
	}
	s.observe("pre-promotion analysis Successful; the active Service is still %s", from)
	return hash, nil
}

// switched promotes and observes the active Service change hands. It returns when that was.
func (s *Story) switched(ctx context.Context, from, to, version string) (at time.Time, err error) {
	begin := time.Now()
	if _, err := s.Cluster.Kubectl(ctx, "argo", "rollouts", "promote", "payments-api", "-n", blueGreen); err != nil {
		return at, err
	}
	if at, err = s.selects(ctx, begin, to); err != nil {
		return at, err
	}
	if err := s.answered(ctx, readers, version); err != nil {
		return at, err
	}
	s.observe("promoted: the active Service selects %s %d ms after the command began, %d ms later the proxy answers as %s", to,
		at.Sub(begin).Milliseconds(), time.Since(at).Milliseconds(), version)
	return at, nil
}

// selects waits until the active Service selects a revision.
func (s *Story) selects(ctx context.Context, from time.Time, hash string) (at time.Time, err error) {
	err = s.until(ctx, time.Minute, "the active Service selects "+hash, func() (bool, string) {
		for _, sighting := range since[*corev1.Service](s.Recorder, from, blueGreen) {
			service := sighting.Object.(*corev1.Service)
			if service.Name == "payments-api-active" && service.Spec.Selector[v1alpha1.DefaultRolloutUniqueLabelKey] == hash {
				at = sighting.At
				return true, ""
			}
		}
		return false, describe(s.rollout(ctx, blueGreen))
	})
	return at, err
}

// switchedBack observes the post-promotion analysis fail and the Service go back.
func (s *Story) switchedBack(ctx context.Context, from time.Time, good, bad string) error {
	var decided time.Time
	var run *v1alpha1.AnalysisRun
	err := s.until(ctx, time.Minute, "the post-promotion analysis fails", func() (bool, string) {
		for _, sighting := range since[*v1alpha1.AnalysisRun](s.Recorder, from, blueGreen) {
			r := sighting.Object.(*v1alpha1.AnalysisRun)
			if r.Labels["rollout-type"] == "PostPromotion" && r.Labels[v1alpha1.DefaultRolloutUniqueLabelKey] == bad && r.Status.Phase == v1alpha1.AnalysisPhaseFailed {
				decided, run = sighting.At, r
				return true, ""
			}
		}
		return false, describe(s.rollout(ctx, blueGreen))
	})
	if err != nil {
		return err
	}
	s.observe("post-promotion AnalysisRun %s is Failed: %s", run.Name, run.Status.Message)
	at, err := s.selects(ctx, decided.Add(-500*time.Millisecond), good)
	if err != nil {
		return err
	}
	if err := s.answered(ctx, readers, "1.4.3"); err != nil {
		return err
	}
	s.observe("the switch is taken back %d ms after the deciding measurement", max(0, at.Sub(decided).Milliseconds()))
	return s.until(ctx, 30*time.Second, "Degraded, and served by the version before", func() (bool, string) {
		r := s.rollout(ctx, blueGreen)
		return r.Status.Phase == v1alpha1.RolloutPhaseDegraded && r.Status.StableRS == good && r.Status.BlueGreen.ActiveSelector == good, describe(r)
	})
}
