package witness

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const (
	mended = "1.4.5"
	worse  = "1.4.6"
)

// revert merges a new image into the rolled-back state, then a bad one, and reverts that in Git.
func (w *Witness) revert(ctx context.Context) error {
	return together(
		func() error { return w.main.anew(ctx) },
		func() error { return w.same.anew(ctx) },
	)
}

func (s *subject) anew(ctx context.Context) error {
	start := time.Now()
	commit, err := s.push(ctx, mended, false)
	if err != nil {
		return err
	}
	begun, err := s.rollout(ctx, start, "a new rollout", func(r rolloutState) bool {
		return !r.Status.Abort && r.serves(mended) && r.Status.CurrentPodHash != r.Status.StableRS && r.at(v1alpha1.RolloutPhaseProgressing)
	})
	if err != nil {
		return err
	}
	if s.column == withSluice {
		if _, err := s.app(ctx, begun.at, "Synced while it runs", func(a app) bool {
			return a.is("Synced", "Progressing", "Suspended") && a.Status.Sync.Revision == commit
		}); err != nil {
			return err
		}
	}
	if err := s.promoted(ctx, begun.at, mended); err != nil {
		return err
	}
	s.w.observe("%s: a new image after a rollback started a new rollout, which was promoted", s.name)
	if s.column == withSluice {
		err = s.rolledBack(ctx, 0, worse, mended)
	} else {
		err = s.acceptedSilently(ctx, 0, worse)
	}
	if err != nil {
		return err
	}
	return s.reverted(ctx)
}

// serves says whether an image is the one that the spec wants.
func (r rolloutState) serves(image string) bool {
	return strings.HasSuffix(r.Spec.Template.Spec.Containers[0].Image, ":"+image)
}

// promoted waits for the last step, lets it go on, and waits until an image serves everything.
func (s *subject) promoted(ctx context.Context, start time.Time, image string) error {
	if err := s.waits(ctx, start, image); err != nil {
		return err
	}
	if err := s.cli(ctx, "promote"); err != nil {
		return err
	}
	return s.healthy(ctx, start, image)
}

// waits is the pause at the end of the steps.
func (s *subject) waits(ctx context.Context, start time.Time, image string) error {
	_, err := s.rollout(ctx, start, image+" waits at the last step", func(r rolloutState) bool {
		return r.serves(image) && r.at(v1alpha1.RolloutPhasePaused) && len(r.Status.PauseConditions) > 0 && r.Status.CurrentStepIndex != nil && *r.Status.CurrentStepIndex == 4
	})
	return err
}

func (s *subject) healthy(ctx context.Context, start time.Time, image string) error {
	done, err := s.rollout(ctx, start, image+" is promoted", func(r rolloutState) bool {
		return r.serves(image) && r.at(v1alpha1.RolloutPhaseHealthy) && r.Status.StableRS == r.Status.CurrentPodHash
	})
	if err != nil {
		return err
	}
	_, err = s.app(ctx, done.at, "Healthy", func(a app) bool { return a.is(a.Status.Sync.Status, "Healthy") })
	return err
}

// reverted is git revert: Synced and Healthy, and nothing ran for it.
func (s *subject) reverted(ctx context.Context) error {
	start := time.Now()
	commit, err := s.repository.Revert(ctx)
	if err != nil {
		return err
	}
	s.w.verdicts.set(s.name, false)
	s.image = mended
	if err := s.refresh(ctx, s.name, "normal"); err != nil {
		return err
	}
	done, err := s.state(ctx, start, "Synced", "Healthy", commit)
	if err != nil {
		return err
	}
	if err := s.unmoved(start); err != nil {
		return fmt.Errorf("git revert: %w", err)
	}
	s.w.figure("%s: git revert to Synced and Healthy: %s, no step run", s.name, seconds(done.at.Sub(start)))
	s.w.cell(5, s.column, "Synced and Healthy %s after the revert, no step run; a new image starts a new rollout", seconds(done.at.Sub(start)))
	if s == s.w.main {
		return s.w.document(ctx, s, "After git revert")
	}
	return nil
}
