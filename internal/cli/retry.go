package cli

import (
	"github.com/spf13/cobra"

	"github.com/sluice-delivery/sluice/rollout/operation"
)

func newRetry(env *Environment) *cobra.Command {
	return group("retry", "Try an aborted rollout, or an experiment, again", newRetryRollout(env), newRetryExperiment(env))
}

func newRetryRollout(env *Environment) *cobra.Command {
	return &cobra.Command{
		Use: "rollout ROLLOUT...", Aliases: []string{"ro", "rollouts"},
		Short: "Try an aborted update again, from its first step",
		Example: examples(`
			# Retry an aborted rollout
			%s retry rollout payments-api`),
		Args:              atLeast(1),
		ValidArgsFunction: names(env, rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			return submitEach(env, cmd, args, aRollout, operation.Retry)
		},
	}
}

func newRetryExperiment(env *Environment) *cobra.Command {
	return &cobra.Command{
		Use: "experiment EXPERIMENT...", Aliases: []string{"exp", "experiments"},
		Short: "Run an experiment again, from its beginning",
		Example: examples(`
			# Run an experiment again
			%s retry experiment baseline-vs-canary`),
		Args:              atLeast(1),
		ValidArgsFunction: names(env, experiments),
		RunE: func(cmd *cobra.Command, args []string) error {
			return submitEach(env, cmd, args, anExperiment, operation.RetryExperiment)
		},
	}
}
