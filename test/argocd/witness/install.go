package witness

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Pack is what a kustomization of Argo CD's own manifests, with our component or without it, builds to.
type Pack []*unstructured.Unstructured

// Build builds it with kustomize, as a platform team would.
func Build(ctx context.Context, o Options, namespace string, component bool) (Pack, error) {
	module, err := os.ReadFile(filepath.Join(o.Argo, "argocd.module"))
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(o.Work, "install-"+namespace)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	relative := func(path ...string) string {
		target, err := filepath.Abs(filepath.Join(path...))
		if err != nil {
			return path[0]
		}
		if target, err = filepath.Rel(folder, target); err != nil {
			return path[0]
		}
		return target
	}
	content := "namespace: " + namespace + "\nresources: [" + relative(strings.TrimSpace(string(module)), "manifests", "cluster-install") + "]\n"
	if component {
		content += "components: [" + relative(o.Root, "manifests", "argocd") + "]\n"
	}
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(content), 0o600); err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, filepath.Join(o.Argo, "kustomize"), "build", folder)
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("kustomize build: %w: %s", err, complaint.String())
	}
	var all Pack
	for _, document := range strings.Split(string(output), "\n---\n") {
		obj := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &obj.Object); err != nil {
			return nil, err
		}
		all = append(all, obj)
	}
	return all, nil
}

// Find is an object of the pack, or nil.
func (p Pack) Find(kind, name string) *unstructured.Unstructured {
	for _, obj := range p {
		if obj.GetKind() == kind && obj.GetName() == name {
			return obj
		}
	}
	return nil
}

// text is the pack as manifests, as far as it can be used here: what would run in pods runs as processes.
func (p Pack) text(wanted func(kind string) bool) (string, error) {
	var b strings.Builder
	for _, obj := range p {
		switch obj.GetKind() {
		case "Deployment", "StatefulSet", "NetworkPolicy", "Service":
			continue
		}
		if !wanted(obj.GetKind()) {
			continue
		}
		text, err := yaml.Marshal(obj.Object)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "---\n%s", text)
	}
	return b.String(), nil
}

func settings(kind string) bool { return kind == "ConfigMap" || kind == "Secret" }

// install applies Argo CD's manifests. The cluster's own objects are those of the first Argo CD.
func (a *argo) install(ctx context.Context, component bool) error {
	pack, err := Build(ctx, a.w.Options, a.namespace, component)
	if err != nil {
		return err
	}
	if config := pack.Find("ConfigMap", "sluice-plugin"); config != nil {
		text, _, _ := unstructured.NestedString(config.Object, "data", "plugin.yaml")
		a.configured = []byte(text)
	}
	wanted := settings
	if component {
		wanted = func(string) bool { return true }
	}
	text, err := pack.text(wanted)
	if err != nil {
		return err
	}
	return a.w.cluster.Apply(ctx, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+a.namespace+"}\n"+text)
}

// up starts an Argo CD that is installed.
func (a *argo) up(ctx context.Context) error {
	err := together(
		func() error { return a.start(ctx, "redis") },
		func() error {
			if a.configured == nil {
				return nil
			}
			return a.start(ctx, plugin)
		},
		func() error { return a.start(ctx, repoServer) },
		func() error { return a.start(ctx, appControl) },
		func() error { return a.start(ctx, server) },
	)
	if err != nil {
		return err
	}
	if err := a.login(ctx); err != nil {
		return err
	}
	go a.follow(ctx)
	return nil
}

// installSluice does what the README says, and starts the controller under the ServiceAccount made by that.
func (w *Witness) installSluice(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(w.Root, "manifests", "install.yaml"))
	if err != nil {
		return err
	}
	istio, err := os.ReadFile(filepath.Join(w.Root, "test", "traces", "stage", "crds", "istio.yaml"))
	if err != nil {
		return err
	}
	// Nothing runs in a simulated pod: the controller runs beside the nodes.
	manifests := strings.Replace(string(text), "\n  replicas: 1\n", "\n  replicas: 0\n", 1)
	if err := w.cluster.Apply(ctx, manifests+"\n---\n"+string(istio)); err != nil {
		return err
	}
	for _, kind := range []string{"Rollout", "AnalysisRun"} { // without them the controller ends, and nobody restarts it here
		if err := w.served(ctx, kind); err != nil {
			return err
		}
	}
	err = w.until(ctx, 20*time.Second, "the controller's ServiceAccount", func() (bool, string) {
		var err error
		w.account, err = w.cluster.Account(ctx, w.Work, "argo-rollouts", "argo-rollouts")
		return err == nil, fmt.Sprint(err)
	})
	if err != nil {
		return err
	}
	return w.startController(ctx, filepath.Join(w.Bin, "rollouts-controller"))
}

const controllerName = "rollouts-controller"

// startController starts it, also again or in another version, and waits until it acts.
func (w *Witness) startController(ctx context.Context, program string) error {
	before := w.leader(ctx)
	if _, err := w.startProcess(controllerName, []string{"POD_NAMESPACE=argo-rollouts"}, program, "--kubeconfig", w.account, "--healthzPort", "8079"); err != nil {
		return err
	}
	return w.until(ctx, time.Minute, "the controller holds its lease", func() (bool, string) {
		now := w.leader(ctx)
		return now != "" && now != before, "held by " + now
	})
}
