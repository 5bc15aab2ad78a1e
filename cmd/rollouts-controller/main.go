//go:generate go -C ../../tools run ./install ../manifests

// Command rollouts-controller runs Rollouts and AnalysisRuns in a cluster.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/sluice-delivery/sluice/internal/config"
	"github.com/sluice-delivery/sluice/internal/controller"
	"github.com/sluice-delivery/sluice/internal/version"
)

func main() {
	if err := command().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "rollouts-controller:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	c := &cobra.Command{
		Use:   "rollouts-controller",
		Short: "Runs Rollouts: canary and blue-green updates, with real traffic and measured verdicts",
		Long: `Runs the Rollouts and AnalysisRuns of a cluster: canary and blue-green updates that move real traffic step by step,
ask a metrics system how the new revision does, and take it back by themselves when it does badly.

Several may run; the one that holds the lease acts. SIGTERM ends it, a second one at once.`,
		Example: `  # in a pod, for the whole cluster
  rollouts-controller

  # on a laptop, against the cluster of a kubeconfig
  rollouts-controller --kubeconfig ~/.kube/config --loglevel debug

  # for one namespace, and only for objects with an instance id
  rollouts-controller --namespaced --namespace shop --instance-id blue`,
		Args:          cobra.NoArgs,
		Version:       version.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.SetVersionTemplate(fmt.Sprintf("rollouts-controller %s (commit %s, %s)\n", version.Version, orUnknown(version.Commit), orUnknown(version.Date)))
	flags := config.Bind(c.Flags())
	c.RunE = func(*cobra.Command, []string) error {
		conf, remarks, err := flags.Read(os.Getenv)
		if err != nil {
			return err
		}
		log := logger(conf, os.Stderr)
		for _, remark := range remarks {
			log.Warn(remark)
		}
		return controller.Run(ctrl.SetupSignalHandler(), conf, log)
	}
	return c
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}
