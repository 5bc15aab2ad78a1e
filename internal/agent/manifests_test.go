package agent

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write manifests/agent.yaml anew")

// manifests/agent.yaml is manifests/agent/ in one file, word for word.
func TestManifestIsItsParts(t *testing.T) {
	folder := filepath.Join("..", "..", "manifests")
	var all bytes.Buffer
	all.WriteString("# Made from manifests/agent/ (go test ./internal/agent -update). Install it with\n#   kubectl apply --server-side -f manifests/agent.yaml\n")
	for _, part := range []string{"namespace", "application-crd", "serviceaccount", "rbac", "deployment"} {
		content, err := os.ReadFile(filepath.Join(folder, "agent", part+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString("---\n")
		all.Write(content)
	}
	file := filepath.Join(folder, "agent.yaml")
	if *update {
		if err := os.WriteFile(file, all.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, all.Bytes()) {
		t.Errorf("manifests/agent.yaml is not what its parts say (%v); run go test ./internal/agent -update", err)
	}
}
