// Command gitops-agent keeps a cluster as Git says.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/sluice-delivery/sluice/internal/agent"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := agent.Command().ExecuteContext(ctx); err != nil {
		os.Exit(1)
	}
}
