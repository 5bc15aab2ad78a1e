package controller

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
)

// write stores a status, on the main resource as the kind has no status of its own, if nobody was faster. Its events
// are told after that: at most once.
func (a *analysisRuns) write(ctx context.Context, run *v1alpha1.AnalysisRun, outcome analysis.Outcome) error {
	if equality.Semantic.DeepEqual(run.Status, outcome.Status) {
		return nil
	}
	next := run.DeepCopy()
	next.Status = outcome.Status
	patch := client.MergeFromWithOptions(run, client.MergeFromWithOptimisticLock{})
	if err := a.Client.Patch(ctx, next, patch); apierrors.IsNotFound(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("write status of analysis run: %w", err)
	}
	a.Fence.Wrote(client.ObjectKeyFromObject(run), next)
	for _, e := range outcome.Events {
		a.Tell(next, kube.Event{Reason: e.Reason, Message: e.Message, Warning: e.Warning})
	}
	return nil
}

// refuse ends a run that does not decode. What is there is left as it is but for the phase.
func (a *analysisRuns) refuse(ctx context.Context, run *v1alpha1.AnalysisRun, why string) error {
	raw := &unstructured.Unstructured{}
	raw.SetGroupVersionKind(v1alpha1.AnalysisRunGroupVersionKind)
	if err := a.Direct.Get(ctx, client.ObjectKeyFromObject(run), raw); err != nil {
		return client.IgnoreNotFound(err)
	}
	phase, _, _ := unstructured.NestedString(raw.Object, "status", "phase")
	if v1alpha1.AnalysisPhase(phase).Completed() || raw.GetDeletionTimestamp() != nil {
		return nil
	}
	outcome := analysis.Refuse(run, "Analysis spec invalid: "+why)
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": raw.GetResourceVersion()},
		"status":   map[string]any{"phase": outcome.Status.Phase, "message": outcome.Status.Message},
	})
	if err == nil {
		err = a.Client.Patch(ctx, raw, client.RawPatch(types.MergePatchType, patch))
	}
	if apierrors.IsInvalid(err) { // another attempt would be refused as well; the log says why
		a.Log.Error("a broken analysis run cannot be marked", "analysisrun", run.Namespace+"/"+run.Name, "error", err)
		return nil
	} else if err != nil {
		return fmt.Errorf("mark broken analysis run: %w", err)
	}
	for _, e := range outcome.Events {
		a.Tell(run, kube.Event{Reason: e.Reason, Message: e.Message, Warning: e.Warning})
	}
	return nil
}

// expire deletes a completed run whose time is over.
func (a *analysisRuns) expire(ctx context.Context, run *v1alpha1.AnalysisRun) (reconcile.Result, error) {
	over, at := analysis.Expired(run, a.Now())
	if !over {
		return a.until(at), nil
	}
	err := a.Client.Delete(ctx, run, client.Preconditions{UID: &run.UID, ResourceVersion: &run.ResourceVersion})
	if client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, fmt.Errorf("delete expired analysis run: %w", err)
	}
	a.Log.Info("deleted an analysis run whose ttl is over", "analysisrun", run.Namespace+"/"+run.Name)
	return reconcile.Result{}, nil
}
