// kubectl-argo-rollouts is the kubectl plugin: kubectl finds it in PATH and runs it as "kubectl argo rollouts".
package main

import (
	"os"

	"github.com/sluice-delivery/sluice/internal/cli"
)

func main() { os.Exit(cli.Main()) }
