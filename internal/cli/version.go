package cli

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-delivery/sluice/internal/version"
)

func newVersion(env *Environment) *cobra.Command {
	var short bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Example: examples(`
			# All that is known of this build
			%s version

			# The version alone
			%s version --short`),
		Args: exactly(0),
		RunE: func(*cobra.Command, []string) error {
			env.say(program + ": " + version.Version)
			if short {
				return nil
			}
			tree := "clean"
			switch {
			case version.Commit == "":
				tree = "unknown"
			case strings.HasSuffix(version.Version, "-dirty"):
				tree = "dirty"
			}
			for _, line := range [][2]string{
				{"BuildDate", version.Date}, {"GitCommit", version.Commit}, {"GitTreeState", tree},
				{"GoVersion", runtime.Version()}, {"Compiler", runtime.Compiler}, {"Platform", runtime.GOOS + "/" + runtime.GOARCH},
			} {
				env.say(fmt.Sprintf("  %s: %s", line[0], line[1]))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&short, "short", false, "Print the version number alone")
	return cmd
}
