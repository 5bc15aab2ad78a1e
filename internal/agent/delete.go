package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/sluice-delivery/sluice/sync/engine"
)

// finalizer on an Application asks that its objects are deleted with it. A suffix chooses how: /background.
const finalizer = "resources-finalizer.argocd.argoproj.io"

// delete removes the objects of an Application that asks for it, then lets it go.
func (a *Agent) delete(ctx context.Context, l *look) (reconcile.Result, error) {
	i := slices.IndexFunc(l.obj.GetFinalizers(), func(f string) bool { return f == finalizer || strings.HasPrefix(f, finalizer+"/") })
	if i < 0 {
		return reconcile.Result{}, nil
	}
	_, propagation, _ := strings.Cut(l.obj.GetFinalizers()[i], "/")
	remaining, err := a.engine.Delete(ctx, engine.Application{Name: l.obj.GetNamespace() + "_" + l.obj.GetName()}, propagation)
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("delete the objects of Application %s: %w", l.name(), err)
	}
	if remaining > 0 {
		a.log.Info("delete with its Application", "application", l.name(), "objects", remaining)
		return reconcile.Result{RequeueAfter: time.Second}, nil
	}
	left := slices.Delete(slices.Clone(l.obj.GetFinalizers()), i, i+1)
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"finalizers": left, "resourceVersion": l.obj.GetResourceVersion()}})
	if err != nil {
		return reconcile.Result{}, err
	}
	_, err = a.client.Resource(applications).Namespace(l.obj.GetNamespace()).Patch(ctx, l.obj.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: engine.Manager})
	if err != nil && !apierrors.IsNotFound(err) {
		return reconcile.Result{}, fmt.Errorf("let Application %s go: %w", l.name(), err)
	}
	return reconcile.Result{}, nil
}
