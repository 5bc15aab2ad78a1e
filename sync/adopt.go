package sync

import (
	"encoding/json"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Adopt returns the objects with what a Rollout of the same application manages taken over from the cluster: weights
// and managed routes of its VirtualServices, hash labels of its DestinationRule, action annotations of its ALB
// ingresses, the size of a Deployment it scales down, and its own mirror annotation. So none of these shows as a
// difference, and no apply sets one back. Nothing else is touched: a weight that somebody changed on any other
// VirtualService still shows.
//
// With server-side apply the selector of a Service is one value (it is atomic), so the injected hash is taken over
// too. A client-side apply leaves keys alone that Git never had; there the hash must not be written, since it may
// have changed since the look at the cluster.
func Adopt(objects []Object, serverSide bool) []Object {
	adopted := slices.Clone(objects)
	for _, o := range objects {
		if o.Desired == nil || !KeyOf(o.Desired).isRollout() {
			continue
		}
		rollout, ok := decode(o.Desired)
		if !ok {
			continue // what cannot be read manages nothing; whoever renders reports it
		}
		m := managed{namespace: o.Key().Namespace, serverSide: serverSide, rollout: rollout}
		for i := range adopted {
			adopted[i] = m.adopt(adopted[i])
		}
	}
	return adopted
}

func decode(obj *unstructured.Unstructured) (*v1alpha1.Rollout, bool) {
	data, err := json.Marshal(obj.Object)
	if err != nil {
		return nil, false
	}
	rollout := &v1alpha1.Rollout{}
	return rollout, json.Unmarshal(data, rollout) == nil
}

// managed knows what one Rollout manages.
type managed struct {
	namespace  string
	serverSide bool
	rollout    *v1alpha1.Rollout
}

func (m managed) adopt(o Object) Object {
	if o.Desired == nil || o.Live == nil || o.Key().Namespace != m.namespace {
		return o
	}
	take := m.takes(o.Key())
	if take == nil {
		return o
	}
	o.Desired = o.Desired.DeepCopy()
	take(o.Desired, o.Live)
	return o
}

// takes is how values of the live object are taken over; nil for an object that the Rollout does not manage.
func (m managed) takes(k Key) func(desired, live *unstructured.Unstructured) {
	spec := m.rollout.Spec
	routing := m.routing()
	switch {
	case k.isRollout() && k.Name == m.rollout.Name:
		return takeAnnotation(func(key string) bool { return key == v1alpha1.ServingAnnotation })
	case k.Kind == "Service" && k.Group == "" && m.serverSide && slices.Contains(m.services(), k.Name):
		return takeSelectorHash
	case k.Kind == "Deployment" && spec.WorkloadRef != nil && spec.WorkloadRef.Kind == k.Kind && spec.WorkloadRef.Name == k.Name &&
		spec.WorkloadRef.ScaleDown != "" && spec.WorkloadRef.ScaleDown != v1alpha1.ScaleDownNever:
		return takeField("spec", "replicas")
	case k.Kind == "Ingress" && routing.ALB != nil && (routing.ALB.Ingress == k.Name || slices.Contains(routing.ALB.Ingresses, k.Name)):
		return takeAnnotation(func(key string) bool { return strings.Contains(key, "/actions.") })
	case k.Group == "networking.istio.io" && routing.Istio != nil:
		return m.istio(k)
	}
	return nil
}

func (m managed) routing() v1alpha1.RolloutTrafficRouting {
	if canary := m.rollout.Spec.Strategy.Canary; canary != nil && canary.TrafficRouting != nil {
		return *canary.TrafficRouting
	}
	return v1alpha1.RolloutTrafficRouting{}
}

func (m managed) services() []string {
	var names []string
	if c := m.rollout.Spec.Strategy.Canary; c != nil {
		names = append(names, c.CanaryService, c.StableService)
		if c.PingPong != nil {
			names = append(names, c.PingPong.PingService, c.PingPong.PongService)
		}
	}
	if b := m.rollout.Spec.Strategy.BlueGreen; b != nil {
		names = append(names, b.ActiveService, b.PreviewService)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// takeAnnotation takes over the values of annotations that both sides have.
func takeAnnotation(mine func(key string) bool) func(desired, live *unstructured.Unstructured) {
	return func(desired, live *unstructured.Unstructured) {
		wanted := desired.GetAnnotations()
		for key := range wanted {
			if value, found := live.GetAnnotations()[key]; found && mine(key) {
				wanted[key] = value
			}
		}
		if wanted != nil {
			desired.SetAnnotations(wanted)
		}
	}
}

func takeSelectorHash(desired, live *unstructured.Unstructured) {
	hash, found, _ := unstructured.NestedString(live.Object, "spec", "selector", v1alpha1.DefaultRolloutUniqueLabelKey)
	if found {
		_ = unstructured.SetNestedField(desired.Object, hash, "spec", "selector", v1alpha1.DefaultRolloutUniqueLabelKey) // fails only where the selector is no map, which the API server says better
	}
}

func takeField(path ...string) func(desired, live *unstructured.Unstructured) {
	return func(desired, live *unstructured.Unstructured) {
		_, wanted, _ := unstructured.NestedFieldNoCopy(desired.Object, path...)
		value, found, _ := unstructured.NestedFieldCopy(live.Object, path...)
		if wanted && found {
			_ = unstructured.SetNestedField(desired.Object, value, path...) // as above
		}
	}
}
