package agent

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/sluice-delivery/sluice/internal/version"
)

const example = `  # in a pod, as manifests/agent.yaml runs it
  gitops-agent

  # beside a cluster, asking Git every two seconds
  gitops-agent --kubeconfig ~/.kube/config --namespace sluice-agent --reconcile-interval 2s

  # for two teams only
  gitops-agent --application-namespaces team-a,team-b --target-namespaces team-a,team-b`

// Command is the gitops-agent.
func Command() *cobra.Command {
	c := Config{Namespace: ownNamespace()}
	var kubeconfig, context, level, format string
	command := &cobra.Command{
		Use:   "gitops-agent",
		Short: "Keep a cluster as Git says, and say so when what Git says was rolled back",
		Long: `gitops-agent reads Application objects (argoproj.io/v1alpha1), renders the folder of Git that each one names, compares
it with the cluster, and syncs. A revision that its Rollout took back is shown as OutOfSync with the reason, and is not
started again until Git moves or a person retries.`,
		Example:      example,
		Version:      version.Version,
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := c.Validate(); err != nil {
				return err
			}
			log, err := newLog(command.ErrOrStderr(), level, format)
			if err != nil {
				return err
			}
			rules := clientcmd.NewDefaultClientConfigLoadingRules()
			rules.ExplicitPath = kubeconfig
			config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: context}).ClientConfig()
			if err != nil {
				return fmt.Errorf("find the cluster: %w", err)
			}
			return Run(command.Context(), config, c, log)
		},
	}
	flags := command.Flags()
	flags.StringVar(&c.Namespace, "namespace", c.Namespace, "the agent's own namespace, where its lease is")
	flags.StringSliceVar(&c.ApplicationNamespaces, "application-namespaces", []string{"argocd", "sluice-agent"}, "where to read Applications; who may write one there may use the agent's rights")
	flags.StringSliceVar(&c.TargetNamespaces, "target-namespaces", nil, "where objects may go (default anywhere, and cluster-wide objects too)")
	flags.DurationVar(&c.ReconcileInterval, "reconcile-interval", 2*time.Minute, "how often Git is asked; changes in the cluster are seen at once")
	flags.DurationVar(&c.GitTimeout, "git-timeout", time.Minute, "how long one look at Git may take")
	flags.IntVar(&c.Workers, "workers", 8, "how many Applications are looked at at once")
	flags.StringVar(&c.MetricsAddress, "metrics-address", ":8092", "where to serve /metrics; 0 for nowhere")
	flags.StringVar(&c.HealthAddress, "health-address", ":8082", "where to serve /healthz and /readyz; 0 for nowhere")
	flags.BoolVar(&c.LeaderElection, "leader-elect", true, "let only one of several agents act")
	flags.StringVar(&kubeconfig, "kubeconfig", "", "the cluster (default that of the pod, or $KUBECONFIG)")
	flags.StringVar(&context, "context", "", "context in the kubeconfig")
	flags.StringVar(&level, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&format, "log-format", "text", "text or json")
	return command
}

// ownNamespace is that of the pod; outside of one it is where manifests/agent.yaml puts the agent.
func ownNamespace() string {
	data, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
	if err != nil {
		return "sluice-agent"
	}
	return strings.TrimSpace(string(data))
}

// newLog also makes the libraries log there.
func newLog(to io.Writer, level, format string) (*slog.Logger, error) {
	options := &slog.HandlerOptions{}
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level: %q is none of debug, info, warn, error", level)
	}
	options.Level = l
	var handler slog.Handler
	switch format {
	case "text":
		handler = slog.NewTextHandler(to, options)
	case "json":
		handler = slog.NewJSONHandler(to, options)
	default:
		return nil, fmt.Errorf("--log-format: %q is neither text nor json", format)
	}
	ctrl.SetLogger(logr.FromSlogHandler(handler))
	klog.SetSlogLogger(slog.New(handler))
	return slog.New(handler), nil
}
