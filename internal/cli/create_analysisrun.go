package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// wantedRun is what create analysisrun is asked for.
type wantedRun struct {
	from, fromFile, name, generateName, instanceID string
	global                                         bool
	arguments                                      []string
}

func newCreateAnalysisRun(env *Environment) *cobra.Command {
	var w wantedRun
	cmd := &cobra.Command{
		Use: "analysisrun", Aliases: []string{"ar", "analysisruns"},
		Short: "Create an analysis run from a template",
		Example: examples(`
			# Create a run from a template of the namespace
			%s create analysisrun --from success-rate --argument service-name=payments-api

			# Create one from a template of the cluster, or from a file
			%s create analysisrun --from success-rate --global
			%s create analysisrun --from-file template.yaml --name my-run`),
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			args, err := w.check()
			if err != nil {
				return err
			}
			c, err := env.Connect(env.Flags)
			if err != nil {
				return err
			}
			run, err := env.newRun(cmd.Context(), c, w, args)
			if err != nil {
				return err
			}
			if err := c.Create(cmd.Context(), run); err != nil {
				return err
			}
			env.say(fmt.Sprintf("analysisrun.%s/%s created", v1alpha1.Group, run.Name))
			return nil
		},
	}
	cmd.Flags().StringVar(&w.from, "from", "", "Template to create the run from")
	cmd.Flags().StringVar(&w.fromFile, "from-file", "", "File with the template to create the run from")
	cmd.Flags().BoolVar(&w.global, "global", false, "The template is a ClusterAnalysisTemplate")
	cmd.Flags().StringArrayVarP(&w.arguments, "argument", "a", nil, "Argument of the template, as NAME=VALUE")
	cmd.Flags().StringVar(&w.name, "name", "", "Name of the run")
	cmd.Flags().StringVar(&w.generateName, "generate-name", "", "Beginning of the name of the run; absent: the template's name and a dash")
	cmd.Flags().StringVar(&w.instanceID, "instance-id", "", "Instance id of the controller that shall run it")
	utilruntime.Must(cmd.MarkFlagFilename("from-file", "yaml", "yml", "json"))
	return cmd
}

// check reads what can be read of the flags alone.
func (w wantedRun) check() ([]v1alpha1.Argument, error) {
	if (w.from == "") == (w.fromFile == "") {
		return nil, errors.New("one of --from or --from-file must be specified")
	}
	var args []v1alpha1.Argument
	for _, text := range w.arguments {
		name, value, found := strings.Cut(text, "=")
		if !found || name == "" {
			return nil, errors.New("arguments must be in the form NAME=VALUE")
		}
		args = append(args, v1alpha1.Argument{Name: name, Value: &value})
	}
	return args, nil
}

func (env *Environment) newRun(ctx context.Context, c *Cluster, w wantedRun, args []v1alpha1.Argument) (*v1alpha1.AnalysisRun, error) {
	templates := analysis.Templates{
		Namespaced: map[string]*v1alpha1.AnalysisTemplate{}, Cluster: map[string]*v1alpha1.ClusterAnalysisTemplate{},
	}
	ref := v1alpha1.TemplateRef{TemplateName: w.from, ClusterScope: w.global}
	if w.fromFile != "" {
		var err error
		if ref, err = env.templateFile(w.fromFile, templates); err != nil {
			return nil, err
		}
	}
	if err := c.reach(ctx, ref, templates); err != nil {
		return nil, err
	}
	spec, err := analysis.Spec(v1alpha1.RolloutAnalysis{Templates: []v1alpha1.TemplateRef{ref}}, templates, args)
	if err != nil {
		return nil, err
	}
	run := &v1alpha1.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: w.name}, Spec: spec}
	if w.name == "" {
		run.GenerateName = w.generateName
	}
	if run.Name == "" && run.GenerateName == "" {
		if ref.TemplateName == "" {
			return nil, errors.New("name is invalid")
		}
		run.GenerateName = ref.TemplateName + "-"
	}
	if w.instanceID != "" {
		run.Labels = map[string]string{v1alpha1.InstanceIDLabel: w.instanceID}
	}
	return run, nil
}

// templateFile puts the template of a file among the known ones.
func (env *Environment) templateFile(file string, into analysis.Templates) (v1alpha1.TemplateRef, error) {
	o, err := env.readObject(file)
	if err != nil {
		return v1alpha1.TemplateRef{}, err
	}
	text, err := o.MarshalJSON()
	if err != nil {
		return v1alpha1.TemplateRef{}, fmt.Errorf("%s: %w", file, err)
	}
	switch o.GetKind() {
	case v1alpha1.AnalysisTemplateKind:
		t := &v1alpha1.AnalysisTemplate{}
		into.Namespaced[o.GetName()] = t
		return v1alpha1.TemplateRef{TemplateName: o.GetName()}, json.Unmarshal(text, t)
	case v1alpha1.ClusterAnalysisTemplateKind:
		t := &v1alpha1.ClusterAnalysisTemplate{}
		into.Cluster[o.GetName()] = t
		return v1alpha1.TemplateRef{TemplateName: o.GetName(), ClusterScope: true}, json.Unmarshal(text, t)
	}
	return v1alpha1.TemplateRef{}, fmt.Errorf("%s: a %s is no template", file, o.GetKind())
}

// reach reads a template, unless it is known, and all that it names.
func (c *Cluster) reach(ctx context.Context, ref v1alpha1.TemplateRef, into analysis.Templates) error {
	var nested []v1alpha1.TemplateRef
	if ref.ClusterScope {
		t := into.Cluster[ref.TemplateName]
		if t == nil {
			t = &v1alpha1.ClusterAnalysisTemplate{}
			if err := c.Get(ctx, client.ObjectKey{Name: ref.TemplateName}, t); err != nil {
				return err
			}
			into.Cluster[ref.TemplateName] = t
		}
		nested = t.Spec.Templates
	} else {
		t := into.Namespaced[ref.TemplateName]
		if t == nil {
			t = &v1alpha1.AnalysisTemplate{}
			if err := c.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: ref.TemplateName}, t); err != nil {
				return err
			}
			into.Namespaced[ref.TemplateName] = t
		}
		nested = t.Spec.Templates
	}
	for _, n := range nested {
		if known(n, into) {
			continue
		}
		if err := c.reach(ctx, n, into); apierrors.IsNotFound(err) {
			return analysis.NotFound{TemplateRef: n, Nested: true}
		} else if err != nil {
			return err
		}
	}
	return nil
}

func known(ref v1alpha1.TemplateRef, in analysis.Templates) bool {
	if ref.ClusterScope {
		return in.Cluster[ref.TemplateName] != nil
	}
	return in.Namespaced[ref.TemplateName] != nil
}
