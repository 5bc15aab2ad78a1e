package prometheus

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluice-delivery/sluice/analysis/provider"
	"github.com/sluice-delivery/sluice/analysis/provider/providertest"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func metric(address string) v1alpha1.Metric {
	return v1alpha1.Metric{Provider: v1alpha1.MetricProvider{Prometheus: &v1alpha1.PrometheusMetric{
		Address: address, Query: "up", Timeout: new(int64(1)),
		Headers:        []v1alpha1.WebMetricHeader{{Key: "X-Token", Value: "Bearer " + providertest.Secret}},
		Authentication: v1alpha1.Authentication{BasicAuth: v1alpha1.BasicAuthConfig{Username: "me", Password: providertest.Secret}},
	}}}
}

// The samples are those of the case analysis-run-prometheus-values.
func TestPrometheusKeepsThePromises(t *testing.T) {
	vector := func(value string, numbers ...float64) provider.Sample {
		return provider.Sample{Result: append([]float64{}, numbers...), Value: value}
	}
	warned := vector("[1]", 1)
	warned.Metadata = map[string]string{"warnings": `"slow", "partial"`}
	providertest.Run(t, providertest.Kit{
		New: New, Metric: metric, Folder: "prometheus",
		Answers: map[string]providertest.Answer{
			"scalar.json":       {Sample: provider.Sample{Result: 7.5, Value: "7.5"}},
			"vector.json":       {Sample: vector("[1,2.5,3000]", 1, 2.5, 3000)},
			"nan.json":          {Sample: vector("[NaN]", math.NaN())},
			"infinite.json":     {Sample: vector("[+Inf]", math.Inf(1))},
			"empty-vector.json": {Sample: vector("[]")},
			"matrix.json": {Sample: vector("[1,2,3]", 1, 2, 3), Change: func(m *v1alpha1.Metric) {
				m.Provider.Prometheus.RangeQuery = &v1alpha1.PrometheusRangeQueryArgs{Start: `now() - duration("1h")`, End: "now()", Step: "1m"}
			}},
			"string.json":  {Err: `bad_response: unexpected value type "string"`},
			"warned.json":  {Sample: warned},
			"refused.json": {Status: 400, Err: "bad_data: parse error: unknown thing"},
		},
		Text:  providertest.Answer{Err: "bad_response: invalid character 'u' looking for beginning of value"},
		Empty: providertest.Answer{Err: "bad_response: unexpected end of JSON input"},
	})
}

func TestTheQuestion(t *testing.T) {
	asked := make(chan *http.Request, 4)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Form, _ = url.ParseQuery(string(body))
		asked <- r
		if r.URL.Path == "/token" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"access_token":"t0k3n","token_type":"Bearer"}`)
			return
		}
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"scalar","result":[0,"1"]}}`)
	}))
	defer server.Close()
	ask := func(installation string, change func(*v1alpha1.PrometheusMetric)) {
		t.Helper()
		m := v1alpha1.Metric{Provider: v1alpha1.MetricProvider{Prometheus: &v1alpha1.PrometheusMetric{Address: server.URL + "/prom/", Query: "sum(up)"}}}
		change(m.Provider.Prometheus)
		p := New(provider.Deps{HTTP: provider.NewTransport(), PrometheusAddress: installation})
		if _, err := p.Measure(t.Context(), provider.Query{Metric: m, Now: noon}); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(path, form string, headers map[string]string) {
		t.Helper()
		r := <-asked
		if r.Method != http.MethodPost || r.URL.Path != path || r.Form.Encode() != form {
			t.Errorf("%s %s %s, want POST %s %s", r.Method, r.URL.Path, r.Form.Encode(), path, form)
		}
		for name, value := range headers {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s is %q, want %q", name, got, value)
			}
		}
	}
	const at = "query=sum%28up%29&time=1795176000"
	ask("", func(*v1alpha1.PrometheusMetric) {})
	expect("/prom/api/v1/query", at, map[string]string{"Authorization": "", "Content-Type": "application/x-www-form-urlencoded"})
	ask(server.URL, func(m *v1alpha1.PrometheusMetric) { m.Address = "" })
	expect("/api/v1/query", at, nil)
	ask("", func(m *v1alpha1.PrometheusMetric) {
		m.RangeQuery = &v1alpha1.PrometheusRangeQueryArgs{Start: `now() - duration("1h")`, End: "now()", Step: "1m"}
	})
	expect("/prom/api/v1/query_range", "end=1795176000&query=sum%28up%29&start=1795172400&step=60", nil)
	ask("", func(m *v1alpha1.PrometheusMetric) {
		m.Headers = []v1alpha1.WebMetricHeader{{Key: "X-Scope-OrgID", Value: "tenant"}}
		m.Authentication.BasicAuth = v1alpha1.BasicAuthConfig{Username: "me", Password: "pass"}
	})
	expect("/prom/api/v1/query", at, map[string]string{"X-Scope-Orgid": "tenant", "Authorization": "Basic bWU6cGFzcw=="})
	ask("", func(m *v1alpha1.PrometheusMetric) {
		m.Authentication.OAuth2 = v1alpha1.OAuth2Config{TokenURL: server.URL + "/token", ClientID: "id", ClientSecret: "secret", Scopes: []string{"read"}}
	})
	expect("/token", "grant_type=client_credentials&scope=read", map[string]string{"Authorization": "Basic aWQ6c2VjcmV0"})
	expect("/prom/api/v1/query", at, map[string]string{"Authorization": "Bearer t0k3n"})
}

func TestWhatCannotBeAsked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*v1alpha1.PrometheusMetric)
		want   string
	}{
		"no address":                {func(m *v1alpha1.PrometheusMetric) { m.Address = "" }, "prometheus address is not configured"},
		"no URL":                    {func(m *v1alpha1.PrometheusMetric) { m.Address = "prometheus" }, "prometheus address is not is url format"},
		"a URL without a server":    {func(m *v1alpha1.PrometheusMetric) { m.Address = "http://" }, "prometheus address is not is url format"},
		"a negative timeout":        {func(m *v1alpha1.PrometheusMetric) { m.Timeout = new(int64(-1)) }, "prometheus timeout should not be negative"},
		"a user without a password": {func(m *v1alpha1.PrometheusMetric) { m.Authentication.BasicAuth.Username = "me" }, "missing mandatory parameter in metric for basic auth setup: password"},
		"a password without a user": {func(m *v1alpha1.PrometheusMetric) { m.Authentication.BasicAuth.Password = "x" }, "missing mandatory parameter in metric for basic auth setup: username"},
		"half of OAuth2": {func(m *v1alpha1.PrometheusMetric) {
			m.Authentication.OAuth2 = v1alpha1.OAuth2Config{TokenURL: "http://x", ClientID: "id"}
		}, "missing mandatory parameter in metric for OAuth2 setup"},
		"sigv4 at Amazon": {func(m *v1alpha1.PrometheusMetric) {
			m.Address, m.Authentication.Sigv4.Region = "https://aps-workspaces.eu-1.amazonaws.com/x", "eu-1"
		}, "sigv4 authentication of prometheus metrics is not part of this build"},
		"a start that is no time": {func(m *v1alpha1.PrometheusMetric) {
			m.RangeQuery = &v1alpha1.PrometheusRangeQueryArgs{Start: "1 + 1", End: "now()", Step: "1m"}
		}, "failed to parse rangeQuery.start as time: expected time.Time, but got int"},
		"an end that is no expression": {func(m *v1alpha1.PrometheusMetric) {
			m.RangeQuery = &v1alpha1.PrometheusRangeQueryArgs{Start: "now()", End: "now(", Step: "1m"}
		}, "failed to parse rangeQuery.end as time: unexpected token EOF"},
		"a step that is no duration": {func(m *v1alpha1.PrometheusMetric) {
			m.RangeQuery = &v1alpha1.PrometheusRangeQueryArgs{Start: "now()", End: "now()", Step: "often"}
		}, `failed to parse rangeQuery.step as duration: time: invalid duration "often"`},
	} {
		t.Run(name, func(t *testing.T) {
			m := v1alpha1.Metric{Provider: v1alpha1.MetricProvider{Prometheus: &v1alpha1.PrometheusMetric{Address: "http://127.0.0.1:1", Query: "up"}}}
			c.change(m.Provider.Prometheus)
			_, err := New(provider.Deps{HTTP: provider.NewTransport()}).Measure(t.Context(), provider.Query{Metric: m, Now: noon})
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestATokenIsNotShownEither(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"access_token":"t0k3n-of-today","token_type":"Bearer"}`)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"status":"error","errorType":"bad_data","error":"who is %s?"}`, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	m := metric(server.URL)
	m.Provider.Prometheus.Headers, m.Provider.Prometheus.Authentication = nil, v1alpha1.Authentication{
		OAuth2: v1alpha1.OAuth2Config{TokenURL: server.URL + "/token", ClientID: "id", ClientSecret: "secret"}}
	_, err := New(provider.Deps{HTTP: provider.NewTransport()}).Measure(t.Context(), provider.Query{Metric: m, Now: noon})
	if err == nil || err.Error() != "bad_data: who is Bearer *****?" {
		t.Errorf("got %v", err)
	}
	m.Provider.Prometheus.Authentication.OAuth2.TokenURL = server.URL + "/refused"
	_, err = New(provider.Deps{HTTP: provider.NewTransport()}).Measure(t.Context(), provider.Query{Metric: m, Now: noon})
	if err == nil || !strings.Contains(err.Error(), "cannot fetch token") {
		t.Errorf("got %v", err)
	}
}

func TestDescribe(t *testing.T) {
	got := Prometheus{}.Describe(metric("http://x"))
	if len(got) != 1 || got["ResolvedPrometheusQuery"] != "up" {
		t.Errorf("got %v", got)
	}
}
