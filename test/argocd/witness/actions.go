package witness

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// twin drives one Rollout, by Argo CD's resource actions or by our command line.
type twin struct {
	*subject
	byAction bool
	did      []string // what was done, and what came of it
}

// commands are the actions, as our command line has them.
var commands = map[string][]string{
	"abort": {"abort"}, "retry": {"retry"}, "resume": {"promote"}, "pause": {"pause"}, "restart": {"restart"},
	"skip-current-step": {"promote", "--skip-current-step"}, "promote-full": {"promote", "--full"},
}

// actions drives two Rollouts through the same story, one by actions and one by commands, and compares what they became.
func (w *Witness) actions(ctx context.Context) error {
	options := subjectOptions{kind: "canary", plugin: true}
	one, err := w.ours.subject(ctx, "by-action", 23104, options)
	if err != nil {
		return err
	}
	two, err := w.ours.subject(ctx, "by-command", 23105, options)
	if err != nil {
		return err
	}
	three, err := w.stock.subject(ctx, "by-action-stock", 23106, subjectOptions{kind: "canary"})
	if err != nil {
		return err
	}
	twins := []*twin{{subject: one, byAction: true}, {subject: two}, {subject: three, byAction: true}}
	var all []func() error
	for _, t := range twins {
		all = append(all, func() error { return t.drive(ctx) })
	}
	if err := together(all...); err != nil {
		return err
	}
	for i, did := range twins[0].did {
		if did != twins[1].did[i] {
			return fmt.Errorf("by action: %s; by command: %s", did, twins[1].did[i])
		}
		w.observe("action and command: %s", did)
	}
	w.cell(6, withSluice, "retry: Synced and Progressing; %d actions do what the command line does", len(commands))
	w.cell(6, stockSetup, "retry: Progressing; Argo CD's own actions do the same, and an abort stays Synced")
	return nil
}

// drive is the story: every action once, each from a state in which the menu offers it.
func (t *twin) drive(ctx context.Context) error {
	if err := t.healthy(ctx, t.w.begin, first); err != nil {
		return err
	}
	for _, chapter := range []func(context.Context) error{t.abortAndRetry, t.pauseAndSkip, t.promoteFull, t.restart} {
		if err := chapter(ctx); err != nil {
			return fmt.Errorf("%w; done before: %v", err, t.did)
		}
	}
	return nil
}

func (t *twin) abortAndRetry(ctx context.Context) error {
	start := time.Now()
	if _, err := t.push(ctx, "1.4.3", false); err != nil {
		return err
	}
	if err := t.waits(ctx, start, "1.4.3"); err != nil {
		return err
	}
	if err := t.do(ctx, "abort", func(r rolloutState) bool { return r.Status.Abort && r.at(v1alpha1.RolloutPhaseDegraded) }); err != nil {
		return err
	}
	sync := "OutOfSync"
	if t.column != withSluice {
		sync = "Synced"
	}
	if _, err := t.state(ctx, time.Now(), sync, "Degraded", ""); err != nil {
		return err
	}
	if err := t.settled(ctx); err != nil {
		return err
	}
	start = time.Now()
	if err := t.do(ctx, "retry", func(r rolloutState) bool { return !r.Status.Abort && r.at(v1alpha1.RolloutPhaseProgressing) }); err != nil {
		return err
	}
	if t.column == withSluice {
		if _, err := t.app(ctx, start, "Synced and Progressing after a retry", func(a app) bool { return a.is("Synced", "Progressing") }); err != nil {
			return err
		}
	}
	if err := t.waits(ctx, start, "1.4.3"); err != nil {
		return err
	}
	return t.do(ctx, "resume", func(r rolloutState) bool { return r.promoted() })
}

func (r rolloutState) promoted() bool {
	return r.at(v1alpha1.RolloutPhaseHealthy) && r.Status.StableRS == r.Status.CurrentPodHash
}

func (t *twin) pauseAndSkip(ctx context.Context) error {
	start := time.Now()
	if _, err := t.push(ctx, "1.4.5", false); err != nil {
		return err
	}
	if err := t.begins(ctx, start, "1.4.5"); err != nil {
		return err
	}
	if err := t.do(ctx, "pause", func(r rolloutState) bool { return r.Spec.Paused && r.at(v1alpha1.RolloutPhasePaused) }); err != nil {
		return err
	}
	if _, err := t.app(ctx, time.Now(), "Suspended", func(a app) bool { return a.is(a.Status.Sync.Status, "Suspended") }); err != nil {
		return err
	}
	start = time.Now()
	if err := t.do(ctx, "resume", func(r rolloutState) bool { return !r.Spec.Paused && r.at(v1alpha1.RolloutPhaseProgressing) }); err != nil {
		return err
	}
	if err := t.waits(ctx, start, "1.4.5"); err != nil {
		return err
	}
	return t.do(ctx, "skip-current-step", func(r rolloutState) bool { return r.promoted() })
}

func (t *twin) promoteFull(ctx context.Context) error {
	start := time.Now()
	if _, err := t.push(ctx, "1.4.7", false); err != nil {
		return err
	}
	if err := t.begins(ctx, start, "1.4.7"); err != nil {
		return err
	}
	return t.do(ctx, "promote-full", func(r rolloutState) bool { return r.promoted() && r.serves("1.4.7") })
}

func (t *twin) restart(ctx context.Context) error {
	return t.do(ctx, "restart", func(r rolloutState) bool {
		return r.Spec.RestartAt != nil && r.Status.RestartedAt != nil && r.Spec.RestartAt.Equal(r.Status.RestartedAt) && r.promoted()
	})
}

// begins waits until a rollout of an image has begun, and Argo CD has written it.
func (t *twin) begins(ctx context.Context, start time.Time, image string) error {
	_, err := t.rollout(ctx, start, image+" begins", func(r rolloutState) bool {
		return r.serves(image) && r.at(v1alpha1.RolloutPhaseProgressing) && r.Status.CurrentPodHash != r.Status.StableRS
	})
	return err
}

// do runs one action and waits for what it is to bring about.
func (t *twin) do(ctx context.Context, verb string, so func(rolloutState) bool) error {
	start := time.Now()
	if t.byAction {
		err := t.w.until(ctx, limit, "the menu offers "+verb, func() (bool, string) {
			enabled, err := t.argo.actions(ctx, t.name, t.name, rolloutName)
			return enabled[verb], fmt.Sprintf("%v %v", enabled, err)
		})
		if err != nil {
			return err
		}
		if err := t.act(ctx, t.name, t.name, rolloutName, verb); err != nil {
			return err
		}
	} else {
		command := commands[verb]
		if err := t.cli(ctx, command[0], command[1:]...); err != nil {
			return err
		}
	}
	became, err := t.rollout(ctx, start, "after "+verb, func(r rolloutState) bool { return so(r) })
	if err != nil {
		return err
	}
	t.did = append(t.did, fmt.Sprintf("%s: %s, abort %t, paused %t, pause conditions %d", verb, became.is.Status.Phase, became.is.Status.Abort,
		became.is.Spec.Paused, len(slices.Clone(became.is.Status.PauseConditions))))
	return nil
}
