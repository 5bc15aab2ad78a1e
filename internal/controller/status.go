package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// status writes the status, if it changed, and measures an update that it ends.
func (w *writer) status(ctx context.Context, want *v1alpha1.RolloutStatus) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if want == nil || unchanged(&w.snapshot.Rollout.Status, want) {
		return nil
	}
	was, written := w.ro.DeepCopy(), w.ro.DeepCopy()
	was.Status, written.Status = w.snapshot.Rollout.Status, *want.DeepCopy()
	if err := w.Client.Status().Patch(ctx, written, client.MergeFromWithOptions(was, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("write status of rollout %s: %w", w.key, err)
	}
	w.wrote = true
	w.ro = written
	w.wroteObject(written)
	if d := want.Duration; d != nil && d.FinishedAt != nil && (was.Status.Duration == nil || was.Status.Duration.FinishedAt == nil) {
		w.Metrics.Finished(*d)
	}
	return nil
}

// unchanged compares statuses as the API server stores them.
func unchanged(a, b *v1alpha1.RolloutStatus) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && slices.Equal(x, y)
}

func (w *writer) patchRollout(ctx context.Context, body map[string]any) error {
	written := w.ro.DeepCopy()
	if err := w.Client.Patch(ctx, written, swap(body, w.ro)); err != nil {
		return fmt.Errorf("change rollout %s: %w", w.key, err)
	}
	w.ro = written
	w.wroteObject(written)
	return nil
}

// swap is a merge patch that only holds while seen is the newest version.
func swap(body map[string]any, seen client.Object) client.Patch {
	metadata, _ := body["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["resourceVersion"], metadata["uid"] = seen.GetResourceVersion(), seen.GetUID()
	return merge(body, metadata)
}

// claimed is a merge patch that only holds while the object is the one we mean, whoever else writes to it. It is for
// fields that are ours alone.
func claimed(body map[string]any, seen client.Object) client.Patch {
	metadata, _ := body["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["uid"] = seen.GetUID()
	return merge(body, metadata)
}

func merge(body, metadata map[string]any) client.Patch {
	whole := maps.Clone(body)
	whole["metadata"] = metadata
	data, err := json.Marshal(whole)
	if err != nil {
		panic(err) // texts, numbers and maps of them
	}
	return client.RawPatch(types.MergePatchType, data)
}

func (w *writer) annotate(ctx context.Context, annotations map[string]*string) error {
	if len(annotations) == 0 {
		return nil
	}
	return w.patchRollout(ctx, map[string]any{"metadata": map[string]any{"annotations": annotations}})
}
