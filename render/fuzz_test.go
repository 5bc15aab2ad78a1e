package render

import "testing"

// Whatever a source says: objects or an error, no panic, and nothing without a kind.
func FuzzRender(f *testing.F) {
	f.Add("resources: [a.yaml]\nnamePrefix: x-\n", rolloutWith, "spec: {replicas: 2}")
	f.Add("resources: [a.yaml]\npatches: [{path: b.yaml, target: {kind: Rollout}}]\n", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "[{op: add, path: /data, value: {}}]")
	f.Add("", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n", "{}")
	f.Add("configMapGenerator: [{name: g, files: [b.yaml]}]\n", laughs, "x")
	f.Add("", "ApiVersion: A\nkind: A\nmetAdAtA: {nAme: A}\n", "") // was found
	f.Fuzz(func(t *testing.T, kustomization, a, b string) {
		tree := NewTree(Limits{Entries: 10, Bytes: 1 << 16, Depth: 4})
		for name, content := range map[string]string{"kustomization.yaml": kustomization, "a.yaml": a, "b.yaml": b} {
			if content == "" {
				continue
			}
			if err := tree.Add(name, []byte(content)); err != nil {
				return
			}
		}
		files, err := tree.FileSystem()
		if err != nil {
			t.Fatal(err)
		}
		result, err := Render(files, Options{Bounds: Bounds{Objects: 50, Aliases: 1000}, FromDeployment: &FromDeployment{Names: []string{"*"}}, CreateServices: true})
		if err != nil {
			return
		}
		if len(result.Objects) == 0 || len(result.Objects) > 150 || len(result.Files) != len(result.Objects) {
			t.Errorf("%d objects, %d files", len(result.Objects), len(result.Files))
		}
		for _, obj := range result.Objects {
			if obj.GetKind() == "" || obj.GetAPIVersion() == "" {
				t.Errorf("no kind: %v", obj.Object)
			}
		}
	})
}
