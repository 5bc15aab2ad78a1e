// Package catalog lists what this program can talk to: every metric provider and every traffic router, by the JSON
// name of its kind. One line here makes an adapter usable.
package catalog

import (
	"github.com/sluice-delivery/sluice/analysis/provider"
	"github.com/sluice-delivery/sluice/analysis/provider/prometheus"
	"github.com/sluice-delivery/sluice/analysis/provider/web"
)

var providers = map[string]func(provider.Deps) provider.Provider{
	"prometheus": prometheus.New,
	"web":        web.New,
}

// Providers returns every metric provider.
func Providers(deps provider.Deps) provider.Catalog {
	all := provider.Catalog{}
	for name, build := range providers {
		all[name] = build(deps)
	}
	return all
}
