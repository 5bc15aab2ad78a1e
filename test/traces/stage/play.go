package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sluice-delivery/sluice/test/traces/recording"
	"github.com/sluice-delivery/sluice/test/traces/story"
)

// Options are the rules of playing.
type Options struct {
	Quiet   time.Duration // without a change for so long, the namespace has settled
	Patient time.Duration // but no settle step takes longer
	Keep    bool          // leave the namespace behind
	Strict  bool          // a run whose last events are missing is an error
}

const tester = "tester" // field manager of the objects that a case makes

var (
	namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	accounts   = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
)

// Play runs a case once, in a namespace of its own.
func (c *Cluster) Play(ctx context.Context, source story.Source, options Options) (recording.Recording, error) {
	server, err := startServer()
	if err != nil {
		return recording.Recording{}, err
	}
	defer server.close()
	namespace := fmt.Sprintf("%.50s-%s", source.Name, suffix())
	scenario, err := source.Case(namespace, server.URL)
	if err != nil {
		return recording.Recording{}, err
	}
	server.answer(scenario.Server)
	p := &player{cluster: c, scene: newScene(namespace, server), options: options}
	p.scene.restless = scenario.Restless
	for _, expression := range scenario.Ignore {
		compiled, err := regexp.Compile(expression)
		if err != nil {
			return recording.Recording{}, err
		}
		p.scene.ignored = append(p.scene.ignored, compiled)
	}
	if err := p.enter(ctx); err != nil {
		return recording.Recording{}, err
	}
	defer p.leave()

	err = p.each(scenario.Objects, func(client resourceClient, object *unstructured.Unstructured) error {
		_, err := client.Create(ctx, object, metav1.CreateOptions{FieldManager: tester})
		if err != nil {
			p.scene.note(fmt.Sprintf("00 create %s/%s", strings.ToLower(object.GetKind()), object.GetName()), "error: "+err.Error())
		}
		return nil
	})
	if err != nil {
		return recording.Recording{}, fmt.Errorf("objects: %w", err)
	}
	settled := false
	for i, step := range scenario.Script {
		p.step(ctx, fmt.Sprintf("%02d %s", i+1, step.String()), &step)
		settled = step.Settle != ""
	}
	if !settled {
		p.settle(ctx, story.LastPicture)
	}
	if !p.curtain(ctx) && options.Strict {
		return recording.Recording{}, fmt.Errorf("the events of the last moments did not come: is the controller overloaded?")
	}
	return p.scene.recording(source.Name), ctx.Err()
}

// player carries out the script of one run.
type player struct {
	cluster *Cluster
	scene   *Scene
	options Options
	foreign []func() // removes what is not in the namespace
}

// enter makes the namespace and waits until pods may be created in it.
func (p *player) enter(ctx context.Context) error {
	namespace := p.scene.namespace
	p.cluster.mu.Lock()
	p.cluster.scenes[namespace] = p.scene
	p.cluster.mu.Unlock()
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": namespace, "labels": map[string]any{"traces": "case"}},
	}}
	if _, err := p.cluster.dynamic.Resource(namespaces).Create(ctx, object, metav1.CreateOptions{}); err != nil {
		return err
	}
	return poll(ctx, time.Minute, "service account of namespace "+namespace, func() bool {
		_, err := p.cluster.dynamic.Resource(accounts).Namespace(namespace).Get(ctx, "default", metav1.GetOptions{})
		return err == nil
	})
}

// leave removes everything; it works after the context has ended, too.
func (p *player) leave() {
	p.cluster.mu.Lock()
	delete(p.cluster.scenes, p.scene.namespace)
	p.cluster.mu.Unlock()
	if p.options.Keep {
		return
	}
	for _, remove := range p.foreign {
		remove()
	}
	p.cluster.dynamic.Resource(namespaces).Delete(context.Background(), p.scene.namespace, metav1.DeleteOptions{})
}

func (p *player) step(ctx context.Context, name string, step *story.Step) {
	if ctx.Err() != nil {
		return
	}
	var err error
	switch {
	case step.Settle != "":
		p.settle(ctx, step.Settle)
	case step.Await != nil:
		p.await(ctx, name, step.Await)
	case step.Sleep != 0:
		sleep(ctx, step.Sleep)
	case step.Answer != nil:
		p.scene.server.answer(step.Answer)
	case step.Create != "":
		err = p.each(step.Create, func(client resourceClient, object *unstructured.Unstructured) error {
			_, err := client.Create(ctx, object, metav1.CreateOptions{FieldManager: tester})
			return err
		})
	case step.Apply != "":
		err = p.each(step.Apply, func(client resourceClient, object *unstructured.Unstructured) error {
			_, err := client.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: tester, Force: true})
			return err
		})
	default:
		err = p.change(ctx, step)
	}
	if err != nil {
		p.scene.note(name, "error: "+err.Error())
	}
}

// change carries out the steps that are about one existing object.
func (p *player) change(ctx context.Context, step *story.Step) error {
	kind, name, _ := strings.Cut(step.Target(), "/")
	client := p.cluster.target(kind, p.scene.namespace)
	patch := func(how types.PatchType, body any, subresources ...string) error {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		data = []byte(story.FillNow(string(data), time.Now()))
		_, err = client.Patch(ctx, name, how, data, metav1.PatchOptions{FieldManager: tester}, subresources...)
		return err
	}
	switch {
	case step.Delete != "":
		background := metav1.DeletePropagationBackground
		return client.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &background})
	case step.Scale != nil:
		return patch(types.MergePatchType, map[string]any{"spec": map[string]any{"replicas": step.Scale.Replicas}}, "scale")
	case step.Image != nil:
		object, err := client.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
		i := slices.IndexFunc(containers, func(container any) bool {
			m, _ := container.(map[string]any)
			return m["name"] == step.Image.Container
		})
		if i < 0 {
			return fmt.Errorf("no container %q", step.Image.Container)
		}
		path := fmt.Sprintf("/spec/template/spec/containers/%d/image", i)
		return patch(types.JSONPatchType, []any{map[string]any{"op": "replace", "path": path, "value": step.Image.Image}})
	case step.Patch.Subresource != "":
		return patch(patchTypes[step.Patch.Type], step.Patch.Body, step.Patch.Subresource)
	}
	return patch(patchTypes[step.Patch.Type], step.Patch.Body)
}

var patchTypes = map[string]types.PatchType{"merge": types.MergePatchType, "json": types.JSONPatchType}

// each applies a verb to all objects of a text, in order.
func (p *player) each(text string, verb func(resourceClient, *unstructured.Unstructured) error) error {
	objects, err := parse(story.FillNow(text, time.Now()))
	if err != nil {
		return err
	}
	for _, object := range objects {
		client, namespaced, err := p.cluster.client(object, p.scene.namespace)
		if err != nil {
			return err
		}
		if namespaced {
			object.SetNamespace(p.scene.namespace)
		} else {
			p.foreign = append(p.foreign, func() {
				client.Delete(context.Background(), object.GetName(), metav1.DeleteOptions{})
			})
		}
		if err := verb(client, object); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until nothing has changed for a while and takes a picture.
func (p *player) settle(ctx context.Context, name string) {
	start := time.Now()
	quiet := func() bool {
		since := p.scene.quietSince()
		if since.Before(start) {
			since = start
		}
		return time.Since(since) >= p.options.Quiet
	}
	err := poll(ctx, p.options.Patient, "settle", quiet)
	p.scene.take(name, err == nil)
}

func (p *player) await(ctx context.Context, step string, a *story.Await) {
	kind, name, _ := strings.Cut(a.Target, "/")
	err := poll(ctx, a.Within, step, func() bool {
		value, there := p.scene.value(kind, name, a.Path)
		return a.Fulfilled(value, there)
	})
	outcome := "arrived"
	if err != nil {
		outcome = "did not arrive"
	}
	p.scene.note(step, outcome)
}

// curtain waits until all events have come: controllers write them one after the
// other and late when they are busy, so a last Rollout is made and heard of.
func (p *player) curtain(ctx context.Context) bool {
	name := "curtain-" + suffix()
	p.scene.lower(name)
	err := p.each(fmt.Sprintf(tiny, name), func(client resourceClient, object *unstructured.Unstructured) error {
		_, err := client.Create(ctx, object, metav1.CreateOptions{FieldManager: tester})
		return err
	})
	if err != nil {
		return false
	}
	patience := p.options.Patient
	if p.scene.silent() {
		patience /= 6 // it seems to write no events at all
	}
	return poll(ctx, patience, "events", p.scene.down) == nil
}

// tiny is a Rollout that does nothing.
const tiny = `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: %[1]s}
spec:
  replicas: 0
  selector: {matchLabels: {app: %[1]s}}
  template: {metadata: {labels: {app: %[1]s}}, spec: {containers: [{name: app, image: "app:1"}]}}
  strategy: {canary: {}}
`

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func suffix() string {
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	text := make([]byte, 5)
	for i := range text {
		text[i] = letters[rand.IntN(len(letters))]
	}
	return string(text)
}
