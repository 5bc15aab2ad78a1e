package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func newStatus(env *Environment) *cobra.Command {
	var watch bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "status ROLLOUT",
		Short: "Say the state of a rollout, and wait until it is healthy or degraded",
		Long: "Say the state of a rollout, and wait until it is Healthy (exit code 0) or Degraded (exit code 1). " +
			"With --watch=false it is said once.",
		Example: examples(`
			# Wait until a rollout is healthy, at most ten minutes
			%s status payments-api --timeout 10m

			# Say its state once
			%s status payments-api --watch=false`),
		Args:              exactly(1),
		ValidArgsFunction: names(env, rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := env.Connect(env.Flags)
			if err != nil {
				return err
			}
			r, err := c.rollout(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if !watch {
				phase, message := v1alpha1.ClientPhase(r)
				env.say(sentence(phase, message, phase != v1alpha1.RolloutPhaseHealthy && phase != v1alpha1.RolloutPhaseDegraded))
				return verdict(phase, message)
			}
			return env.await(cmd.Context(), c, r, timeout)
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", true, "Wait until the rollout is healthy or degraded")
	cmd.Flags().DurationVarP(&timeout, "timeout", "t", 0, "How long to wait; 0 is for ever")
	return cmd
}

// await says each state once and ends with the first that is final.
func (env *Environment) await(ctx context.Context, c *Cluster, r *v1alpha1.Rollout, timeout time.Duration) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, errors.New("Rollout status watch exceeded timeout")) //nolint:staticcheck // literal, spec 9.5
		defer cancel()
	}
	said := ""
	var from client.Reader
	var changed <-chan struct{}
	for {
		phase, message := v1alpha1.ClientPhase(r)
		if now := sentence(phase, message, message != ""); now != said {
			env.say(now)
			said = now
		}
		if phase == v1alpha1.RolloutPhaseHealthy || phase == v1alpha1.RolloutPhaseDegraded {
			return verdict(phase, message)
		}
		var err error
		if from == nil {
			from, changed, err = c.Watch(ctx, c.Namespace, &v1alpha1.Rollout{})
		} else {
			idle(ctx, redraw, changed)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		if r, err = c.rollout(ctx, from, r.Name); err != nil {
			return err
		}
	}
}

func sentence(phase v1alpha1.RolloutPhase, message string, whole bool) string {
	if !whole {
		return string(phase)
	}
	return fmt.Sprintf("%s - %s", phase, message)
}

func verdict(phase v1alpha1.RolloutPhase, message string) error {
	if phase == v1alpha1.RolloutPhaseDegraded {
		return fmt.Errorf("The rollout is in a degraded state with message: %s", message) //nolint:staticcheck // literal, spec 9.5
	}
	return nil
}
