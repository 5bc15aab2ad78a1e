package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/cache"
	gosync "github.com/argoproj/argo-cd/gitops-engine/pkg/sync"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync/common"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/sync"
)

// Settings say how to sync.
type Settings struct {
	// Prune deletes what Git does not have any more; PruneLast does so after everything else.
	Prune, PruneLast bool
	// Keys are the objects to sync. Nil: all of them.
	Keys []sync.Key
	// CreateNamespace makes the destination namespace when it is missing.
	CreateNamespace bool
	// Replace instead of apply; Force deletes and makes anew where that is needed.
	Replace, Force bool
	// NoValidation leaves out the check against the schema.
	NoValidation bool
	// SkipDryRunOnMissingResource accepts kinds that the cluster does not know yet.
	SkipDryRunOnMissingResource bool
	// Propagation of deletions: foreground (the default when empty), background or orphan.
	Propagation string
}

// An Operation is a sync on its way. It is a value: each Step gives the next one.
type Operation struct {
	Commit  string
	Started time.Time
	// Phase is Running, Succeeded, Failed or Error.
	Phase   string
	Message string
	Results []Result

	results []common.ResourceSyncResult
}

// Result is what became of one object.
type Result struct {
	Key     sync.Key
	Version string
	// Status is Synced, SyncFailed, Pruned or PruneSkipped; Message says more.
	Status, Message string
	// HookPhase of a hook, or of an object that is waited for; HookType is empty for what is no hook.
	HookPhase, HookType, SyncPhase string
}

// Done reports whether the operation has ended.
func (o Operation) Done() bool { return common.OperationPhase(o.Phase).Completed() }

// Succeeded reports whether everything was done.
func (o Operation) Succeeded() bool { return common.OperationPhase(o.Phase).Successful() }

// Step takes an operation one wave further, from a fresh picture. Without waves and hooks one step is all.
func (e *Engine) Step(a Application, p *Picture, s Settings, o Operation) (Operation, error) {
	steps, cleanup, err := gosync.NewSyncContext(o.Commit, p.pairs, e.config, e.config, e.kube, a.Namespace, e.options(a, p, s, o)...)
	if err != nil {
		return o, fmt.Errorf("prepare a sync: %w", err)
	}
	defer cleanup()
	steps.Sync()
	return o.at(steps), nil
}

// Terminate ends an operation that waits: its running hooks are deleted.
func (e *Engine) Terminate(a Application, p *Picture, s Settings, o Operation) (Operation, error) {
	steps, cleanup, err := gosync.NewSyncContext(o.Commit, p.pairs, e.config, e.config, e.kube, a.Namespace, e.options(a, p, s, o)...)
	if err != nil {
		return o, fmt.Errorf("prepare the end of a sync: %w", err)
	}
	defer cleanup()
	steps.Terminate()
	return o.at(steps), nil
}

// Delete asks for the deletion of every object of an application, its hooks included, and says how many are left.
func (e *Engine) Delete(ctx context.Context, a Application, propagation string) (int, error) {
	if err := e.Ready(); err != nil {
		return 0, err
	}
	live, err := e.cache.GetManagedLiveObjs(nil, func(r *cache.Resource) bool {
		application, _ := r.Info.(string)
		return application == a.Name
	})
	if err != nil {
		return 0, fmt.Errorf("look up the objects in the cluster: %w", err)
	}
	policy, left := propagations[propagation], 0
	for key, obj := range live {
		if hasOption(obj, "Delete=false") {
			continue
		}
		left++
		if obj.GetDeletionTimestamp() != nil {
			continue
		}
		err := e.kube.DeleteResource(ctx, e.config, obj.GroupVersionKind(), key.Name, key.Namespace, metav1.DeleteOptions{PropagationPolicy: &policy})
		if err != nil && !apierrors.IsNotFound(err) {
			return left, fmt.Errorf("delete %s %s/%s: %w", key.Kind, key.Namespace, key.Name, err)
		}
	}
	return left, nil
}

func hasOption(obj *unstructured.Unstructured, option string) bool {
	for _, word := range strings.Split(obj.GetAnnotations()[common.AnnotationSyncOptions], ",") {
		if strings.TrimSpace(word) == option {
			return true
		}
	}
	return false
}

func (o Operation) at(steps gosync.SyncContext) Operation {
	phase, message, results := steps.GetState()
	o.Phase, o.Message, o.results, o.Results = string(phase), message, results, nil
	for _, r := range results {
		o.Results = append(o.Results, Result{
			Key:     sync.Key{Group: r.ResourceKey.Group, Kind: r.ResourceKey.Kind, Namespace: r.ResourceKey.Namespace, Name: r.ResourceKey.Name},
			Version: r.Version, Status: string(r.Status), Message: r.Message,
			HookPhase: string(r.HookPhase), HookType: string(r.HookType), SyncPhase: string(r.SyncPhase),
		})
	}
	return o
}

func (e *Engine) options(a Application, p *Picture, s Settings, o Operation) []gosync.SyncOpt {
	propagation := propagations[s.Propagation]
	options := []gosync.SyncOpt{
		gosync.WithLogr(e.log), gosync.WithHealthOverride(override{}),
		gosync.WithInitialState(common.OperationPhase(o.Phase), o.Message, o.results, metav1.NewTime(o.Started)),
		gosync.WithOperationSettings(false, s.Prune, s.Force, len(s.Keys) > 0), // hooks belong to whole syncs
		gosync.WithPruneLast(s.PruneLast), gosync.WithPrunePropagationPolicy(&propagation),
		gosync.WithReplace(s.Replace), gosync.WithManifestValidation(!s.NoValidation),
		gosync.WithSkipDryRunOnMissingResource(s.SkipDryRunOnMissingResource),
		gosync.WithServerSideApply(a.ServerSide), gosync.WithServerSideApplyManager(Manager),
		// Only what differs is written: an apply of the rest could only undo what changed since the look at the cluster.
		gosync.WithResourceModificationChecker(true, &p.diffs),
		gosync.WithResourcesFilter(func(key kube.ResourceKey, _, _ *unstructured.Unstructured) bool {
			return len(s.Keys) == 0 || slices.Contains(s.Keys, sync.Key{Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name})
		}),
	}
	if s.CreateNamespace {
		options = append(options, gosync.WithNamespaceModifier(func(_, live *unstructured.Unstructured) (bool, error) { return live == nil, nil }))
	}
	return options
}

var propagations = map[string]metav1.DeletionPropagation{
	"": metav1.DeletePropagationForeground, "foreground": metav1.DeletePropagationForeground,
	"background": metav1.DeletePropagationBackground, "orphan": metav1.DeletePropagationOrphan,
}
