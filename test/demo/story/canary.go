package story

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

var testers = Stream{Name: "testers", Host: host, Method: "GET", Header: http.Header{"X-Canary": {"true"}}, Rate: 10}

// goodMerge takes 1.4.3 through its steps.
func (s *Story) goodMerge(ctx context.Context) error {
	from, before := time.Now(), s.good
	commit, err := s.merge(ctx, before.tag, "1.4.3")
	if err != nil {
		return err
	}
	now := revision{tag: "1.4.3", commit: commit}
	if err := s.begins(ctx, &now, before); err != nil {
		return err
	}
	if err := s.tell(5, "A header reaches the canary before any weight", func() error { return s.header(ctx, from, now) }); err != nil {
		return err
	}
	for _, weight := range []int{5, 20, 40, 60, 80} {
		if err := s.step(ctx, from, weight, now); err != nil {
			return err
		}
	}
	if err := s.promoted(ctx, from, now); err != nil {
		return err
	}
	s.good = now
	return nil
}

// begins waits until the controller works on a new revision, and learns its hash.
func (s *Story) begins(ctx context.Context, now *revision, before revision) error {
	begin := time.Now()
	err := s.until(ctx, 30*time.Second, "the rollout begins", func() (bool, string) {
		r := s.rollout(ctx, production)
		now.hash = r.Status.CurrentPodHash
		return now.hash != "" && now.hash != before.hash, describe(r)
	})
	if err == nil {
		s.observe("%s after the push the controller works on it: revision %s", seconds(time.Since(begin)), now.hash)
	}
	return err
}

// header observes that the header leads to the canary while no weight does.
func (s *Story) header(ctx context.Context, from time.Time, now revision) error {
	err := s.until(ctx, 30*time.Second, "a request with X-Canary: true is answered by "+now.tag, func() (bool, string) {
		a := s.Load.Ask(ctx, testers)
		return a.Version == now.tag && a.Status == 200, fmt.Sprintf("version %q, status %d; %s", a.Version, a.Status, describe(s.rollout(ctx, production)))
	})
	if err != nil {
		return err
	}
	at := time.Now()
	for range 50 {
		if a := s.Load.Ask(ctx, testers); a.Version != now.tag {
			return fmt.Errorf("a request with the header was answered by %q, status %d", a.Version, a.Status)
		}
	}
	for _, w := range s.Recorder.weights(from, production) {
		if w.Value != 0 && w.At.Before(at) {
			return fmt.Errorf("there was a weight of %d before the header was observed", w.Value)
		}
	}
	customers := s.Load.Since(from, "customers")
	if share := Share(customers, now.tag); share != 0 {
		return fmt.Errorf("%.1f %% of %d requests without the header were answered by %s", share, len(customers), now.tag)
	}
	s.observe("51 of 51 requests with X-Canary: true were answered by %s, 0 of %d without; weight 0", now.tag, len(customers))
	s.Load.Send(s.ctx, testers)
	return nil
}

// step observes one weight, in the routing object and at the proxy.
func (s *Story) step(ctx context.Context, from time.Time, weight int, now revision) error {
	var at time.Time
	err := s.until(ctx, time.Minute, fmt.Sprintf("weight %d", weight), func() (bool, string) {
		for _, w := range s.Recorder.weights(from, production) {
			if w.Value == weight {
				at = w.At
				return true, ""
			}
		}
		return false, describe(s.rollout(ctx, production))
	})
	if err != nil {
		return err
	}
	live := at.Add(700 * time.Millisecond) // the proxy hears of it a moment later
	next := func() (time.Time, bool) {
		for _, w := range s.Recorder.weights(from, production) {
			if w.At.After(at) {
				return w.At, true
			}
		}
		return time.Time{}, false
	}
	var answers []Answer
	err = s.until(ctx, time.Minute, "requests at this weight", func() (bool, string) {
		end, over := next()
		answers = s.Load.Since(live, "customers")
		if over {
			for len(answers) > 0 && answers[len(answers)-1].At.After(end) {
				answers = answers[:len(answers)-1]
			}
		}
		return over || len(answers) >= 4*rate, fmt.Sprintf("%d", len(answers))
	})
	if err != nil {
		return err
	}
	if err := s.share(weight, answers, now); err != nil {
		return err
	}
	if weight == 5 {
		return s.promote(ctx)
	}
	return nil
}

// share holds what was measured against what was wanted; what went by too fast is said to be so.
func (s *Story) share(weight int, answers []Answer, now revision) error {
	measured := Share(answers, now.tag)
	if len(answers) < 2*rate {
		s.observe("weight %d in the routing object; gone again after %d requests", weight, len(answers))
		return nil
	}
	text := fmt.Sprintf("weight %d: measured %.1f %% of %d requests", weight, measured, len(answers))
	s.Figures.Shares = append(s.Figures.Shares, text)
	if math.Abs(measured-float64(weight)) > 2 {
		return fmt.Errorf("%s", text)
	}
	s.observe("%s", text)
	return nil
}

// promote ends the pause without a duration, as a person would.
func (s *Story) promote(ctx context.Context) error {
	err := s.until(ctx, 20*time.Second, "paused", func() (bool, string) {
		r := s.rollout(ctx, production)
		return r.Status.Phase == v1alpha1.RolloutPhasePaused && len(r.Status.PauseConditions) > 0, describe(r)
	})
	if err != nil {
		return err
	}
	if a := s.application(ctx); a.sync != "Synced" || a.health != "Suspended" {
		return fmt.Errorf("while the rollout is paused the agent shows %s", a)
	}
	output, err := s.Cluster.Kubectl(ctx, "argo", "rollouts", "promote", "payments-api", "-n", production)
	if err != nil {
		return err
	}
	s.observe("paused, Synced and Suspended; kubectl argo rollouts promote payments-api: %s", output)
	return nil
}

// promoted observes the end of a good update.
func (s *Story) promoted(ctx context.Context, from time.Time, now revision) error {
	err := s.until(ctx, time.Minute, "the rollout is Healthy", func() (bool, string) {
		r := s.rollout(ctx, production)
		return r.Status.Phase == v1alpha1.RolloutPhaseHealthy && r.Status.StableRS == now.hash, describe(r)
	})
	if err == nil {
		err = s.synced(ctx, now.commit)
	}
	if err != nil {
		return err
	}
	err = s.until(ctx, 10*time.Second, "every AnalysisRun is Successful", func() (bool, string) {
		for _, r := range s.runs(from) {
			if r.Status.Phase != v1alpha1.AnalysisPhaseSuccessful {
				return false, fmt.Sprintf("%s is %s: %s, terminate %v", r.Name, r.Status.Phase, r.Status.Message, r.Spec.Terminate)
			}
		}
		return true, ""
	})
	if err != nil {
		return err
	}
	for _, r := range s.runs(from) {
		s.observe("AnalysisRun %s is Successful, last measurement %s", r.Name, lastValue(r))
	}
	if n := len(s.runs(from)); n != 2 {
		return fmt.Errorf("%d AnalysisRuns instead of one in the background and one inline", n)
	}
	begin := time.Now()
	err = s.until(ctx, 20*time.Second, "all is answered by "+now.tag, func() (bool, string) {
		answers := s.Load.Since(begin, "customers")
		if len(answers) > rate {
			answers = answers[len(answers)-rate:]
		}
		return len(answers) == rate && Share(answers, now.tag) == 100, fmt.Sprint(Counts(answers))
	})
	if err != nil {
		return err
	}
	answers := s.Load.Since(from, "")
	if failed := failures(answers); failed > 0 {
		return fmt.Errorf("%d of %d requests failed: %v", failed, len(answers), Counts(answers))
	}
	s.observe("Synced and Healthy, all requests are answered by %s; 0 of %d failed since the merge", now.tag, len(answers))
	return nil
}

func failures(answers []Answer) (n int) {
	for _, a := range answers {
		if a.Lost() || a.Status != http.StatusOK {
			n++
		}
	}
	return n
}

// runs are the AnalysisRuns in production that were seen since a moment, each as it was last.
func (s *Story) runs(from time.Time) []*v1alpha1.AnalysisRun { return s.runsIn(production, from) }

func (s *Story) runsIn(namespace string, from time.Time) (all []*v1alpha1.AnalysisRun) {
	at := map[string]int{}
	for _, sighting := range since[*v1alpha1.AnalysisRun](s.Recorder, from, namespace) {
		r := sighting.Object.(*v1alpha1.AnalysisRun)
		if r.CreationTimestamp.Add(time.Second).Before(from) {
			continue
		}
		i, found := at[r.Name]
		if !found {
			i = len(all)
			at[r.Name] = i
			all = append(all, nil)
		}
		all[i] = r
	}
	return all
}

func lastValue(r *v1alpha1.AnalysisRun) string {
	for _, m := range r.Status.MetricResults {
		if n := len(m.Measurements); n > 0 {
			return m.Measurements[n-1].Value
		}
	}
	return "none"
}
