package witness

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// merge brings up the same Application in Argo CD's other ways to compare, and merges a good revision into all.
func (w *Witness) merge(ctx context.Context) error {
	apply, err := w.ours.subject(ctx, "payments-ssa", 23102, subjectOptions{
		kind: "canary", plugin: true, syncOptions: "ServerSideApply=true, RespectIgnoreDifferences=true",
	})
	if err != nil {
		return err
	}
	diff, err := w.ours.subject(ctx, "payments-ssd", 23103, subjectOptions{
		kind: "canary", plugin: true, annotations: "argocd.argoproj.io/compare-options: ServerSideDiff=true",
	})
	if err != nil {
		return err
	}
	for _, s := range []*subject{apply, diff} {
		if _, err := s.state(ctx, w.begin, "Synced", "Healthy", ""); err != nil {
			return err
		}
	}
	all := []*subject{w.main, apply, diff}
	ways := []string{"client-side", "ServerSideApply=true", "server-side diff"}
	var told []func() error
	for i, s := range all {
		told = append(told, func() error { return s.canary(ctx, ways[i]) })
	}
	told = append(told, func() error { return w.same.stockCanary(ctx) })
	if err := together(told...); err != nil {
		return err
	}
	w.cell(1, withSluice, "Synced from the first step to the last, Progressing and Suspended, in all three ways to compare")
	return w.byHand(ctx)
}

// steps is a merge followed to the pause at the end of the steps, then promoted.
func (s *subject) steps(ctx context.Context) (merged, synced, done time.Time, err error) {
	merged = time.Now()
	commit, err := s.push(ctx, good, false)
	if err != nil {
		return
	}
	one, err := s.app(ctx, merged, "the merge is synced", func(a app) bool {
		o := a.Status.OperationState
		return o != nil && o.Phase == "Succeeded" && o.SyncResult != nil && o.SyncResult.Revision == commit
	})
	if err != nil {
		return
	}
	// Argo CD compares once more after a sync; until then it shows the state before.
	if one, err = s.app(ctx, one.at, "compared after the sync", func(a app) bool { return a.is("Synced") }); err != nil {
		return
	}
	synced = one.at
	_, err = s.rollout(ctx, synced, "waits at the last step", func(r rolloutState) bool {
		return r.at(v1alpha1.RolloutPhasePaused) && len(r.Status.PauseConditions) > 0 && r.Status.CurrentStepIndex != nil && *r.Status.CurrentStepIndex == 4
	})
	if err != nil {
		return
	}
	if _, err = s.app(ctx, synced, "Suspended", func(a app) bool { return a.is(a.Status.Sync.Status, "Suspended") }); err != nil {
		return
	}
	if s == s.w.main {
		if err = s.w.document(ctx, s, "A canary waits for a person"); err != nil {
			return
		}
	}
	if err = s.cli(ctx, "promote"); err != nil {
		return
	}
	_, err = s.rollout(ctx, time.Now(), "Healthy", func(r rolloutState) bool {
		return r.at(v1alpha1.RolloutPhaseHealthy) && r.Status.StableRS == r.Status.CurrentPodHash && strings.HasSuffix(r.Spec.Template.Spec.Containers[0].Image, good)
	})
	if err != nil {
		return
	}
	_, err = s.app(ctx, time.Now(), "Healthy", func(a app) bool { return a.is(a.Status.Sync.Status, "Healthy") })
	return merged, synced, time.Now(), err
}

func (s *subject) canary(ctx context.Context, way string) error {
	merged, synced, done, err := s.steps(ctx)
	if err != nil {
		return err
	}
	words := map[string]bool{}
	samples := s.apps.since(synced)
	for _, one := range samples {
		if one.is.Status.Sync.Status != "Synced" {
			differences, _ := s.differences(ctx)
			return fmt.Errorf("%s (%s): %s after the merge: %s\n%s", s.name, way, seconds(one.at.Sub(merged)), one.is, differences)
		}
		words[one.is.Status.Health.Status] = true
	}
	for _, health := range []string{"Progressing", "Suspended", "Healthy"} {
		if !words[health] {
			return fmt.Errorf("%s (%s): never %s in %d changes of the Application", s.name, way, health, len(samples))
		}
	}
	s.w.figure("%s (%s): %s of steps, %d changes of the Application seen, all Synced", s.name, way, seconds(done.Sub(synced)), len(samples))
	return nil
}

func (s *subject) stockCanary(ctx context.Context) error {
	_, synced, done, err := s.steps(ctx)
	if err != nil {
		return err
	}
	count, what := 0, map[string]bool{}
	for _, one := range s.apps.since(synced) {
		if one.at.Before(done) && !one.is.is("Synced") {
			count++
			for _, name := range one.is.outOfSync() {
				what[name] = true
			}
		}
	}
	var names []string
	for name := range what {
		names = append(names, name)
	}
	if count == 0 {
		s.w.cell(1, stockSetup, "Synced")
		return nil
	}
	s.w.observe("%s: OutOfSync in %d of the changes of the Application seen, because of %s; selfHeal wrote the weights of Git %d times",
		s.name, count, strings.Join(names, ", "), s.syncs(synced))
	s.w.cell(1, stockSetup, "OutOfSync because of weights (%s); selfHeal set the weights of Git %d times during the steps", strings.Join(names, ", "), s.syncs(synced))
	return nil
}

// byHand changes a weight that no Rollout sets: it has to show, and selfHeal has to put it back.
func (w *Witness) byHand(ctx context.Context) error {
	start := time.Now()
	const patch = `[{"op":"replace","path":"/spec/http/0/route/0/weight","value":50},{"op":"replace","path":"/spec/http/0/route/1/weight","value":50}]`
	if err := w.main.kubectl(ctx, "patch", "virtualservice", "by-hand", "--type", "json", "-p", patch); err != nil {
		return err
	}
	one, err := w.main.app(ctx, start, "a weight changed by hand shows", func(a app) bool {
		differ := a.outOfSync()
		return len(differ) == 1 && differ[0] == "VirtualService by-hand"
	})
	if err != nil {
		return err
	}
	w.figure("a weight changed by hand on a VirtualService of nobody's: OutOfSync after %s", seconds(one.at.Sub(start)))
	_, err = w.main.app(ctx, one.at, "selfHeal put it back", func(a app) bool { return a.is("Synced", "Healthy") })
	return err
}

// differences is what Argo CD compares, for an error.
func (s *subject) differences(ctx context.Context) (string, error) {
	answer := struct {
		Items []struct{ Kind, Name, NormalizedLiveState, PredictedLiveState string }
	}{}
	err := s.call(ctx, "GET", applications+s.name+"/managed-resources", nil, &answer)
	var b strings.Builder
	for _, r := range answer.Items {
		if r.NormalizedLiveState != r.PredictedLiveState {
			fmt.Fprintf(&b, "%s %s\nlive      %s\npredicted %s\n", r.Kind, r.Name, r.NormalizedLiveState, r.PredictedLiveState)
		}
	}
	return b.String(), err
}
