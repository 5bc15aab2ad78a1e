package cli

import (
	"errors"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/operation"
)

func newUndo(env *Environment) *cobra.Command {
	var revision int64
	cmd := &cobra.Command{
		Use:   "undo ROLLOUT",
		Short: "Go back to an earlier revision",
		Long:  "Go back to an earlier revision: its pod template becomes the wanted one again, which starts an update.",
		Example: examples(`
			# Go back by one revision
			%s undo payments-api

			# Go back to revision 3
			%s undo payments-api --to-revision=3`),
		Args:              exactly(1),
		ValidArgsFunction: names(env, rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := env.Connect(env.Flags)
			if err != nil {
				return err
			}
			done, err := c.onTemplate(cmd.Context(), args[0], func(r *v1alpha1.Rollout, w operation.Workload) (operation.Change, error) {
				list := &appsv1.ReplicaSetList{}
				if err := c.List(cmd.Context(), list, client.InNamespace(r.Namespace), client.MatchingLabelsSelector{Selector: ours}); err != nil {
					return operation.Change{}, err
				}
				return operation.Undo(r, w, pointers(list.Items), revision)
			})
			if refused := apierrors.APIStatus(nil); errors.As(err, &refused) && len(done.Patches) > 0 {
				return operation.UndoError(revision, err)
			} else if err != nil {
				return err
			}
			env.say(done.Output)
			return nil
		},
	}
	cmd.Flags().Int64Var(&revision, "to-revision", 0, "The revision to go back to; 0 is the one before the latest")
	return cmd
}

func pointers[T any](list []T) []*T {
	all := make([]*T, len(list))
	for i := range list {
		all[i] = &list[i]
	}
	return all
}
