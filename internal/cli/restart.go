package cli

import (
	"github.com/spf13/cobra"

	"github.com/sluice-delivery/sluice/rollout/operation"
)

func newRestart(env *Environment) *cobra.Command {
	var in string
	cmd := &cobra.Command{
		Use:   "restart ROLLOUT",
		Short: "Replace the pods of a rollout by new ones of the same revision",
		Long:  "Replace the pods of a rollout by new ones of the same revision, a few at a time, by setting spec.restartAt.",
		Example: examples(`
			# Restart the pods of a rollout now
			%s restart payments-api

			# Restart them in ten seconds
			%s restart payments-api --in 10s`),
		Args:              exactly(1),
		ValidArgsFunction: names(env, rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := operation.Restart(args[0], env.Now(), in)
			if err != nil {
				return err
			}
			return submitEach(env, cmd, args, aRollout, func(string) operation.Change { return change })
		},
	}
	cmd.Flags().StringVarP(&in, "in", "i", "", "How long to wait before the restart begins, e.g. 30s, 5m, 1h")
	return cmd
}
