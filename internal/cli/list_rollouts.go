package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/cli/view"
)

// listing is what list rollouts is asked for.
type listing struct {
	name                   string
	all, watch, timestamps bool
	columns                columns
	said                   map[string][]string // by namespace and name: the row that was printed last
}

func newListRollouts(env *Environment) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use: "rollouts", Aliases: []string{"ro", "rollout"},
		Short: "List rollouts",
		Example: examples(`
			# List the rollouts of the namespace
			%s list rollouts

			# List those of all namespaces
			%s list rollouts --all-namespaces

			# Watch them: a line for each change
			%s list rollouts --watch`),
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return env.listRollouts(cmd.Context(), &l) },
	}
	cmd.Flags().StringVar(&l.name, "name", "", "List the rollout of this name alone")
	cmd.Flags().BoolVarP(&l.all, "all-namespaces", "A", false, "List the rollouts of all namespaces")
	cmd.Flags().BoolVarP(&l.watch, "watch", "w", false, "Keep listing what changes")
	cmd.Flags().BoolVar(&l.timestamps, "timestamps", false, "Begin each line with the time at which it was written")
	return cmd
}

func (env *Environment) listRollouts(ctx context.Context, l *listing) error {
	c, err := env.Connect(env.Flags)
	if err != nil {
		return err
	}
	namespace := c.Namespace
	if l.all {
		namespace = ""
	}
	found, err := l.find(ctx, c, namespace)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		fmt.Fprintln(env.ErrOut, "No resources found.")
	}
	if l.watch { // rows to come may be wider than those of today
		l.columns.fit(l.with([]string{"", "BlueGreen", "Progressing", "10/10", "", "10/10"}, "", ""))
	}
	env.sayRows(l, found, true)
	if !l.watch {
		return nil
	}
	from, changed, err := c.Watch(ctx, namespace, &v1alpha1.Rollout{})
	if err != nil {
		return err
	}
	for {
		if found, err = l.find(ctx, from, namespace); err != nil {
			return err
		}
		env.sayRows(l, found, false)
		if !idle(ctx, redraw, changed) {
			return nil
		}
	}
}

func (l *listing) find(ctx context.Context, from client.Reader, namespace string) ([]v1alpha1.Rollout, error) {
	var list v1alpha1.RolloutList
	if err := from.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list.Items, func(r v1alpha1.Rollout) bool { return l.name != "" && r.Name != l.name }), nil
}

// sayRows prints the rows that are not what they were, after a title if that is wanted and there are any.
func (env *Environment) sayRows(l *listing, found []v1alpha1.Rollout, title bool) {
	var news [][]string
	for _, r := range found {
		key, row := r.Namespace+"/"+r.Name, rolloutRow(&r)
		if slices.Equal(l.said[key], row) {
			continue
		}
		if l.said == nil {
			l.said = map[string][]string{}
		}
		l.said[key] = row
		news = append(news, l.with(row, r.Namespace, env.Now().UTC().Format(time.RFC3339)))
	}
	if title && (len(news) > 0 || l.watch) {
		news = append([][]string{l.with(rolloutTitles, "NAMESPACE", "TIMESTAMP")}, news...)
	}
	for _, row := range news {
		l.columns.fit(row)
	}
	for _, row := range news {
		env.say(l.columns.line(row))
	}
}

// with puts the wanted columns before a row.
func (l *listing) with(row []string, namespace, now string) []string {
	var before []string
	if l.timestamps {
		before = append(before, now)
	}
	if l.all {
		before = append(before, namespace)
	}
	return append(before, row...)
}

var rolloutTitles = []string{"NAME", "STRATEGY", "STATUS", "STEP", "SET-WEIGHT", "READY", "DESIRED", "UP-TO-DATE", "AVAILABLE"}

func rolloutRow(r *v1alpha1.Rollout) []string {
	phase, _ := v1alpha1.ClientPhase(r)
	info := view.Rollout(r, view.Objects{})
	step, weight := info.Step, info.SetWeight
	if step == "" {
		step = "-"
	}
	if weight == "" {
		weight = "-"
	}
	return []string{
		r.Name, info.Strategy, string(phase), step, weight,
		fmt.Sprintf("%d/%d", r.Status.ReadyReplicas, r.Status.Replicas), strconv.Itoa(int(v1alpha1.ReplicasOrDefault(r))),
		strconv.Itoa(int(r.Status.UpdatedReplicas)), strconv.Itoa(int(r.Status.AvailableReplicas)),
	}
}
