// Package cli is the kubectl plugin: one file per verb. It reads flags, asks the API server, hands what it got to pure
// functions (rollout/operation for wishes, internal/cli/view for screens, internal/cli/lint for files) and prints what
// they say. What happens to a Rollout afterwards is the controller's matter.
package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/sluice-delivery/sluice/internal/cli/view"
)

// Environment is what the commands touch of the outside.
type Environment struct {
	genericiooptions.IOStreams
	// Flags are the usual ones of kubectl: which cluster, which namespace, as whom.
	Flags *genericclioptions.ConfigFlags
	// Connect opens the cluster that the flags name.
	Connect func(*genericclioptions.ConfigFlags) (*Cluster, error)
	// Now is the clock.
	Now func() time.Time
	// Dumb says that the terminal understands no escape sequences.
	Dumb bool
}

// Main runs the plugin as a program and returns its exit code.
func Main() int {
	env := &Environment{
		IOStreams: genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
		Flags:     genericclioptions.NewConfigFlags(true),
		Connect:   connect,
		Now:       time.Now,
		Dumb:      os.Getenv("TERM") == "dumb",
	}
	return Run(env, os.Args[1:])
}

// Run runs one command and returns its exit code: 1 on any error, which is told on the error stream.
func Run(env *Environment, args []string) int {
	root := New(env)
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		if usage.why != "" {
			fmt.Fprintln(env.ErrOut, "Error:", usage.why)
		}
		fmt.Fprint(env.ErrOut, cmd.UsageString())
	default:
		fmt.Fprintln(env.ErrOut, "Error:", err)
	}
	return 1
}

// usageError asks for the usage of the command. A wrong number of arguments needs no words beside it.
type usageError struct{ why string }

func (e usageError) Error() string { return e.why }

// New is the command with all that is below it.
func New(env *Environment) *cobra.Command {
	root := group("kubectl-argo-rollouts", "Manage rollouts, experiments and analyses",
		newAbort(env), newCreate(env), newDashboard(), newGet(env), newHealth(env), newLint(env), newList(env), newNotifications(env),
		newPause(env), newPromote(env), newRestart(env), newRetry(env), newSet(env), newStatus(env), newTerminate(env),
		newUndo(env), newVersion(env))
	root.Long = "Manage rollouts, experiments and analyses of a Kubernetes cluster that runs a progressive-delivery controller."
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl argo rollouts"}
	root.Example = examples(`
		# Watch a rollout in progress
		%s get rollout payments-api --watch

		# Let a rollout that waits go on
		%s promote payments-api

		# Take an update back
		%s abort payments-api`)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.ErrOut)
	env.Flags.AddFlags(root.PersistentFlags())
	level, verbosity := root.PersistentFlags().String("loglevel", "info", "Log level of this program: debug, info, warn or error"),
		root.PersistentFlags().IntP("kloglevel", "v", 0, "Log level of the Kubernetes client library")
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return logging(env.ErrOut, *level, *verbosity) }
	root.SetUsageTemplate(withoutGlobalFlags(root.UsageTemplate()))
	root.InitDefaultCompletionCmd()
	return root
}

// withoutGlobalFlags keeps the two dozen flags of kubectl out of each command's usage: they would bury what it says.
func withoutGlobalFlags(template string) string {
	before, rest, found := strings.Cut(template, "{{if .HasAvailableInheritedFlags}}")
	_, after, closed := strings.Cut(rest, "{{end}}")
	if !found || !closed {
		return template // another version of cobra; its usage is long, and right
	}
	return before + "{{if .HasAvailableInheritedFlags}}\n\nUse \"kubectl argo rollouts --help\" for the flags that all commands have.{{end}}" + after
}

// logging goes to the error stream, so that it never mixes with what a script reads.
func logging(to io.Writer, level string, verbosity int) error {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return fmt.Errorf("--loglevel: %w", err)
	}
	ctrllog.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(to, &slog.HandlerOptions{Level: l})))
	var v klog.Level
	return v.Set(strconv.Itoa(verbosity))
}

// group is a command that does nothing itself.
func group(use, short string, below ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Sprintf("unknown command %q", args[0])}
			}
			return usageError{}
		},
	}
	c.AddCommand(below...)
	return c
}

// exactly and atLeast judge the number of arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{}
		}
		return nil
	}
}

func atLeast(n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < n {
			return usageError{}
		}
		return nil
	}
}

// paint decides on colours.
func (env *Environment) paint(noColor bool) view.Paint { return view.Paint(!noColor && !env.Dumb) }

// say prints a line.
func (env *Environment) say(line string) { fmt.Fprintln(env.Out, line) }
