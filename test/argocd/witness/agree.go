package witness

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/health"
)

// agree holds what the scripts say inside Argo CD against what our own code says of the same Rollout.
func (s *subject) agree(ctx context.Context) error {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout"})
	return s.w.until(ctx, limit, s.name+": Lua in Argo CD and Go say the same", func() (bool, string) {
		if err := s.w.cluster.Get(ctx, client.ObjectKey{Namespace: s.name, Name: rolloutName}, live); err != nil {
			return false, err.Error()
		}
		want, err := health.Assess(live)
		if err != nil {
			return false, err.Error()
		}
		status, message, err := s.rolloutHealth(ctx, s.name)
		return err == nil && status == string(want.Status) && message == want.Message,
			fmt.Sprintf("Argo CD: %s %q %v; Go: %s %q", status, message, err, want.Status, want.Message)
	})
}
