// Command cmp-server renders manifests for Argo CD.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/sluice-delivery/sluice/internal/cmp"
)

func main() {
	// What is alive is small (kustomize's schema, the cache), what a rendering leaves behind is a hundred times its
	// result: collecting it less often is a fifth of the CPU.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(700 << 20) // above it, collect as often as it takes; manifests/argocd gives the container 1 GiB
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := cmp.Command().ExecuteContext(ctx); err != nil {
		os.Exit(1)
	}
}
