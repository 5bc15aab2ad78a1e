package catalog

import (
	"encoding/json"
	"testing"

	"github.com/sluice-delivery/sluice/analysis/provider"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func TestProviders(t *testing.T) {
	all := Providers(provider.Deps{HTTP: provider.NewTransport()})
	for name, c := range map[string]struct{ metric, want string }{
		"prometheus":            {`{"prometheus":{"query":"up"}}`, ``},
		"web":                   {`{"web":{"url":"http://x"}}`, ``},
		"one of another day":    {`{"datadog":{"query":"x"}}`, `metric provider "datadog" is not part of this build`},
		"a plugin nobody built": {`{"plugin":{"splunk":{}}}`, `metric provider "splunk" is not part of this build`},
		"none":                  {`{}`, `metric "m" names no provider`},
		"a plugin that is named as we are is asked, and has no part for us": {`{"plugin":{"web":{}}}`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			metric := v1alpha1.Metric{Name: "m"}
			if err := json.Unmarshal([]byte(c.metric), &metric.Provider); err != nil {
				t.Fatal(err)
			}
			found, err := all.Find(metric)
			if err == nil && c.want != "" || err != nil && err.Error() != c.want || (found == nil) != (c.want != "") {
				t.Errorf("got %v, %v", found, err)
			}
		})
	}
	metric := v1alpha1.Metric{Provider: v1alpha1.MetricProvider{Plugin: map[string]json.RawMessage{"web": nil}}}
	if _, err := all["web"].Measure(t.Context(), provider.Query{Metric: metric}); err == nil || err.Error() != "the metric has no web part" {
		t.Errorf("got %v", err)
	}
	metric.Provider.Plugin = map[string]json.RawMessage{"prometheus": nil}
	if _, err := all["prometheus"].Measure(t.Context(), provider.Query{Metric: metric}); err == nil || err.Error() != "the metric has no prometheus part" {
		t.Errorf("got %v", err)
	}
}
