package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"

	"github.com/sluice-delivery/sluice/internal/cli/lint"
)

func newLint(env *Environment) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "lint -f FILENAME",
		Short: "Judge the rollouts of a file without a cluster",
		Long: "Judge the rollouts of a file, which may hold several documents, without a cluster. Every error goes to the standard " +
			"output on a line of its own, the first one to the error stream too; warnings go to the error stream and do not fail.",
		Example: examples(`
			# Judge a file
			%s lint -f rollout.yaml`),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 || file == "" {
				return usageError{}
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			content, err := env.readFile(file)
			if err != nil {
				return err
			}
			report := lint.File(content)
			for _, w := range report.Warnings {
				fmt.Fprintln(env.ErrOut, "warning:", w)
			}
			for _, fault := range report.Faults {
				env.say(fault.Body)
			}
			if len(report.Faults) > 0 {
				return errors.New(report.Faults[0].Text)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "filename", "f", "", "File to judge; - is the standard input")
	utilruntime.Must(cmd.MarkFlagFilename("filename", "yaml", "yml", "json"))
	return cmd
}
