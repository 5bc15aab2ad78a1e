package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func TestChosen(t *testing.T) {
	weight := int32(100)
	for name, tc := range map[string]struct {
		spec any
		want string
	}{
		"nothing is set":       {v1alpha1.MetricProvider{}, ""},
		"nobody asks":          {(*v1alpha1.MetricProvider)(nil), ""},
		"nil is nothing":       {nil, ""},
		"a provider":           {v1alpha1.MetricProvider{Web: &v1alpha1.WebMetric{}}, "web:*v1alpha1.WebMetric "},
		"a pointer to its own": {&v1alpha1.MetricProvider{NewRelic: &v1alpha1.NewRelicMetric{}}, "newRelic:*v1alpha1.NewRelicMetric "},
		"a plugin": {
			v1alpha1.MetricProvider{Plugin: map[string]json.RawMessage{"a/b": json.RawMessage(`{}`)}},
			"plugin/a/b:json.RawMessage ",
		},
		"several routers, in the order of their fields, without the plain fields": {
			&v1alpha1.RolloutTrafficRouting{
				Plugins:          map[string]json.RawMessage{"z": nil, "a": nil},
				Nginx:            &v1alpha1.NginxTrafficRouting{},
				Istio:            &v1alpha1.IstioTrafficRouting{},
				ManagedRoutes:    []v1alpha1.ManagedRoute{{Name: "r"}},
				MaxTrafficWeight: &weight,
			},
			"istio:*v1alpha1.IstioTrafficRouting nginx:*v1alpha1.NginxTrafficRouting plugins/a:json.RawMessage plugins/z:json.RawMessage ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, c := range v1alpha1.Chosen(tc.spec) {
				if c.Plugin != "" {
					c.Name += "/" + c.Plugin
				}
				got += fmt.Sprintf("%s:%T ", c.Name, c.Value)
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
