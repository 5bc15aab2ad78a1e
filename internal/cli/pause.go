package cli

import (
	"github.com/spf13/cobra"

	"github.com/sluice-delivery/sluice/rollout/operation"
)

func newPause(env *Environment) *cobra.Command {
	return &cobra.Command{
		Use:   "pause ROLLOUT...",
		Short: "Stop a rollout by hand, wherever it is",
		Long:  "Stop a rollout by hand, wherever it is, by setting spec.paused. Promote lets it go on.",
		Example: examples(`
			# Pause a rollout
			%s pause payments-api`),
		Args:              atLeast(1),
		ValidArgsFunction: names(env, rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			return submitEach(env, cmd, args, aRollout, operation.Pause)
		},
	}
}
