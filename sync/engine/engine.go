// Package engine compares what was rendered with the cluster, and applies and prunes, by way of gitops-engine. It is
// the only package that imports it.
//
// It leaves to others what to render (package render), what the comparison means and whether to act on it (package
// sync), and when (internal/agent).
package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/cache"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	gosync "github.com/argoproj/argo-cd/gitops-engine/pkg/sync"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync/hook"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/tracing"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/sluice-delivery/sluice/sync"
)

// Manager is the field manager of everything the engine applies.
const Manager = "sluice-agent"

// Options of an Engine.
type Options struct {
	// Namespaces to watch and to write to. Empty: all of them, and cluster-wide objects too.
	Namespaces []string
	// Log gets what gitops-engine has to say.
	Log logr.Logger
	// Changed is called with the tracking name of an application when one of its objects changed. It must not block.
	Changed func(application string)
}

// An Engine watches one cluster for all applications.
type Engine struct {
	config *rest.Config
	cache  cache.ClusterCache
	kube   *kube.KubectlCmd
	log    logr.Logger
}

// New makes an Engine; nothing is watched before Start.
func New(config *rest.Config, o Options) *Engine {
	kubectl := &kube.KubectlCmd{Log: o.Log, Tracer: tracing.NopTracer{}}
	clusterCache := cache.NewClusterCache(config,
		cache.SetKubectl(kubectl), cache.SetLogr(o.Log), cache.SetNamespaces(o.Namespaces),
		cache.SetSettings(cache.Settings{ResourceHealthOverride: override{}, ResourcesFilter: filter{}}),
		cache.SetRespectRBAC(cache.RespectRbacNormal), // what the ServiceAccount may not list, no application has
		cache.SetPopulateResourceInfoHandler(func(obj *unstructured.Unstructured, _ bool) (any, bool) {
			application := trackedBy(obj)
			return application, application != ""
		}))
	if o.Changed != nil {
		clusterCache.OnResourceUpdated(func(now, before *cache.Resource, _ map[kube.ResourceKey]*cache.Resource) {
			for _, r := range []*cache.Resource{now, before} {
				if r == nil {
					continue
				}
				if application, _ := r.Info.(string); application != "" {
					o.Changed(application)
					return
				}
			}
		})
	}
	return &Engine{config: config, cache: clusterCache, kube: kubectl, log: o.Log}
}

// Ready lists and watches the cluster unless that was done already.
func (e *Engine) Ready() error {
	if err := e.cache.EnsureSynced(); err != nil {
		return fmt.Errorf("read the cluster: %w", err)
	}
	return nil
}

// Stop ends all watches.
func (e *Engine) Stop() { e.cache.Invalidate() }

// An Application is what the engine has to know of one.
type Application struct {
	// Name is unique in the cluster. It is what objects are tracked by.
	Name string
	// Namespace is where objects go that name none.
	Namespace string
	// ServerSide applies on the server, with Manager as owner of the fields.
	ServerSide bool
	// Ignored fields are no differences. With KeepIgnored an apply leaves them as they are in the cluster.
	Ignored     []Ignored
	KeepIgnored bool
}

// A Picture is the whole comparison, from one look.
type Picture struct {
	// Objects without hooks. Differences are those after sync.Adopt.
	Objects []sync.Object
	// Foreign are objects of the application that another application tracks, each with that one's name.
	Foreign map[sync.Key]string
	// Repeated are objects that were rendered more than once; the last one counts.
	Repeated []sync.Key

	pairs gosync.ReconciliationResult
	diffs diff.DiffResultList
}

// Compare looks at the cluster. The objects are changed: they get their namespace and the tracking annotation.
func (e *Engine) Compare(a Application, rendered []*unstructured.Unstructured) (*Picture, error) {
	if err := e.Ready(); err != nil {
		return nil, err
	}
	p := &Picture{Foreign: map[sync.Key]string{}}
	targets := e.prepare(a, rendered, p)
	live, err := e.cache.GetManagedLiveObjs(targets, func(r *cache.Resource) bool {
		application, _ := r.Info.(string)
		return application == a.Name
	})
	if err != nil {
		return nil, fmt.Errorf("look up the objects in the cluster: %w", err)
	}
	p.pairs = gosync.Reconcile(targets, live, a.Namespace, e.cache)
	p.adopt(a)
	if err := e.compare(a, p); err != nil {
		return nil, err
	}
	return p, nil
}

// prepare gives every object its namespace and its tracking id, and drops all but the last of several of one name.
func (e *Engine) prepare(a Application, rendered []*unstructured.Unstructured, p *Picture) []*unstructured.Unstructured {
	byKey, targets := map[sync.Key]int{}, make([]*unstructured.Unstructured, 0, len(rendered))
	for _, obj := range rendered {
		if kube.IsNamespacedOrUnknown(e.cache, obj.GroupVersionKind().GroupKind()) {
			if obj.GetNamespace() == "" {
				obj.SetNamespace(a.Namespace)
			}
		} else {
			obj.SetNamespace("")
		}
		track(obj, a)
		key := sync.KeyOf(obj)
		if i, repeated := byKey[key]; repeated && key.Name != "" {
			p.Repeated = append(p.Repeated, key)
			targets[i] = obj
			continue
		}
		byKey[key] = len(targets)
		targets = append(targets, obj)
	}
	return targets
}

// adopt takes over what Rollouts manage, so that neither the comparison nor an apply disturbs it.
func (p *Picture) adopt(a Application) {
	objects := make([]sync.Object, len(p.pairs.Target))
	for i := range objects {
		objects[i] = sync.Object{Desired: p.pairs.Target[i], Live: p.pairs.Live[i]}
	}
	for i, o := range sync.Adopt(objects, a.ServerSide) {
		if a.KeepIgnored && o.Desired != nil && o.Live != nil {
			o.Desired = keep(o, a.Ignored)
		}
		p.pairs.Target[i] = o.Desired
	}
}

func (e *Engine) compare(a Application, p *Picture) error {
	options := []diff.Option{diff.WithLogr(e.log), diff.WithNormalizer(normalizer(a.Ignored))}
	if a.ServerSide {
		options = append(options, diff.WithStructuredMergeDiff(true), diff.WithGVKParser(e.cache.GetGVKParser()), diff.WithManager(Manager))
	}
	for i, target := range p.pairs.Target {
		o := sync.Object{Desired: target, Live: p.pairs.Live[i]}
		result, err := diff.Diff(target, o.Live, options...)
		if err != nil {
			return fmt.Errorf("compare %s: %w", o.Key(), err)
		}
		if target != nil && o.Live != nil {
			if o.Changes, err = changes(result); err != nil {
				return fmt.Errorf("compare %s: %w", o.Key(), err)
			}
			result.Modified = len(o.Changes) > 0
			if other := trackedBy(o.Live); other != "" && other != a.Name {
				p.Foreign[o.Key()] = other
			}
		}
		p.diffs.Diffs = append(p.diffs.Diffs, *result)
		p.diffs.Modified = p.diffs.Modified || result.Modified
		if o.Live == nil || !hook.IsHook(o.Live) {
			p.Objects = append(p.Objects, o)
		}
	}
	slices.SortStableFunc(p.Objects, func(a, b sync.Object) int { return strings.Compare(order(a), order(b)) })
	return nil
}

// order makes the objects of every look come in the same order.
func order(o sync.Object) string {
	k := o.Key()
	return strings.Join([]string{k.Group, k.Kind, k.Namespace, k.Name}, "\x00")
}

func changes(result *diff.DiffResult) ([]string, error) {
	if !result.Modified {
		return nil, nil
	}
	var predicted, live map[string]any
	if err := json.Unmarshal(result.PredictedLive, &predicted); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(result.NormalizedLive, &live); err != nil {
		return nil, err
	}
	return sync.Fields(predicted, live), nil
}
