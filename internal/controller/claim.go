package controller

import (
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/kube"
)

// claim adopts ReplicaSets that match the selector and belong to nobody, and releases those that no longer match
// (spec 2.4). It reports whether it changed any; the pass then ends.
func (c *Rollouts) claim(ctx context.Context, ro *v1alpha1.Rollout) (bool, error) {
	selector, err := metav1.LabelSelectorAsSelector(ro.Spec.Selector)
	if err != nil || ro.Spec.Selector == nil || selector.Empty() {
		return false, nil // a fault of the spec; the planner says so
	}
	var orphans, own appsv1.ReplicaSetList
	if err := c.Client.List(ctx, &orphans, client.InNamespace(ro.Namespace), client.MatchingFields{ownerIndex: nobody}, client.UnsafeDisableDeepCopy); err != nil {
		return false, fmt.Errorf("list replicasets without an owner: %w", err)
	}
	if err := c.Client.List(ctx, &own, client.InNamespace(ro.Namespace), client.MatchingFields{ownerIndex: string(ro.UID)}, client.UnsafeDisableDeepCopy); err != nil {
		return false, fmt.Errorf("list replicasets of the rollout: %w", err)
	}
	adopted, err := c.adopt(ctx, ro, selector, orphans.Items)
	if err != nil {
		return false, err
	}
	released, err := c.release(ctx, ro, selector, own.Items)
	return adopted || released, err
}

func (c *Rollouts) adopt(ctx context.Context, ro *v1alpha1.Rollout, selector labels.Selector, orphans []appsv1.ReplicaSet) (changed bool, err error) {
	for i := range orphans {
		rs := &orphans[i]
		if rs.DeletionTimestamp != nil || !selector.Matches(labels.Set(rs.Labels)) {
			continue
		}
		if alive, err := c.alive(ctx, ro); err != nil || !alive {
			return changed, err
		}
		owners := append([]metav1.OwnerReference{}, rs.OwnerReferences...)
		if err := c.setOwners(ctx, ro, rs, append(owners, *metav1.NewControllerRef(ro, v1alpha1.RolloutGroupVersionKind))); err != nil {
			return changed, fmt.Errorf("adopt replicaset %s: %w", rs.Name, err)
		}
		changed = true
	}
	return changed, nil
}

func (c *Rollouts) release(ctx context.Context, ro *v1alpha1.Rollout, selector labels.Selector, own []appsv1.ReplicaSet) (changed bool, err error) {
	for i := range own {
		rs := &own[i]
		if rs.DeletionTimestamp != nil || selector.Matches(labels.Set(rs.Labels)) {
			continue
		}
		var others []metav1.OwnerReference
		for _, owner := range rs.OwnerReferences {
			if owner.UID != ro.UID {
				others = append(others, owner)
			}
		}
		if err := c.setOwners(ctx, ro, rs, others); err != nil {
			return changed, fmt.Errorf("release replicaset %s: %w", rs.Name, err)
		}
		changed = true
	}
	return changed, nil
}

// alive asks the API server whether the Rollout is still the one we know: a cache may not have heard of its end.
func (c *Rollouts) alive(ctx context.Context, ro *v1alpha1.Rollout) (bool, error) {
	now := &metav1.PartialObjectMetadata{}
	now.SetGroupVersionKind(v1alpha1.RolloutGroupVersionKind)
	err := c.Live.Get(ctx, kube.Key(ro), now)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read rollout %s again: %w", kube.Key(ro), err)
	}
	return now.UID == ro.UID && now.DeletionTimestamp == nil, nil
}

func (c *Rollouts) setOwners(ctx context.Context, ro *v1alpha1.Rollout, rs *appsv1.ReplicaSet, owners []metav1.OwnerReference) error {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": rs.ResourceVersion, "uid": rs.UID, "ownerReferences": owners}})
	if err != nil {
		return err
	}
	written := rs.DeepCopy()
	if err := c.Client.Patch(ctx, written, client.RawPatch(types.MergePatchType, body)); err != nil {
		return err
	}
	c.Fence.Wrote(kube.Key(ro), written)
	return nil
}
