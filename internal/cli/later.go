package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// newDashboard and newNotifications stand for commands that are known and not there yet: whoever calls them is told.

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

func newNotifications() *cobra.Command {
	return &cobra.Command{
		Use:                "notifications",
		Short:              "Try notification templates and triggers (not there yet)",
		DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("the notifications commands do not exist yet in this version")
		},
	}
}
