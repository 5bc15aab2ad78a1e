package cli

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/version"
)

// program is the name under which the API server sees us, and the owner of the fields that we write.
const program = "kubectl-argo-rollouts"

// A Cluster is a connection, and the namespace that the flags or the kubeconfig name.
type Cluster struct {
	client.Client
	Namespace string
	// Watch returns a reader that stays up to date, and a channel that speaks up whenever one of the kinds changed.
	// An empty namespace means all.
	Watch func(ctx context.Context, namespace string, kinds ...client.Object) (client.Reader, <-chan struct{}, error)
}

// ours are the ReplicaSets and pods that have a pod-template hash of ours: no other can belong to a Rollout.
var ours = func() labels.Selector {
	exists, err := labels.Parse(v1alpha1.DefaultRolloutUniqueLabelKey)
	utilruntime.Must(err) // a constant
	return exists
}()

// scheme knows all kinds that the commands read or write.
var scheme = func() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(corev1.AddToScheme(s))
	utilruntime.Must(appsv1.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}()

// mapper knows the same kinds, and their lists, which caches ask for. With a mapper that asks the server, each command
// would begin with half a dozen requests and would fail where an aggregated API is down.
func mapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(nil)
	add := func(gv schema.GroupVersion, scope meta.RESTScope, kinds ...string) {
		for _, kind := range kinds {
			m.Add(gv.WithKind(kind), scope)
			m.Add(gv.WithKind(kind+"List"), scope)
		}
	}
	ours := v1alpha1.SchemeGroupVersion
	add(ours, meta.RESTScopeNamespace, v1alpha1.RolloutKind, v1alpha1.AnalysisRunKind, v1alpha1.AnalysisTemplateKind, v1alpha1.ExperimentKind)
	add(ours, meta.RESTScopeRoot, v1alpha1.ClusterAnalysisTemplateKind)
	add(appsv1.SchemeGroupVersion, meta.RESTScopeNamespace, "Deployment", "ReplicaSet")
	add(corev1.SchemeGroupVersion, meta.RESTScopeNamespace, "ConfigMap", "Pod", "PodTemplate", "Secret")
	return m
}

func connect(flags *genericclioptions.ConfigFlags) (*Cluster, error) {
	config, err := flags.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	config.UserAgent = program + "/" + version.Version
	namespace, _, err := flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, err
	}
	c, err := client.New(config, client.Options{Scheme: scheme, Mapper: mapper()})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", config.Host, err)
	}
	return &Cluster{Client: client.WithFieldOwner(c, program), Namespace: namespace, Watch: informers(config)}, nil
}

// informers keep what is watched in memory, so that a redraw costs the API server nothing.
func informers(config *rest.Config) func(context.Context, string, ...client.Object) (client.Reader, <-chan struct{}, error) {
	return func(ctx context.Context, namespace string, kinds ...client.Object) (client.Reader, <-chan struct{}, error) {
		options := cache.Options{
			Scheme: scheme, Mapper: mapper(), DefaultTransform: cache.TransformStripManagedFields(),
			ByObject: map[client.Object]cache.ByObject{
				&appsv1.ReplicaSet{}: {Label: ours},
				&corev1.Pod{}:        {Label: ours},
			},
		}
		if namespace != "" {
			options.DefaultNamespaces = map[string]cache.Config{namespace: {}}
		}
		c, err := cache.New(config, options)
		if err != nil {
			return nil, nil, err
		}
		changed := make(chan struct{}, 1)
		speak := func() {
			select {
			case changed <- struct{}{}:
			default: // it was not heard yet; once is enough
			}
		}
		for _, kind := range kinds {
			informer, err := c.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
			if err != nil {
				return nil, nil, fmt.Errorf("watch %T: %w", kind, err)
			}
			if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
				AddFunc: func(any) { speak() }, UpdateFunc: func(any, any) { speak() }, DeleteFunc: func(any) { speak() },
			}); err != nil {
				return nil, nil, fmt.Errorf("watch %T: %w", kind, err)
			}
		}
		go func() { utilruntime.HandleError(c.Start(ctx)) }()
		if !c.WaitForCacheSync(ctx) {
			return nil, nil, context.Cause(ctx)
		}
		return c, changed, nil
	}
}

// rollout reads one Rollout.
func (c *Cluster) rollout(ctx context.Context, from client.Reader, name string) (*v1alpha1.Rollout, error) {
	r := &v1alpha1.Rollout{}
	return r, from.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: name}, r)
}
