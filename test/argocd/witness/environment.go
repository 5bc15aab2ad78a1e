package witness

import "os"

// FromEnvironment are the options as run.sh sets them.
func FromEnvironment() Options {
	return Options{
		Root: os.Getenv("WITNESS_ROOT"), Bin: os.Getenv("WITNESS_BIN"), Next: os.Getenv("WITNESS_NEXT"), Argo: os.Getenv("WITNESS_ARGOCD"),
		Work: os.Getenv("WITNESS_WORK"), Kubeconfig: os.Getenv("KUBECONFIG"),
	}
}
