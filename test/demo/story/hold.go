package story

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// held observes that nothing starts the rejected revision again: not the agent, whose selfHeal is on, and not a restart.
func (s *Story) held(ctx context.Context) error {
	from, before := time.Now(), s.application(ctx)
	if err := s.intervals(ctx, 3); err != nil {
		return err
	}
	if err := s.restartController(ctx); err != nil {
		return err
	}
	if err := s.intervals(ctx, 3); err != nil {
		return err
	}
	for _, sighting := range since[*appsv1.ReplicaSet](s.Recorder, from, production) {
		r := sighting.Object.(*appsv1.ReplicaSet)
		if r.Labels[v1alpha1.DefaultRolloutUniqueLabelKey] == s.bad.hash && r.Spec.Replicas != nil && *r.Spec.Replicas > 0 {
			return fmt.Errorf("ReplicaSet %s of the rejected revision wants %d pods", r.Name, *r.Spec.Replicas)
		}
	}
	for _, w := range s.Recorder.weights(from, production) {
		if w.Value != 0 {
			return fmt.Errorf("weight %d after the rollback", w.Value)
		}
	}
	if runs := s.started(from); len(runs) > 0 {
		return fmt.Errorf("AnalysisRun %s began after the rollback", runs[0])
	}
	now := s.application(ctx)
	if now.operation != before.operation || now.reason != "RolledBack" || now.sync != "OutOfSync" {
		return fmt.Errorf("the agent has synced again: last at %s, before at %s; it shows %s", now.operation, before.operation, now)
	}
	answers := s.Load.Since(from, "")
	if n := counted(answers, s.good.tag); n != len(answers) || failures(answers) > 0 {
		return fmt.Errorf("after the rollback not all %d requests were answered by %s: %v", len(answers), s.good.tag, Counts(answers))
	}
	s.observe("the rejected revision did not come back: no pod, no weight, no AnalysisRun, no sync (selfHeal on); %d requests, all %s", len(answers), s.good.tag)
	return nil
}

// started are the AnalysisRuns in production made since a moment.
func (s *Story) started(from time.Time) (names []string) {
	for _, r := range s.runs(from) {
		if r.CreationTimestamp.After(from) {
			names = append(names, r.Name)
		}
	}
	return names
}

// intervals waits until the agent has asked Git so many times.
func (s *Story) intervals(ctx context.Context, n int) error {
	before, begin := s.Git.Asked(), time.Now()
	err := s.until(ctx, time.Duration(n+10)*s.Interval+20*time.Second, "the agent asks Git", func() (bool, string) {
		asked := s.Git.Asked() - before
		return asked >= n && time.Since(begin) >= time.Duration(n)*s.Interval, fmt.Sprintf("%d times", asked)
	})
	if err == nil {
		s.observe("the agent has asked Git %d times more, in %s", s.Git.Asked()-before, seconds(time.Since(begin)))
	}
	return err
}

func (s *Story) restartController(ctx context.Context) error {
	if s.Pods {
		before := s.leader(ctx)
		if _, err := s.Cluster.Kubectl(ctx, "delete", "pod", "-n", "argo-rollouts", "-l", "app.kubernetes.io/name=argo-rollouts", "--wait"); err != nil {
			return err
		}
		err := s.until(ctx, time.Minute, "another controller leads", func() (bool, string) {
			now := s.leader(ctx)
			return now != "" && now != before, now
		})
		if err != nil {
			return err
		}
		s.observe("the controller's pod was deleted, another leads: %s", s.leader(ctx))
		return s.awaitDeployments(ctx)
	}
	s.note("the controller is restarted")
	s.Processes.Forget(s.controller)
	s.controller.Stop()
	return s.startController(ctx)
}
