//go:build argocd

package main

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/test/argocd/witness"
)

// TestPack looks at what processes cannot take: the sidecar, in what our component makes of Argo CD's own manifests.
func TestPack(t *testing.T) {
	o := witness.FromEnvironment()
	o.Work = t.TempDir()
	pack, err := witness.Build(t.Context(), o, "argocd", true)
	if err != nil {
		t.Fatal(err)
	}
	deployment := pack.Find("Deployment", "argocd-repo-server")
	if deployment == nil {
		t.Fatal("no Deployment argocd-repo-server")
	}
	containers, _, _ := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
	found := map[string]map[string]any{}
	for _, c := range containers {
		container := c.(map[string]any)
		found[container["name"].(string)] = container
	}
	sidecar := found["sluice"]
	if len(found) != 2 || sidecar == nil || found["argocd-repo-server"] == nil {
		t.Fatalf("containers %v", found)
	}
	user, _, _ := unstructured.NestedFieldNoCopy(sidecar, "securityContext", "runAsUser")
	readOnly, _, _ := unstructured.NestedBool(sidecar, "securityContext", "readOnlyRootFilesystem")
	if fmt.Sprint(user) != "999" || !readOnly {
		t.Errorf("the sidecar runs as %v, read-only root %t; the socket is repo-server's, and nothing is written", user, readOnly)
	}
	// Where both look for the socket: Argo CD's own mount, and its own volume.
	if a, b := mounted(found["argocd-repo-server"], "/home/argocd/cmp-server/plugins"), mounted(sidecar, "/home/argocd/cmp-server/plugins"); a == "" || a != b {
		t.Errorf("the socket's folder is volume %q for repo-server and %q for the sidecar", a, b)
	}
	volume := mounted(sidecar, "/home/argocd/cmp-server/config")
	if name := configMap(deployment, volume); name != "sluice-plugin" || pack.Find("ConfigMap", name) == nil {
		t.Errorf("the plugin's configuration is ConfigMap %q", name)
	}
	for name, keys := range map[string][]string{
		"argocd-cm": {
			"resource.customizations.health.argoproj.io_Rollout", "resource.customizations.actions.argoproj.io_Rollout",
			"resource.customizations.ignoreDifferences.Service", "resource.customizations.ignoreDifferences.networking.istio.io_VirtualService",
		},
		"argocd-rbac-cm": {"policy.sluice.csv"},
	} {
		settings := pack.Find("ConfigMap", name)
		for _, key := range keys {
			if text, _, _ := unstructured.NestedString(settings.Object, "data", key); text == "" {
				t.Errorf("%s has no %s", name, key)
			}
		}
	}
	// What Argo CD ships in the same ConfigMap is still there.
	if text, _, _ := unstructured.NestedString(pack.Find("ConfigMap", "argocd-cm").Object, "data", "resource.exclusions"); text == "" {
		t.Error("argocd-cm lost resource.exclusions, which Argo CD ships")
	}
}

// mounted is the volume at a path of a container.
func mounted(container map[string]any, path string) string {
	mounts, _, _ := unstructured.NestedSlice(container, "volumeMounts")
	for _, m := range mounts {
		if mount := m.(map[string]any); mount["mountPath"] == path {
			return mount["name"].(string)
		}
	}
	return ""
}

func configMap(deployment *unstructured.Unstructured, volume string) string {
	volumes, _, _ := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "volumes")
	for _, v := range volumes {
		if one := v.(map[string]any); one["name"] == volume {
			name, _, _ := unstructured.NestedString(one, "configMap", "name")
			return name
		}
	}
	return ""
}
