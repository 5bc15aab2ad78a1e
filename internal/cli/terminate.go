package cli

import (
	"github.com/spf13/cobra"

	"github.com/sluice-delivery/sluice/rollout/operation"
)

func newTerminate(env *Environment) *cobra.Command {
	return group("terminate", "End an analysis run or an experiment before its time", newTerminateRun(env), newTerminateExperiment(env))
}

func newTerminateRun(env *Environment) *cobra.Command {
	return &cobra.Command{
		Use: "analysisrun ANALYSISRUN...", Aliases: []string{"ar", "analysisruns"},
		Short: "End an analysis run before its time",
		Example: examples(`
			# Terminate an analysis run
			%s terminate analysisrun payments-api-77c8d4b89-3`),
		Args:              atLeast(1),
		ValidArgsFunction: names(env, analysisRuns),
		RunE: func(cmd *cobra.Command, args []string) error {
			return submitEach(env, cmd, args, anAnalysisRun, operation.TerminateRun)
		},
	}
}

func newTerminateExperiment(env *Environment) *cobra.Command {
	return &cobra.Command{
		Use: "experiment EXPERIMENT...", Aliases: []string{"exp", "experiments"},
		Short: "End an experiment before its time",
		Example: examples(`
			# Terminate an experiment
			%s terminate experiment baseline-vs-canary`),
		Args:              atLeast(1),
		ValidArgsFunction: names(env, experiments),
		RunE: func(cmd *cobra.Command, args []string) error {
			return submitEach(env, cmd, args, anExperiment, operation.TerminateExperiment)
		},
	}
}
