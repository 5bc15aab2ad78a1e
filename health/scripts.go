package health

//go:generate go -C ../tools run ./customizations ../health/resource_customizations ../manifests/argocd/argocd-cm-health.yaml

import (
	"embed"
	"io/fs"
)

//go:embed resource_customizations/*/*/*.lua resource_customizations/*/*/actions/*.lua resource_customizations/*/*/actions/*/*.lua
var customizations embed.FS

// Customizations are the health checks and actions for the kinds of our API group in Lua, in the layout that Argo CD
// keeps its own in: GROUP/KIND/health.lua, GROUP/KIND/actions/discovery.lua, GROUP/KIND/actions/NAME/action.lua. They say
// what Assess says, and do what rollout/operation does. Their tests lie beside them in the source tree.
func Customizations() fs.FS {
	below, err := fs.Sub(customizations, "resource_customizations")
	if err != nil {
		panic(err) // the name is valid
	}
	return below
}
