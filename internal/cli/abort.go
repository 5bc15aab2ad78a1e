package cli

import (
	"github.com/spf13/cobra"

	"github.com/sluice-delivery/sluice/rollout/operation"
)

func newAbort(env *Environment) *cobra.Command {
	return &cobra.Command{
		Use:   "abort ROLLOUT...",
		Short: "Take an update back to the stable revision",
		Long: "Take an update back to the stable revision: traffic returns at once, pods after their delays. The spec stays as it " +
			"is, so the rollout is Degraded until it is retried or another version is wanted.",
		Example: examples(`
			# Abort the update of a rollout
			%s abort payments-api`),
		Args:              atLeast(1),
		ValidArgsFunction: names(env, rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			return submitEach(env, cmd, args, aRollout, operation.Abort)
		},
	}
}
