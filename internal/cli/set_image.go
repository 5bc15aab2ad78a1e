package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/operation"
)

func newSet(env *Environment) *cobra.Command {
	return group("set", "Change something of a rollout", newSetImage(env))
}

func newSetImage(env *Environment) *cobra.Command {
	return &cobra.Command{
		Use:   "image ROLLOUT CONTAINER=IMAGE",
		Short: "Give a container another image, which starts an update",
		Long: "Give a container another image, which starts an update. Init containers count, and * means all containers. With a " +
			"workloadRef the image of the referenced object is changed.",
		Example: examples(`
			# Update the image of the container api
			%s set image payments-api api=registry.example/payments-api:1.4.3`),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError{}
			}
			if container, image, _ := strings.Cut(args[1], "="); container == "" || image == "" {
				return usageError{"the image has to be in the form CONTAINER=IMAGE"}
			}
			return nil
		},
		ValidArgsFunction: names(env, rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := env.Connect(env.Flags)
			if err != nil {
				return err
			}
			container, image, _ := strings.Cut(args[1], "=")
			done, err := c.onTemplate(cmd.Context(), args[0], func(_ *v1alpha1.Rollout, w operation.Workload) (operation.Change, error) {
				return operation.SetImage(w, container, image)
			})
			if err != nil {
				return err
			}
			env.say(done.Output)
			return nil
		},
	}
}
