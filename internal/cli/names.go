package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// completionTimeout is how long a person who pressed Tab is kept waiting for a cluster that does not answer.
const completionTimeout = 3 * time.Second

type completion = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// names completes the first argument by the names of existing objects.
func names(env *Environment, list func() client.ObjectList) completion {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c, err := env.Connect(env.Flags)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		found := list()
		if err := c.List(ctx, found, client.InNamespace(c.Namespace)); err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return namesOf(found, typed), cobra.ShellCompDirectiveNoFileComp
	}
}

func namesOf(list client.ObjectList, prefix string) []string {
	var all []string
	_ = meta.EachListItem(list, func(o runtime.Object) error { // the function below never fails
		if m, ok := o.(client.Object); ok && strings.HasPrefix(m.GetName(), prefix) {
			all = append(all, m.GetName())
		}
		return nil
	})
	slices.Sort(all)
	return all
}

func rollouts() client.ObjectList     { return &v1alpha1.RolloutList{} }
func experiments() client.ObjectList  { return &v1alpha1.ExperimentList{} }
func analysisRuns() client.ObjectList { return &v1alpha1.AnalysisRunList{} }
