package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func newListExperiments(env *Environment) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "experiments", Aliases: []string{"exp", "experiment"},
		Short: "List experiments",
		Example: examples(`
			# List the experiments of the namespace
			%s list experiments

			# List those of all namespaces
			%s list experiments --all-namespaces`),
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := env.Connect(env.Flags)
			if err != nil {
				return err
			}
			namespace := c.Namespace
			if all {
				namespace = ""
			}
			var list v1alpha1.ExperimentList
			if err := c.List(cmd.Context(), &list, client.InNamespace(namespace)); err != nil {
				return err
			}
			env.sayExperiments(list.Items, all)
			return nil
		},
	}
	cmd.Flags().BoolVarP(&all, "all-namespaces", "A", false, "List the experiments of all namespaces")
	return cmd
}

func (env *Environment) sayExperiments(list []v1alpha1.Experiment, all bool) {
	if len(list) == 0 {
		fmt.Fprintln(env.ErrOut, "No resources found.")
		return
	}
	rows := [][]string{{"NAMESPACE", "NAME", "STATUS", "DURATION", "REMAINING", "AGE"}}
	for _, e := range list {
		rows = append(rows, append([]string{e.Namespace}, experimentRow(&e, env.Now())...))
	}
	var c columns
	for i := range rows {
		if !all {
			rows[i] = rows[i][1:]
		}
		c.fit(rows[i])
	}
	for _, row := range rows {
		env.say(c.line(row))
	}
}

func experimentRow(e *v1alpha1.Experiment, now time.Time) []string {
	row := []string{e.Name, "-", "-", "-", "-"}
	if e.Status.Phase != "" {
		row[1] = string(e.Status.Phase)
	}
	if lasts, err := e.Spec.Duration.Duration(); err == nil {
		row[2] = string(e.Spec.Duration)
		if e.Status.AvailableAt != nil && !e.Status.Phase.Completed() {
			row[3] = duration.HumanDuration(max(0, e.Status.AvailableAt.Add(lasts).Sub(now)))
		}
	}
	if !e.CreationTimestamp.IsZero() {
		row[4] = duration.HumanDuration(now.Sub(e.CreationTimestamp.Time))
	}
	return row
}
