package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/sluice-delivery/sluice/internal/cli/submit"
	"github.com/sluice-delivery/sluice/rollout/operation"
)

func newPromote(env *Environment) *cobra.Command {
	var full bool
	var skip operation.Skip
	cmd := &cobra.Command{
		Use:   "promote ROLLOUT",
		Short: "Let a rollout go on, past its pause or its current step",
		Long: "Let a rollout go on, past its pause or its current step. With --full all steps, pauses and analyses that are left " +
			"are skipped.",
		Example: examples(`
			# Promote a rollout that waits
			%s promote payments-api

			# Promote it to the end
			%s promote payments-api --full`),
		Args:              exactly(1),
		ValidArgsFunction: names(env, rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			env.warnSkip(skip)
			c, err := env.Connect(env.Flags)
			if err != nil {
				return err
			}
			r, err := c.rollout(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			change, err := operation.Promote(r, skip)
			if err != nil {
				return err
			}
			if full && skip == (operation.Skip{}) {
				change = operation.PromoteFull(r)
			}
			if err := submit.Change(cmd.Context(), c, r, change); err != nil {
				return err
			}
			env.say(change.Output)
			return nil
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "Skip all steps, pauses and analyses that are left")
	cmd.Flags().BoolVarP(&skip.Current, "skip-current-step", "c", false, "Skip the current step")
	cmd.Flags().BoolVarP(&skip.All, "skip-all-steps", "a", false, "Skip all steps that are left")
	utilruntime.Must(cmd.Flags().MarkHidden("skip-current-step"))
	utilruntime.Must(cmd.Flags().MarkHidden("skip-all-steps"))
	return cmd
}

// warnSkip tells of deprecated flags on the error stream; cobra would do it on the standard output.
func (env *Environment) warnSkip(skip operation.Skip) {
	if skip.Current {
		fmt.Fprintln(env.ErrOut, "Flag --skip-current-step has been deprecated, promote without a flag goes past the current step")
	}
	if skip.All {
		fmt.Fprintln(env.ErrOut, "Flag --skip-all-steps has been deprecated, use --full")
	}
}
