package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/cli/manifest"
)

func newCreate(env *Environment) *cobra.Command {
	var files []string
	var l look
	cmd := &cobra.Command{
		Use:   "create -f FILENAME...",
		Short: "Create rollouts, experiments, analysis templates and analysis runs from files",
		Long: "Create a Rollout, Experiment, AnalysisTemplate, ClusterAnalysisTemplate or AnalysisRun from each file. Fields that " +
			"do not exist are refused.",
		Example: examples(`
			# Create a rollout and watch it
			%s create -f rollout.yaml --watch

			# Create what stands on the standard input
			%s create -f -`),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 || len(files) == 0 {
				return usageError{}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return env.create(cmd.Context(), files, l) },
	}
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "File with one object, in YAML or JSON; - is the standard input")
	l.flags(cmd)
	utilruntime.Must(cmd.MarkFlagFilename("filename", "yaml", "yml", "json"))
	cmd.AddCommand(newCreateAnalysisRun(env))
	return cmd
}

func (env *Environment) create(ctx context.Context, files []string, l look) error {
	if l.watch && len(files) > 1 {
		return errors.New("Cannot watch multiple resources") //nolint:staticcheck // literal, spec 9.1
	}
	c, err := env.Connect(env.Flags)
	if err != nil {
		return err
	}
	var last *unstructured.Unstructured
	for _, file := range files {
		if last, err = env.readObject(file); err != nil {
			return err
		}
		if l.watch && last.GetKind() != v1alpha1.RolloutKind && last.GetKind() != v1alpha1.ExperimentKind {
			return errors.New("Can only watch resources of type Rollout or Experiment") //nolint:staticcheck // literal, spec 9.1
		}
		if err := env.createObject(ctx, c, last); err != nil {
			return err
		}
	}
	if !l.watch {
		return nil
	}
	draw := env.rolloutScreen(l)
	if last.GetKind() == v1alpha1.ExperimentKind {
		draw = env.experimentScreen(l)
	}
	c.Namespace = last.GetNamespace()
	return env.showIn(ctx, c, l, last.GetName(), draw)
}

// createObject creates an object where it says, or else in the namespace of the flags.
func (env *Environment) createObject(ctx context.Context, c *Cluster, o *unstructured.Unstructured) error {
	if o.GetKind() != v1alpha1.ClusterAnalysisTemplateKind && o.GetNamespace() == "" {
		o.SetNamespace(c.Namespace)
	}
	if err := c.Create(ctx, o); err != nil {
		return err
	}
	env.say(fmt.Sprintf("%s.%s/%s created", strings.ToLower(o.GetKind()), v1alpha1.Group, o.GetName()))
	return nil
}

// readObject reads a file strictly. The object keeps the form in which it was written: what the typed form would add
// is not the person's.
func (env *Environment) readObject(file string) (*unstructured.Unstructured, error) {
	content, err := env.readFile(file)
	if err != nil {
		return nil, err
	}
	documents, err := manifest.Documents(content)
	if err == nil && len(documents) != 1 {
		err = fmt.Errorf("one document is expected, and there are %d", len(documents))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	kind, err := manifest.Kind(documents[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	typed, err := newObject(kind)
	if err != nil {
		return nil, err
	}
	o := &unstructured.Unstructured{}
	if err := errors.Join(append(manifest.Decode(documents[0], typed), yaml.Unmarshal(documents[0], &o.Object))...); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return o, nil
}

func (env *Environment) readFile(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(env.In)
	}
	return os.ReadFile(file)
}

// newObject is an empty object of a kind that can be created.
func newObject(kind metav1.TypeMeta) (client.Object, error) {
	gvk := schema.FromAPIVersionAndKind(kind.APIVersion, kind.Kind)
	if gvk.GroupVersion() == v1alpha1.SchemeGroupVersion {
		if o, err := scheme.New(gvk); err == nil {
			if object, ok := o.(client.Object); ok {
				return object, nil
			}
		}
	}
	return nil, fmt.Errorf("creates of %s/%s unsupported", gvk.Group, gvk.Kind)
}
