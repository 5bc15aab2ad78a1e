package story

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const shares = "shares"

var counted2000 = Stream{Name: "shares", Host: "shares.example.com", Method: "GET"}

// Shares counts 2,000 requests at each of three weights, then sends at least 20,000 across a promotion and a rollback.
func (s *Story) Shares(ctx context.Context) error {
	return s.tell(11, "Shares, and 20,000 requests", func() error { return s.countShares(ctx) })
}

func (s *Story) countShares(ctx context.Context) error {
	text, err := s.read("shares.yaml")
	if err == nil {
		err = s.Cluster.Apply(ctx, text)
	}
	if err == nil {
		err = s.phase(ctx, v1alpha1.RolloutPhaseHealthy, "")
	}
	if err == nil {
		err = s.settled(ctx, "1.4.2")
	}
	if err != nil {
		return err
	}
	if err := s.setImage(ctx, "1.4.3"); err != nil {
		return err
	}
	for i, weight := range []float64{5, 20, 50} {
		if err := s.phase(ctx, v1alpha1.RolloutPhasePaused, fmt.Sprint(2*i+1)); err != nil {
			return err
		}
		time.Sleep(time.Second) // the proxy hears of a weight a moment later
		var answers []Answer
		for range 2000 {
			answers = append(answers, s.Load.Ask(ctx, counted2000))
		}
		share := Share(answers, "1.4.3")
		if failed := failures(answers); failed > 0 || math.Abs(share-weight) > 1 {
			return fmt.Errorf("weight %g: %.2f %% of 2,000 requests, %d failed", weight, share, failed)
		}
		s.observe("weight %g: %.2f %% of 2,000 requests", weight, share)
		if weight != 50 {
			if err := s.command(ctx, "promote", "payments-api"); err != nil {
				return err
			}
		}
	}
	return s.twentyThousand(ctx)
}

// twentyThousand sends as fast as eight clients can, while one revision is promoted and the next is taken back.
func (s *Story) twentyThousand(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mutex sync.Mutex
	var answers []Answer
	count := func() int { mutex.Lock(); defer mutex.Unlock(); return len(answers) }
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for ctx.Err() == nil {
				a := s.Load.Ask(ctx, counted2000)
				if ctx.Err() == nil {
					mutex.Lock()
					answers = append(answers, a)
					mutex.Unlock()
				}
			}
		})
	}
	err := s.promotionAndRollback(ctx)
	if err == nil {
		err = s.until(ctx, 2*time.Minute, "20,000 requests", func() (bool, string) { return count() >= 20000, fmt.Sprint(count()) })
	}
	cancel()
	clients.Wait()
	if err != nil {
		return err
	}
	if failed := failures(answers); failed > 0 {
		return fmt.Errorf("%d of %d requests failed across a promotion and a rollback: %s", failed, len(answers), versions(answers))
	}
	s.observe("0 of %d requests failed across a promotion and a rollback (%s)", len(answers), versions(answers))
	return nil
}

func (s *Story) promotionAndRollback(ctx context.Context) error {
	if err := s.command(ctx, "promote", "payments-api"); err != nil {
		return err
	}
	if err := s.phase(ctx, v1alpha1.RolloutPhaseHealthy, "6"); err != nil {
		return err
	}
	if err := s.settled(ctx, "1.4.3"); err != nil {
		return err
	}
	if err := s.setImage(ctx, "1.4.2"); err != nil { // a good version: what fails is not its own doing
		return err
	}
	for _, index := range []string{"1", "3"} {
		if err := s.phase(ctx, v1alpha1.RolloutPhasePaused, index); err != nil {
			return err
		}
		if err := s.command(ctx, "promote", "payments-api"); err != nil {
			return err
		}
	}
	if err := s.phase(ctx, v1alpha1.RolloutPhasePaused, "5"); err != nil {
		return err
	}
	if err := s.command(ctx, "abort", "payments-api"); err != nil {
		return err
	}
	if err := s.phase(ctx, v1alpha1.RolloutPhaseDegraded, ""); err != nil {
		return err
	}
	if err := s.settled(ctx, "1.4.3"); err != nil {
		return err
	}
	// The canary's pods outlive the abort by 30 s; their end is part of it.
	return s.until(ctx, time.Minute, "the canary is scaled down", func() (bool, string) {
		r := s.rollout(ctx, shares)
		return r.Status.Replicas == 3 && r.Status.UpdatedReplicas == 0, fmt.Sprintf("%d replicas, %d updated", r.Status.Replicas, r.Status.UpdatedReplicas)
	})
}

func (s *Story) command(ctx context.Context, arguments ...string) error {
	_, err := s.Cluster.Kubectl(ctx, append(append([]string{"argo", "rollouts"}, arguments...), "-n", shares)...)
	return err
}

func (s *Story) setImage(ctx context.Context, version string) error {
	return s.command(ctx, "set", "image", "payments-api", image+version)
}

// phase waits for a phase, and for a step if it is not empty.
func (s *Story) phase(ctx context.Context, phase v1alpha1.RolloutPhase, step string) error {
	return s.until(ctx, time.Minute, "the Rollout is "+string(phase)+" "+step, func() (bool, string) {
		r := s.rollout(ctx, shares)
		at := ""
		if r.Status.CurrentStepIndex != nil {
			at = fmt.Sprint(*r.Status.CurrentStepIndex)
		}
		return r.Status.Phase == phase && (step == "" || step == at), describe(r)
	})
}

// settled waits until fifty requests in a row were answered by one version.
func (s *Story) settled(ctx context.Context, version string) error {
	return s.until(ctx, 30*time.Second, "all is answered by "+version, func() (bool, string) {
		for range 50 {
			if a := s.Load.Ask(ctx, counted2000); a.Version != version {
				return false, fmt.Sprintf("%q, status %d", a.Version, a.Status)
			}
		}
		return true, ""
	})
}
