package cli

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/cli/submit"
	"github.com/sluice-delivery/sluice/rollout/operation"
)

// workload finds the object that holds the pod template of a Rollout (spec 3.19).
func (c *Cluster) workload(ctx context.Context, r *v1alpha1.Rollout) (operation.Workload, client.Object, error) {
	ref := r.Spec.WorkloadRef
	if ref == nil {
		return held(v1alpha1.RolloutKind, r, r.Spec.Template), r, nil
	}
	gv, err := schema.ParseGroupVersion(ref.APIVersion)
	if err != nil {
		return operation.Workload{}, nil, fmt.Errorf("workloadRef: %w", err)
	}
	key := client.ObjectKey{Namespace: r.Namespace, Name: ref.Name}
	switch kind := gv.WithKind(ref.Kind).GroupKind(); kind {
	case appsv1.SchemeGroupVersion.WithKind("Deployment").GroupKind():
		d := &appsv1.Deployment{}
		err := c.Get(ctx, key, d)
		return held(ref.Kind, d, d.Spec.Template), d, err
	case appsv1.SchemeGroupVersion.WithKind("ReplicaSet").GroupKind():
		rs := &appsv1.ReplicaSet{}
		err := c.Get(ctx, key, rs)
		return held(ref.Kind, rs, rs.Spec.Template), rs, err
	case corev1.SchemeGroupVersion.WithKind("PodTemplate").GroupKind():
		pt := &corev1.PodTemplate{}
		err := c.Get(ctx, key, pt)
		return held(ref.Kind, pt, pt.Template), pt, err
	default:
		return operation.Workload{}, nil, fmt.Errorf("workload of type %s/%s is not supported", kind.Group, kind.Kind)
	}
}

func held(kind string, o client.Object, template corev1.PodTemplateSpec) operation.Workload {
	return operation.Workload{Kind: kind, Name: o.GetName(), ResourceVersion: o.GetResourceVersion(), Template: template}
}

// onTemplate reads the Rollout and what holds its template, makes a change of them, and sends it. When somebody else
// wrote in between it looks again, five times in all.
func (c *Cluster) onTemplate(ctx context.Context, name string, change func(*v1alpha1.Rollout, operation.Workload) (operation.Change, error)) (operation.Change, error) {
	var wanted operation.Change
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		r, err := c.rollout(ctx, c, name)
		if err != nil {
			return err
		}
		w, object, err := c.workload(ctx, r)
		if err != nil {
			return err
		}
		if wanted, err = change(r, w); err != nil {
			return err
		}
		return submit.Change(ctx, c, object, wanted)
	})
	return wanted, err
}
