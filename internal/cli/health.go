package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-delivery/sluice/internal/cli/customization"
)

func newHealth(env *Environment) *cobra.Command {
	return group("health", "Try health checks and actions that are written in Lua", newHealthTest(env))
}

// reporter tells the outcomes.
type reporter func(io.Writer, []customization.Outcome) error

func newHealthTest(env *Environment) *cobra.Command {
	var output string
	o := customization.Options{Now: env.Now}
	cmd := &cobra.Command{
		Use:   "test DIR",
		Short: "Run the tests of resource customizations without a cluster",
		Long: "Run every health_test.yaml and action_test.yaml below a directory, in the layout that Argo CD keeps its own in: " +
			"GROUP/KIND/health.lua with health_test.yaml and testdata, GROUP/KIND/actions/discovery.lua and NAME/action.lua with action_test.yaml. " +
			"Scripts run as in Argo CD, in a sandbox that reaches neither files nor processes. " +
			"An instant that an action takes from the clock matches any instant that is expected. " +
			"The exit code is 1 when a test does not hold, when a file cannot be read, and when there are no tests.",
		Example: examples(`
			# Try the customizations of a repository
			%s health test resource_customizations

			# Try a health check as argocd-cm runs it without useOpenLibs
			%s health test resource_customizations/example.io --open-libs=false

			# Write what a build server reads
			%s health test resource_customizations -o junit > health.xml`),
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, known := map[string]reporter{"": customization.Table, "table": customization.Table, "junit": customization.JUnit}[output]
			if !known {
				return usageError{fmt.Sprintf("unknown output format %q: table or junit", output)}
			}
			if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
				return fmt.Errorf("%s is not a directory", args[0])
			}
			outcomes, err := customization.Run(cmd.Context(), os.DirFS(args[0]), o)
			if err != nil {
				return err
			}
			if len(outcomes) == 0 {
				return fmt.Errorf("there is neither a health_test.yaml nor an action_test.yaml below %s", args[0])
			}
			if err := report(env.Out, outcomes); err != nil {
				return err
			}
			if n := customization.Failed(outcomes); n > 0 {
				return fmt.Errorf("%d of %d tests failed", n, len(outcomes))
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "How to tell: table or junit")
	cmd.Flags().BoolVar(&o.OpenLibs, "open-libs", true, "Open all libraries to health checks, as Argo CD does for those that it ships")
	cmd.Flags().DurationVar(&o.Limit, "limit", time.Second, "How long a script may run")
	return cmd
}
