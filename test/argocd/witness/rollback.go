package witness

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const (
	good = "1.4.3"
	bad  = "1.4.4"
)

func (r rolloutState) at(phase v1alpha1.RolloutPhase) bool { return r.Status.Phase == phase }

// rollback merges a bad revision on both sides and waits for what Argo CD makes of it.
func (w *Witness) rollback(ctx context.Context) error {
	return together(
		func() error { return w.main.rolledBack(ctx, 2, bad, good) },
		func() error { return w.same.acceptedSilently(ctx, 2, bad) },
	)
}

// rolledBack merges a bad image: OutOfSync and Degraded in time, and the message says which and why.
func (s *subject) rolledBack(ctx context.Context, point int, wanted, serving string) error {
	start := time.Now()
	commit, err := s.push(ctx, wanted, true)
	if err != nil {
		return err
	}
	aborted, err := s.rollout(ctx, start, "aborted", func(r rolloutState) bool { return r.Status.Abort })
	if err != nil {
		return err
	}
	s.aborted = aborted.at
	shown, err := s.state(ctx, aborted.at, "OutOfSync", "Degraded", commit)
	if err != nil {
		return err
	}
	took := shown.at.Sub(aborted.at)
	s.w.figure("%s: abort to OutOfSync and Degraded: %s", s.name, seconds(took))
	if took > toShow {
		return fmt.Errorf("%s: OutOfSync and Degraded %s after the abort; %s is the limit", s.name, seconds(took), toShow)
	}
	if differ := shown.is.outOfSync(); !slices.Equal(differ, []string{"Rollout " + rolloutName}) {
		return fmt.Errorf("%s: OutOfSync are %v; only the Rollout should be", s.name, differ)
	}
	message, err := s.message(ctx, "payments-api:"+wanted, "payments-api:"+serving, "success-rate", badRate)
	if err != nil {
		return err
	}
	s.w.observe("%s: health says: %s", s.name, message)
	s.w.cell(point, s.column, "OutOfSync and Degraded %s after the abort; the message names wanted and serving image, metric and value", seconds(took))
	if err := s.settled(ctx); err != nil {
		return err
	}
	return s.w.document(ctx, s, "After a failed analysis")
}

// message waits until the health of the Rollout, in the tree, is Degraded and has all the words.
func (s *subject) message(ctx context.Context, words ...string) (text string, err error) {
	err = s.w.until(ctx, limit, s.name+": the health message has "+strings.Join(words, ", "), func() (bool, string) {
		status, message, err := s.rolloutHealth(ctx, s.name)
		text = message
		for _, word := range words {
			if !strings.Contains(message, word) {
				return false, fmt.Sprintf("%s %q %v", status, message, err)
			}
		}
		return status == "Degraded", status
	})
	return text, err
}

// acceptedSilently merges a bad image and sees a stock Argo CD accept it: Synced and Degraded.
func (s *subject) acceptedSilently(ctx context.Context, point int, wanted string) error {
	start := time.Now()
	commit, err := s.push(ctx, wanted, true)
	if err != nil {
		return err
	}
	aborted, err := s.rollout(ctx, start, "aborted", func(r rolloutState) bool { return r.Status.Abort })
	if err != nil {
		return err
	}
	s.aborted = aborted.at
	shown, err := s.app(ctx, aborted.at, "Degraded", func(a app) bool { return a.is(a.Status.Sync.Status, "Degraded") && a.Status.Sync.Revision == commit })
	if err != nil {
		return err
	}
	if err := s.settled(ctx); err != nil {
		return err
	}
	synced, err := s.state(ctx, aborted.at, "Synced", "Degraded", commit)
	if err != nil {
		return err
	}
	status, message, err := s.rolloutHealth(ctx, s.name)
	if err != nil {
		return err
	}
	s.w.observe("%s: %s after %s; health %s: %s", s.name, synced.is, seconds(shown.at.Sub(aborted.at)), status, message)
	images := "names neither the wanted nor the serving image"
	if strings.Contains(message, "payments-api:"+wanted) {
		images = "names the wanted image"
	}
	s.w.cell(point, s.column, "Synced and Degraded; the message %s", images)
	return nil
}

// attempts leaves selfHeal on until Argo CD has tried seven times.
func (w *Witness) attempts(ctx context.Context) error {
	start, since := time.Now(), w.main.aborted
	_, err := w.main.app(ctx, start, "seven attempts of selfHeal", func(a app) bool {
		o := a.Status.OperationState
		return o != nil && o.Operation.Sync != nil && o.Operation.Sync.AutoHealAttemptsCount >= healAttempts && o.Phase == "Succeeded"
	})
	if err != nil {
		return err
	}
	for _, s := range []*subject{w.main, w.same} {
		if err := s.unmoved(start); err != nil {
			return err
		}
	}
	for _, one := range w.same.apps.since(start) {
		if !one.is.is("Synced", "Degraded") {
			return fmt.Errorf("%s: %s; a stock Argo CD was expected to show nothing", w.same.name, one.is)
		}
	}
	w.figure("selfHeal: %d syncs in %s (Argo CD's own settings make %d of them in 10 minutes), changes of ReplicaSets: none",
		w.main.syncs(since), seconds(time.Since(since)), healAttempts)
	w.cell(3, withSluice, "%d syncs by selfHeal, ReplicaSets changed: 0, new AnalysisRuns: 0", w.main.syncs(since))
	w.cell(3, stockSetup, "%d syncs in the same time, ReplicaSets changed: 0; Synced all the while", w.same.syncs(w.same.aborted))
	_, err = w.main.state(ctx, time.Now(), "OutOfSync", "Degraded", "")
	return err
}

// unmoved is an error when anything ran, stopped or was measured since a time.
func (s *subject) unmoved(start time.Time) error {
	if changes := s.scaled(start); len(changes) > 0 {
		return fmt.Errorf("%s: ReplicaSets changed: %s", s.name, strings.Join(changes, ", "))
	}
	if n := s.analyses(start); n > 0 {
		return fmt.Errorf("%s: %d AnalysisRuns were made", s.name, n)
	}
	return nil
}

// restarts restarts everything in the rolled-back state, and upgrades the controller.
func (w *Witness) restarts(ctx context.Context) error {
	start := time.Now()
	both := func(part string) error {
		return together(func() error { return w.ours.restart(ctx, part) }, func() error { return w.stock.restart(ctx, part) })
	}
	for _, one := range []struct {
		what    string
		restart func() error
	}{
		{"application controllers", func() error { return both(appControl) }},
		{"repo-servers", func() error { return both(repoServer) }},
		{"plugin", func() error { return w.ours.restart(ctx, plugin) }},
		{"Sluice's controller", func() error { return w.replaceController(ctx, filepath.Join(w.Bin, controllerName)) }},
		{"Sluice's controller, upgraded to another version", func() error { return w.replaceController(ctx, w.Next) }},
	} {
		begin := time.Now()
		if err := one.restart(); err != nil {
			return err
		}
		took := time.Since(begin)
		if err := w.looksAgain(ctx); err != nil {
			return fmt.Errorf("%s restarted: %w", one.what, err)
		}
		w.observe("%s restarted in %s: OutOfSync and Degraded as before; stock: Synced and Degraded", one.what, seconds(took))
	}
	for _, s := range []*subject{w.main, w.same} {
		if err := s.unmoved(start); err != nil {
			return err
		}
	}
	w.cell(4, withSluice, "OutOfSync and Degraded after each of five restarts, ReplicaSets changed: 0")
	w.cell(4, stockSetup, "Synced and Degraded after each, ReplicaSets changed: 0")
	return nil
}

func (w *Witness) replaceController(ctx context.Context, program string) error {
	w.stopProcess(controllerName)
	return w.startController(ctx, program)
}

// looksAgain makes both Argo CDs render and compare anew: what is answered was found after that.
func (w *Witness) looksAgain(ctx context.Context) error {
	again := func(s *subject, sync string) func() error {
		return func() error {
			return w.until(ctx, limit, s.name+": "+sync+" and Degraded, compared anew", func() (bool, string) {
				now := app{}
				err := s.call(ctx, "GET", applications+s.name+"?refresh=hard", nil, &now)
				return err == nil && now.is(sync, "Degraded"), fmt.Sprint(now, err)
			})
		}
	}
	return together(again(w.main, "OutOfSync"), again(w.same, "Synced"))
}
