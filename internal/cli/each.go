package cli

import (
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/cli/submit"
	"github.com/sluice-delivery/sluice/rollout/operation"
)

// submitEach makes a change for each of the named objects and says what it did. The first error ends it.
func submitEach(env *Environment, cmd *cobra.Command, names []string, kind func(metav1.ObjectMeta) client.Object, change func(name string) operation.Change) error {
	c, err := env.Connect(env.Flags)
	if err != nil {
		return err
	}
	for _, name := range names {
		wanted := change(name)
		if err := submit.Change(cmd.Context(), c, kind(metav1.ObjectMeta{Namespace: c.Namespace, Name: name}), wanted); err != nil {
			return err
		}
		env.say(wanted.Output)
	}
	return nil
}

func aRollout(m metav1.ObjectMeta) client.Object     { return &v1alpha1.Rollout{ObjectMeta: m} }
func anExperiment(m metav1.ObjectMeta) client.Object { return &v1alpha1.Experiment{ObjectMeta: m} }
func anAnalysisRun(m metav1.ObjectMeta) client.Object {
	return &v1alpha1.AnalysisRun{ObjectMeta: m}
}
