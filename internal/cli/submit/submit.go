// Package submit hands a person's change (rollout/operation) to the API server. The kubectl plugin and the dashboard
// share it; what a change consists of is decided elsewhere.
package submit

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/rollout/operation"
)

// Change sends a change to the object that it is for, which needs a kind, a namespace and a name. Where the API server
// knows no status subresource, all of it goes to the main resource in one patch (spec 9.7).
func Change(ctx context.Context, c client.Client, to client.Object, change operation.Change) error {
	for _, p := range change.Patches {
		err := send(ctx, c, to, p)
		if apierrors.IsNotFound(err) && p.Subresource == operation.Status {
			whole, combine := change.Combined()
			if combine != nil {
				return combine
			}
			return send(ctx, c, to, whole)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// send leaves the object alone: the answer is not needed.
func send(ctx context.Context, c client.Client, to client.Object, p operation.Patch) error {
	target, patch := to.DeepCopyObject().(client.Object), client.RawPatch(p.Type, p.Body)
	if p.Subresource == operation.Status {
		return c.Status().Patch(ctx, target, patch)
	}
	return c.Patch(ctx, target, patch)
}
