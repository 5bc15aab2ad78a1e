package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// newDashboard stands for a command that is known and not there yet: whoever calls it is told.
func newDashboard() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Serve the dashboard (not there yet)",
		Args:  exactly(0),
		RunE: func(*cobra.Command, []string) error {
			return errors.New("the dashboard does not exist yet in this version")
		},
	}
	cmd.Flags().String("root-path", "rollouts", "Path below which the dashboard is served")
	cmd.Flags().IntP("port", "p", 3100, "Port on which the dashboard is served")
	return cmd
}
