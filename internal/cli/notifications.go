package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/cli/manifest"
	"github.com/sluice-delivery/sluice/notifications"
	"github.com/sluice-delivery/sluice/notifications/deliver"
)

// notified is where a configuration of notifications is read from: files, or else the cluster.
type notified struct {
	env            *Environment
	config, secret string
}

func newNotifications(env *Environment) *cobra.Command {
	n := &notified{env: env}
	cmd := group("notifications", "Try notification templates and triggers",
		group("template", "Show and try templates", newTemplateGet(n), newTemplateNotify(n)),
		group("trigger", "Show and try triggers", newTriggerGet(n), newTriggerRun(n)))
	cmd.PersistentFlags().StringVar(&n.config, "config-map", "", "File with the ConfigMap "+deliver.ConfigMapName+"; without it that of the namespace is read")
	cmd.PersistentFlags().StringVar(&n.secret, "secret", "", "File with the Secret "+deliver.SecretName+", or :empty for none; without it that of the namespace is read")
	return cmd
}

func newTemplateGet(n *notified) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "get [NAME]", Short: "Show templates",
		Example: examples(`
			# Show what the templates of a file say
			%s notifications template get --config-map config.yaml --secret :empty`),
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			door, err := n.open(cmd.Context())
			if err != nil {
				return err
			}
			all, rows := map[string]any{}, [][]string{}
			for _, t := range door.Templates() {
				if len(args) == 0 || args[0] == t.Name {
					all[t.Name] = t.Definition
					rows = append(rows, []string{t.Name, t.Preview})
				}
			}
			return n.show("template", args, output, []string{"NAME", "PREVIEW"}, rows, all)
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func newTriggerGet(n *notified) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "get [NAME]", Short: "Show triggers",
		Example: examples(`
			# Show when the configuration of the cluster sends what
			%s notifications trigger get -n argo-rollouts`),
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			door, err := n.open(cmd.Context())
			if err != nil {
				return err
			}
			all, rows := map[string]any{}, [][]string{}
			for _, name := range door.Triggers() {
				if len(args) > 0 && args[0] != name {
					continue
				}
				all[name] = door.Conditions(name)
				for i, c := range door.Conditions(name) {
					rows = append(rows, []string{[]string{name, ""}[min(i, 1)], strings.Join(c.Send, ", "), c.When})
				}
			}
			return n.show("trigger", args, output, []string{"NAME", "TEMPLATE", "CONDITION"}, rows, all)
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func outputFlag(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVarP(output, "output", "o", "wide", "Output format: wide, name, json or yaml")
}

// show prints rows, or the definitions by name.
func (n *notified) show(what string, args []string, output string, head []string, rows [][]string, all map[string]any) error {
	if len(args) > 0 && len(all) == 0 {
		return fmt.Errorf("there is no %s %q", what, args[0])
	}
	switch output {
	case "wide":
		return n.table(head, rows)
	case "name":
		for _, row := range rows {
			if row[0] != "" {
				n.env.say(row[0])
			}
		}
		return nil
	case "json", "yaml":
		text, err := json.MarshalIndent(all, "", "  ")
		if err == nil && output == "yaml" {
			text, err = yaml.JSONToYAML(text)
		}
		if err != nil {
			return fmt.Errorf("print a %s: %w", what, err)
		}
		n.env.say(strings.TrimSuffix(string(text), "\n"))
		return nil
	}
	return usageError{fmt.Sprintf("output format %q is not one of wide, name, json and yaml", output)}
}

func (n *notified) table(head []string, rows [][]string) error {
	w := tabwriter.NewWriter(n.env.Out, 5, 0, 2, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

func newTemplateNotify(n *notified) *cobra.Command {
	var recipients []string
	cmd := &cobra.Command{
		Use: "notify NAME RESOURCE", Short: "Send what a template says about a rollout, or print it",
		Long: "Send what a template says about a rollout, a name or a file, to recipients. Without any it is printed.",
		Example: examples(`
			# Print what a template of a file says about the rollout of another file
			%s notifications template notify rollout-aborted rollout.yaml --config-map config.yaml --secret :empty

			# Send it, with the configuration of the cluster
			%s notifications template notify rollout-aborted payments-api --recipient slack:deployments`),
		Args: exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			door, err := n.open(cmd.Context())
			if err != nil {
				return err
			}
			variables, err := n.variables(cmd.Context(), args[1])
			if err != nil {
				return err
			}
			for _, recipient := range recipients {
				service, name, _ := strings.Cut(recipient, ":")
				to := notifications.Destination{Service: service, Recipient: name}
				if err := door.WithConsole(n.env.Out).Send(variables, args[:1], to); err != nil {
					return fmt.Errorf("notify %s: %w", to, err)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&recipients, "recipient", []string{"console:stdout"}, "Where to send it, service:recipient (repeatable)")
	return cmd
}

func newTriggerRun(n *notified) *cobra.Command {
	return &cobra.Command{
		Use: "run NAME RESOURCE", Short: "Evaluate the conditions of a trigger for a rollout",
		Long: "Evaluate the conditions of a trigger for a rollout, a name or a file. An entry without a condition is sent whenever its event happens.",
		Example: examples(`
			# Evaluate a trigger of a file for a rollout of the cluster
			%s notifications trigger run on-rollout-completed payments-api --config-map config.yaml --secret :empty`),
		Args: exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			door, err := n.open(cmd.Context())
			if err != nil {
				return err
			}
			if !slices.Contains(door.Triggers(), args[0]) {
				return fmt.Errorf("there is no trigger %q among %s", args[0], strings.Join(door.Triggers(), ", "))
			}
			variables, err := n.variables(cmd.Context(), args[1])
			if err != nil {
				return err
			}
			entries, problem := door.Evaluate(args[0], variables)
			var rows [][]string
			for i, e := range entries {
				condition := cmp.Or(door.Conditions(args[0])[i].When, "(at every event)")
				rows = append(rows, []string{condition, fmt.Sprint(e.True || !e.Conditional)})
			}
			return errors.Join(n.table([]string{"CONDITION", "RESULT"}, rows), problem)
		},
	}
}

// open reads the configuration. What is wrong with single keys goes to the error stream.
func (n *notified) open(ctx context.Context) (*deliver.Door, error) {
	config, secret := &corev1.ConfigMap{}, &corev1.Secret{}
	if err := n.read(ctx, n.config, "ConfigMap", deliver.ConfigMapName, config); err != nil {
		return nil, err
	}
	if n.secret != ":empty" {
		if err := n.read(ctx, n.secret, "Secret", deliver.SecretName, secret); err != nil {
			return nil, err
		}
	}
	for key, value := range secret.StringData {
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		secret.Data[key] = []byte(value)
	}
	door, problems := deliver.Open(config, secret)
	if door == nil {
		return nil, errors.Join(problems...)
	}
	for _, problem := range problems {
		fmt.Fprintln(n.env.ErrOut, "warning:", problem)
	}
	return door, nil
}

// read finds an object by kind and name in a file or, without one, in the cluster.
func (n *notified) read(ctx context.Context, file, kind, name string, into client.Object) error {
	if file == "" {
		c, err := n.env.Connect(n.env.Flags)
		if err != nil {
			return err
		}
		return c.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: name}, into)
	}
	content, err := n.env.readFile(file)
	if err != nil {
		return err
	}
	documents, err := manifest.Documents(content)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, document := range documents {
		var meta metav1.PartialObjectMetadata
		if err := yaml.Unmarshal(document, &meta); err != nil || meta.Kind != kind || meta.Name != name {
			continue
		}
		if err := yaml.Unmarshal(document, into); err != nil {
			return fmt.Errorf("%s: read %s %s: %w", file, kind, name, err)
		}
		return nil
	}
	return fmt.Errorf("%s: there is no %s %s", file, kind, name)
}

// variables are what a trigger and a template see of a rollout, which is a file or a name.
func (n *notified) variables(ctx context.Context, resource string) (map[string]any, error) {
	if info, err := os.Stat(resource); err == nil && !info.IsDir() {
		content, err := n.env.readFile(resource)
		if err != nil {
			return nil, err
		}
		var object map[string]any
		if err := yaml.Unmarshal(content, &object); err != nil {
			return nil, fmt.Errorf("%s: %w", resource, err)
		}
		return notifications.Variables(object, nil, n.env.Now), nil
	}
	c, err := n.env.Connect(n.env.Flags)
	if err != nil {
		return nil, err
	}
	r, err := c.rollout(ctx, c, resource)
	if err != nil {
		return nil, err
	}
	var runs v1alpha1.AnalysisRunList
	if err := c.List(ctx, &runs, client.InNamespace(c.Namespace)); err != nil {
		return nil, err
	}
	var trees []map[string]any
	own := notifications.RunsOf(r, runs.Items)
	for i := range own {
		tree, err := plain(&own[i], v1alpha1.AnalysisRunKind)
		if err != nil {
			return nil, err
		}
		trees = append(trees, tree)
	}
	object, err := plain(r, v1alpha1.RolloutKind)
	return notifications.Variables(object, trees, n.env.Now), err
}

// plain is an object as the API shows it.
func plain(o client.Object, kind string) (map[string]any, error) {
	tree, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, err
	}
	tree["apiVersion"], tree["kind"] = v1alpha1.SchemeGroupVersion.String(), kind
	return tree, nil
}
