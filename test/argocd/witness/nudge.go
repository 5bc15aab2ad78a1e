package witness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// nudges does what makes Argo CD write Git's value of the mirror once more, with selfHeal off so that nothing else does.
func (w *Witness) nudges(ctx context.Context) error {
	off := merge(`{"spec": {"syncPolicy": {"automated": {"selfHeal": false}}}}`)
	for _, s := range []*subject{w.main, w.same} {
		if err := s.patch(ctx, s.name, off); err != nil {
			return err
		}
	}
	start := time.Now()
	err := together(
		func() error {
			return w.main.nudge(ctx, "Sync pressed", func() error { return w.main.sync(ctx, w.main.name) })
		},
		func() error { return w.same.sync(ctx, w.same.name) },
	)
	if err != nil {
		return err
	}
	elsewhere := func(s *subject) func() error {
		return func() error {
			_, err := s.repository.Commit(ctx, "words", func(clone string) error {
				return os.WriteFile(filepath.Join(clone, "README.md"), []byte("Payments.\n"), 0o600)
			})
			if err != nil {
				return err
			}
			return s.refresh(ctx, s.name, "normal")
		}
	}
	err = together(
		func() error { return w.main.nudge(ctx, "a commit in another folder", elsewhere(w.main)) },
		elsewhere(w.same),
	)
	if err != nil {
		return err
	}
	err = w.main.nudge(ctx, "a parameter changed", func() error {
		return w.main.patch(ctx, w.main.name, merge(`{"spec": {"source": {"plugin": {"parameters": [{"name": "allowEmpty", "string": "false"}]}}}}`))
	})
	if err != nil {
		return err
	}
	for _, s := range []*subject{w.main, w.same} {
		if err := s.unmoved(start); err != nil {
			return err
		}
		if err := s.patch(ctx, s.name, merge(`{"spec": {"syncPolicy": {"automated": {"selfHeal": true}}}}`)); err != nil {
			return err
		}
	}
	if _, err := w.same.state(ctx, time.Now(), "Synced", "Degraded", ""); err != nil {
		return err
	}
	w.cell(7, withSluice, "ReplicaSets changed: 0")
	w.cell(7, stockSetup, "Synced and Degraded before and after, ReplicaSets changed: 0")
	return nil
}

// nudge waits for a sync to begin and to end, and then for OutOfSync again.
func (s *subject) nudge(ctx context.Context, what string, act func() error) error {
	if _, err := s.state(ctx, time.Now(), "OutOfSync", "Degraded", ""); err != nil {
		return err
	}
	start := time.Now()
	before := s.apps.now().operation()
	if err := act(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	synced, err := s.app(ctx, start, what+": a sync has ended", func(a app) bool {
		return a.operation().After(before) && a.Status.OperationState.Phase == "Succeeded"
	})
	if err != nil {
		return err
	}
	mirrored, err := s.rollout(ctx, start, what+": Argo CD wrote Git's value of the mirror", func(r rolloutState) bool {
		return r.Annotations[v1alpha1.ServingAnnotation] == v1alpha1.ServingDesired
	})
	if err != nil {
		return err
	}
	if _, err = s.rollout(ctx, mirrored.at, what+": the controller wrote its own again", func(r rolloutState) bool {
		return r.Annotations[v1alpha1.ServingAnnotation] == v1alpha1.ServingRolledBack
	}); err != nil {
		return err
	}
	// What Argo CD showed before the sync was OutOfSync, too: only a comparison that was made now counts.
	err = s.w.until(ctx, limit, s.name+": "+what+": OutOfSync again", func() (bool, string) {
		now := app{}
		err := s.call(ctx, "GET", applications+s.name+"?refresh=normal", nil, &now)
		return err == nil && now.is("OutOfSync", "Degraded"), fmt.Sprint(now, err)
	})
	if err != nil {
		return err
	}
	took := time.Since(synced.at)
	s.w.figure("%s: OutOfSync again %s after the sync", what, seconds(took))
	s.w.cell(7, s.column, "%s: OutOfSync again after %s", what, seconds(took))
	if took > toShow {
		return fmt.Errorf("%s: OutOfSync %s after the sync; %s is the limit", what, seconds(took), toShow)
	}
	return nil
}
