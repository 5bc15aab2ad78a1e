package story

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// badMerge takes 1.4.4 as far as its analysis lets it, and observes what happens then, and what does not.
func (s *Story) badMerge(ctx context.Context) error {
	from := time.Now()
	commit, err := s.merge(ctx, s.good.tag, "1.4.4")
	if err != nil {
		return err
	}
	s.bad = revision{tag: "1.4.4", commit: commit}
	if err := s.begins(ctx, &s.bad, s.good); err != nil {
		return err
	}
	decided, run, err := s.decided(ctx, from)
	if err != nil {
		return err
	}
	if err := s.withdrawn(ctx, from, decided); err != nil {
		return err
	}
	if err := s.told(ctx, run); err != nil {
		return err
	}
	if err := s.scaledDown(ctx); err != nil {
		return err
	}
	return s.held(ctx)
}

// decided waits for the measurement that fails the analysis.
func (s *Story) decided(ctx context.Context, from time.Time) (at time.Time, run *v1alpha1.AnalysisRun, err error) {
	err = s.until(ctx, 90*time.Second, "the analysis fails", func() (bool, string) {
		for _, sighting := range since[*v1alpha1.AnalysisRun](s.Recorder, from, production) {
			r := sighting.Object.(*v1alpha1.AnalysisRun)
			if r.Status.Phase == v1alpha1.AnalysisPhaseFailed && !r.CreationTimestamp.Add(time.Second).Before(from) {
				at, run = sighting.At, r
				return true, ""
			}
		}
		return false, describe(s.rollout(ctx, production))
	})
	if err != nil {
		return at, nil, err
	}
	if m := run.Status.MetricResults; len(m) != 1 || m[0].Failed != 4 {
		return at, nil, fmt.Errorf("AnalysisRun %s failed with %+v, not with four failed measurements", run.Name, m)
	}
	answers := s.Load.Since(from, "")
	s.observe("1.4.4 answers with 500 (%d of %d requests); AnalysisRun %s is Failed, %s", Counts(answers)["1.4.4"][500], counted(answers, "1.4.4"),
		run.Name, run.Status.Message)
	return at, run, nil
}

func counted(answers []Answer, version string) (n int) {
	for _, count := range Counts(answers)[version] {
		n += count
	}
	return n
}

// withdrawn observes when the weight is gone from the routing object, and from the proxy.
func (s *Story) withdrawn(ctx context.Context, from, decided time.Time) error {
	var zero time.Time
	err := s.until(ctx, 10*time.Second, "weight 0", func() (bool, string) {
		all := s.Recorder.weights(from, production)
		for _, w := range all {
			if w.Value == 0 && w.At.After(decided.Add(-time.Second)) {
				zero = w.At
				return true, ""
			}
		}
		return false, fmt.Sprint(all)
	})
	if err != nil {
		return err
	}
	s.Figures.ToRouting = max(0, zero.Sub(decided))
	if s.Figures.ToRouting > time.Second {
		return fmt.Errorf("weight 0 came %s after the deciding measurement, not within 1 s", seconds(s.Figures.ToRouting))
	}
	s.observe("weight 0 in the Ingress %d ms after the deciding measurement", s.Figures.ToRouting.Milliseconds())
	if err := s.until(ctx, 10*time.Second, "five seconds without the canary at the proxy", func() (bool, string) {
		last := s.lastOf(s.bad.tag, decided.Add(-5*time.Second))
		return !last.IsZero() && time.Since(last) > 5*time.Second || last.IsZero() && time.Since(decided) > 5*time.Second, last.String()
	}); err != nil {
		return err
	}
	if last := s.lastOf(s.bad.tag, decided); !last.IsZero() {
		s.Figures.ToProxy = last.Sub(decided)
	}
	s.observe("0 %% at the proxy %d ms after the deciding measurement, the header's requests included", s.Figures.ToProxy.Milliseconds())
	return nil
}

// lastOf is when a version last answered since a moment; zero if it did not.
func (s *Story) lastOf(version string, from time.Time) (last time.Time) {
	for _, a := range s.Load.Since(from, "") {
		if a.Version == version && a.At.After(last) {
			last = a.At
		}
	}
	return last
}

// told observes that the agent shows what happened, with all that a person needs to know.
func (s *Story) told(ctx context.Context, run *v1alpha1.AnalysisRun) error {
	var a application
	err := s.until(ctx, 30*time.Second, "OutOfSync, Degraded, RolledBack", func() (bool, string) {
		a = s.application(ctx)
		return a.sync == "OutOfSync" && a.health == "Degraded" && a.reason == "RolledBack", fmt.Sprintf("%s: %s %v", a, a.message, a.conditions)
	})
	if err != nil {
		return err
	}
	s.rolledBack = time.Now()
	s.observe("%s", a)
	r := s.rollout(ctx, production)
	metric := run.Spec.Metrics[0]
	image := "123456789.dkr.ecr.us-east-1.amazonaws.com/payments-api:"
	since := "no time"
	if r.Status.AbortedAt != nil {
		since = r.Status.AbortedAt.UTC().Format(time.RFC3339)
	}
	for what, text := range map[string]string{
		"the wanted image": image + s.bad.tag, "the wanted hash": s.bad.hash, "the serving image": image + s.good.tag, "the serving hash": s.good.hash,
		"the commit": s.bad.commit, "the AnalysisRun": run.Name, "the metric": metric.Name, "the measured value": lastValue(run),
		"the condition": metric.SuccessCondition, "since when": since,
	} {
		if !strings.Contains(a.message, text) || !strings.Contains(a.conditions["RolledBack"], text) {
			return fmt.Errorf("the agent does not tell %s (%s): %q, condition RolledBack: %q", what, text, a.message, a.conditions["RolledBack"])
		}
	}
	s.observe("%s", a.message)
	return nil
}

// scaledDown observes that the rejected revision has no pods any more.
func (s *Story) scaledDown(ctx context.Context) error {
	begin := time.Now()
	err := s.until(ctx, time.Minute, "the canary is scaled down", func() (bool, string) {
		pods := &corev1.PodList{}
		err := s.Cluster.List(ctx, pods, client.InNamespace(production), client.MatchingLabels{v1alpha1.DefaultRolloutUniqueLabelKey: s.bad.hash})
		return err == nil && len(pods.Items) == 0, fmt.Sprintf("%d pods, %v", len(pods.Items), err)
	})
	if err == nil {
		s.observe("the canary is scaled down, %s later (abortScaleDownDelaySeconds 30)", seconds(time.Since(begin)))
	}
	return err
}

// notification observes that the rollback was told, once.
func (s *Story) notification(ctx context.Context) error {
	const text = "Rollout payments-api was rolled back"
	err := s.until(ctx, 30*time.Second, "a message at the Slack stand-in", func() (bool, string) {
		messages, refused := s.Slack.Messages()
		return s.messages(text) > 0, fmt.Sprintf("%d messages, %d refused: %v", len(messages), refused, messages)
	})
	if err != nil {
		return err
	}
	if err := s.intervals(ctx, 3); err != nil {
		return err
	}
	if n := s.messages(text); n != 1 {
		return fmt.Errorf("%d messages %q instead of one", n, text)
	}
	messages, refused := s.Slack.Messages()
	if refused > 0 {
		return fmt.Errorf("%d messages with a wrong token", refused)
	}
	for _, m := range messages {
		s.observe("Slack #%s: %s", m.Channel, m.Text)
	}
	return nil
}

func (s *Story) messages(text string) (n int) {
	messages, _ := s.Slack.Messages()
	for _, m := range messages {
		if m.Text == text {
			n++
		}
	}
	return n
}

// revert brings Git back to what serves.
func (s *Story) revert(ctx context.Context) error {
	from := time.Now()
	s.note("git revert HEAD; git push")
	commit, err := s.Git.Revert(ctx)
	if err != nil {
		return err
	}
	err = s.until(ctx, 30*time.Second, "the rollout is Healthy again", func() (bool, string) {
		r := s.rollout(ctx, production)
		return r.Status.Phase == v1alpha1.RolloutPhaseHealthy && r.Status.CurrentPodHash == s.good.hash && r.Status.StableRS == s.good.hash, describe(r)
	})
	if err == nil {
		err = s.synced(ctx, commit)
	}
	if err != nil {
		return err
	}
	took := time.Since(from)
	if err := s.intervals(ctx, 1); err != nil {
		return err
	}
	for _, w := range s.Recorder.weights(from, production) {
		if w.Value != 0 {
			return fmt.Errorf("the revert set weight %d", w.Value)
		}
	}
	if runs := s.started(from); len(runs) > 0 {
		return fmt.Errorf("the revert began AnalysisRun %s", runs[0])
	}
	if answers := s.Load.Since(from, ""); failures(answers) > 0 || counted(answers, s.good.tag) != len(answers) {
		return fmt.Errorf("not all of %d requests were answered by %s: %v", len(answers), s.good.tag, Counts(answers))
	}
	s.observe("Synced and Healthy at %s after %s: no weight, no AnalysisRun, no step", short(commit), seconds(took))
	return nil
}
