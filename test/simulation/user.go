package simulation

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/operation"
)

// Apply creates the objects of a list of YAML documents, as a person would.
func (w *World) Apply(documents ...string) error {
	for _, text := range documents {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(text), &kind); err != nil {
			return err
		}
		if err := w.applyOne(kind.Kind, []byte(text)); err != nil {
			return fmt.Errorf("apply %s: %w", kind.Kind, err)
		}
	}
	return nil
}

func (w *World) applyOne(kind string, text []byte) error {
	switch kind {
	case "Rollout":
		r, err := decode[v1alpha1.Rollout](text)
		if err != nil {
			return err
		}
		w.Name, r.UID, r.Generation = r.Name, "rollout", 1
		w.routers = append(w.routers, w.recorderFor(r)...)
		w.birth(r)
		_, err = w.put("Rollout", r, 0)
		return err
	case "Service":
		s, err := decode[corev1.Service](text)
		if err != nil {
			return err
		}
		w.birth(s)
		_, err = w.put("Service", s, 0)
		return err
	case "AnalysisTemplate":
		t, err := decode[v1alpha1.AnalysisTemplate](text)
		if err != nil {
			return err
		}
		w.templates[t.Name] = t
		return nil
	case "Ingress":
		i, err := decode[networkingv1.Ingress](text)
		if err != nil {
			return err
		}
		w.ingresses[i.Name] = i
	case "VirtualService", "DestinationRule":
	default:
		return fmt.Errorf("the simulation does not know this kind")
	}
	o, err := decode[unstructured.Unstructured](text)
	if err != nil {
		return err
	}
	if kind == "VirtualService" {
		w.virtual[o.GetName()] = o
	}
	w.birth(o)
	_, err = w.put(kind, o, 0)
	return err
}

func decode[T any](text []byte) (*T, error) {
	o := new(T)
	return o, yaml.Unmarshal(text, o)
}

func (w *World) birth(o metav1.Object) {
	o.SetNamespace(Namespace)
	o.SetCreationTimestamp(w.stamp())
	if o.GetUID() == "" {
		o.SetUID(types.UID(fmt.Sprint("o", w.version)))
	}
}

// Edit changes the Rollout's spec, as kubectl edit does.
func (w *World) Edit(what string, edit func(*v1alpha1.Rollout)) {
	w.say("user", "%s", what)
	stored := w.Rollout()
	c := stored.DeepCopy()
	edit(c)
	if !equality.Semantic.DeepEqual(c.Spec, stored.Spec) {
		c.Generation++
	}
	w.put("Rollout", c, -1)
}

// SetImage starts an update to another image of the first container.
func (w *World) SetImage(image string) {
	w.Edit("set image "+image, func(r *v1alpha1.Rollout) { r.Spec.Template.Spec.Containers[0].Image = image })
}

// ScaleTo sets spec.replicas, as a person or an autoscaler does.
func (w *World) ScaleTo(n int32) {
	w.lenient = true
	w.Edit(fmt.Sprintf("scale to %d replicas", n), func(r *v1alpha1.Rollout) { r.Spec.Replicas = &n })
}

// Do carries out what a person asked for.
func (w *World) Do(what string, c operation.Change) {
	w.say("user", "%s", what)
	for _, p := range c.Patches {
		stored := w.Rollout()
		var whole, patch map[string]any
		text, err := json.Marshal(stored)
		if err == nil {
			err = json.Unmarshal(text, &whole)
		}
		if err == nil {
			err = json.Unmarshal(p.Body, &patch)
		}
		if err != nil || p.Type != types.MergePatchType {
			w.problem("a person's patch can be applied", "%s: %v", p.Type, err)
			return
		}
		merged, _ := json.Marshal(mergePatch(whole, patch))
		r := &v1alpha1.Rollout{}
		if err := json.Unmarshal(merged, r); err != nil {
			w.problem("a person's patch can be applied", "%v", err)
			return
		}
		if p.Subresource != operation.Status {
			r.Status = stored.Status
			if !equality.Semantic.DeepEqual(r.Spec, stored.Spec) {
				r.Generation++
			}
		}
		w.put("Rollout", r, -1)
	}
}

// Promote, Abort, Retry and so on are what the kubectl plugin sends.
func (w *World) Promote() {
	c, err := operation.Promote(w.Rollout(), operation.Skip{})
	if err != nil {
		w.problem("a person's patch can be applied", "promote: %v", err)
		return
	}
	w.Do("promote", c)
}

// PromoteFull skips the rest of the update.
func (w *World) PromoteFull() { w.Do("promote --full", operation.PromoteFull(w.Rollout())) }

// Abort takes the update back.
func (w *World) Abort() { w.Do("abort", operation.Abort(w.Name)) }

// Retry starts an aborted update again.
func (w *World) Retry() { w.Do("retry", operation.Retry(w.Name)) }

// Pause stops the rollout by hand.
func (w *World) Pause() { w.Do("pause", operation.Pause(w.Name)) }

// Resume ends all pauses.
func (w *World) Resume() { w.Do("resume", operation.Resume(w.Rollout())) }

// mergePatch is RFC 7386.
func mergePatch(whole, patch map[string]any) map[string]any {
	if whole == nil {
		whole = map[string]any{}
	}
	for key, value := range patch {
		switch v := value.(type) {
		case nil:
			delete(whole, key)
		case map[string]any:
			inner, _ := whole[key].(map[string]any)
			whole[key] = mergePatch(inner, v)
		default:
			whole[key] = v
		}
	}
	return whole
}
