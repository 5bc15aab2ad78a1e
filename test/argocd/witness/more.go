package witness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// blueGreen is the same for a failed analysis after the switch.
func (w *Witness) blueGreen(ctx context.Context) error {
	one, err := w.ours.subject(ctx, "blue-green", 23107, subjectOptions{kind: "bluegreen", plugin: true})
	if err != nil {
		return err
	}
	two, err := w.stock.subject(ctx, "blue-green-stock", 23108, subjectOptions{kind: "bluegreen"})
	if err != nil {
		return err
	}
	return together(
		func() error {
			if err := one.switched(ctx); err != nil {
				return err
			}
			if err := one.rolledBack(ctx, 8, bad, good); err != nil {
				return err
			}
			return one.servesStable(ctx)
		},
		func() error {
			if err := two.switched(ctx); err != nil {
				return err
			}
			if err := two.acceptedSilently(ctx, 8, bad); err != nil {
				return err
			}
			return two.servesStable(ctx)
		},
	)
}

// switched merges a good image and waits until it is active.
func (s *subject) switched(ctx context.Context) error {
	if _, err := s.state(ctx, s.w.begin, "Synced", "Healthy", ""); err != nil {
		return err
	}
	start := time.Now()
	commit, err := s.push(ctx, good, false)
	if err != nil {
		return err
	}
	if err := s.healthy(ctx, start, good); err != nil {
		return err
	}
	_, err = s.state(ctx, start, "Synced", "Healthy", commit)
	return err
}

// servesStable is an error unless the active Service has the stable revision.
func (s *subject) servesStable(ctx context.Context) error {
	service, rollout := &corev1.Service{}, &v1alpha1.Rollout{}
	if err := s.w.cluster.Get(ctx, client.ObjectKey{Namespace: s.name, Name: rolloutName}, rollout); err != nil {
		return err
	}
	if err := s.w.cluster.Get(ctx, client.ObjectKey{Namespace: s.name, Name: rolloutName + "-active"}, service); err != nil {
		return err
	}
	if hash := service.Spec.Selector[v1alpha1.DefaultRolloutUniqueLabelKey]; hash != rollout.Status.StableRS {
		return fmt.Errorf("%s: the active Service has %s, stable is %s", s.name, hash, rollout.Status.StableRS)
	}
	s.w.observe("%s: the active Service has the stable revision", s.name)
	return nil
}

// silent turns the mirror off: Argo CD says what a stock one says, and the message still tells.
func (w *Witness) silent(ctx context.Context) error {
	s, err := w.ours.subject(ctx, "payments-silent", 23109, subjectOptions{kind: "canary", plugin: true, parameters: `{name: surfaceRollback, string: "false"}`})
	if err != nil {
		return err
	}
	if _, err := s.state(ctx, w.begin, "Synced", "Healthy", ""); err != nil {
		return err
	}
	if err := s.acceptedSilently(ctx, 9, bad); err != nil {
		return err
	}
	if _, told := s.rollouts.now().Annotations[v1alpha1.ServingAnnotation]; told {
		return fmt.Errorf("%s: the annotation %s is there", s.name, v1alpha1.ServingAnnotation)
	}
	_, err = s.message(ctx, "payments-api:"+bad, "payments-api:"+first, "success-rate", badRate)
	return err
}

// mistakes puts something wrong into Git and reads Argo CD's error box.
func (w *Witness) mistakes(ctx context.Context) error {
	s, start, line := w.main, time.Now(), ""
	_, err := s.repository.Commit(ctx, "a weight that cannot be", func(clone string) error {
		file := filepath.Join(clone, "deploy", "rollout.yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		before, after, _ := strings.Cut(string(text), "setWeight: 20")
		line = fmt.Sprintf("deploy/rollout.yaml:%d:", 1+strings.Count(before, "\n"))
		return os.WriteFile(file, []byte(before+"setWeight: 2000"+after), 0o600)
	})
	if err != nil {
		return err
	}
	if err := s.refresh(ctx, s.name, "normal"); err != nil {
		w.note("refresh: %v", err)
	}
	box := ""
	shown, err := s.app(ctx, start, "an error that names "+line+" and the path", func(a app) bool {
		for _, c := range a.Status.Conditions {
			if box = c.Message; c.Type == "ComparisonError" && strings.Contains(box, line) && strings.Contains(box, "steps[1].setWeight: Invalid value: 2000") {
				return true
			}
		}
		return false
	})
	if err != nil {
		return err
	}
	w.figure("a mistake in Git to Argo CD's error box: %s", seconds(shown.at.Sub(start)))
	w.observe("%s", box)
	if err := w.document(ctx, s, "A mistake in Git"); err != nil {
		return err
	}
	if _, err := s.repository.Revert(ctx); err != nil {
		return err
	}
	mendedAt := time.Now()
	if err := s.refresh(ctx, s.name, "normal"); err != nil {
		w.note("refresh: %v", err)
	}
	_, err = s.app(ctx, mendedAt, "Synced and Healthy again", func(a app) bool { return a.is("Synced", "Healthy") && len(a.Status.Conditions) == 0 })
	return err
}
