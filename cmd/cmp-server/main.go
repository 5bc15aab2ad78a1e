// Command cmp-server renders manifests for Argo CD.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/sluice-delivery/sluice/internal/cmp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := cmp.Command().ExecuteContext(ctx); err != nil {
		os.Exit(1)
	}
}
