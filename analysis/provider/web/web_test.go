package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sluice-delivery/sluice/analysis/provider"
	"github.com/sluice-delivery/sluice/analysis/provider/providertest"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func metric(address string) v1alpha1.Metric {
	return v1alpha1.Metric{Provider: v1alpha1.MetricProvider{Web: &v1alpha1.WebMetric{
		URL: address, TimeoutSeconds: 1, Headers: []v1alpha1.WebMetricHeader{{Key: "Authorization", Value: "Bearer " + providertest.Secret}},
	}}}
}

func TestWebKeepsThePromises(t *testing.T) {
	document := map[string]any{"status": "fine", "number": 1.5, "big": 123456789.0, "yes": true, "list": []any{"a", "b"}, "nothing": nil}
	providertest.Run(t, providertest.Kit{
		New: New, Metric: metric, Folder: "web",
		Answers: map[string]providertest.Answer{
			"document.json":  {Sample: provider.Sample{Result: document, Value: `{"big":123456789,"list":["a","b"],"nothing":null,"number":1.5,"status":"fine","yes":true}`}},
			"bare-null.json": {Err: "result of web metric produced no value"},
			"text.txt":       {Sample: provider.Sample{Result: "all good", Value: "all good"}},
		},
		Text:  providertest.Answer{Sample: provider.Sample{Result: "upstream says hello", Value: "upstream says hello"}},
		Empty: providertest.Answer{Sample: provider.Sample{Result: "", Value: ""}},
	})
}

// The first ones are those of the cases analysis-web-results and analysis-web-errors.
func TestJSONPath(t *testing.T) {
	const document = `{"status": "fine", "number": 1.5, "big": 123456789, "yes": true, "nothing": null, "list": ["a", "b"], "objects": [{"a": 1}], "zero": 0}`
	for name, c := range map[string]struct {
		path, value, err string
		result           any
	}{
		"a number":                {"{$.number}", "1.5", "", 1.5},
		"a big number":            {"{$.big}", "123456789", "", 123456789.0},
		"a text":                  {"{$.status}", `"fine"`, "", "fine"},
		"a boolean":               {"{$.yes}", "true", "", true},
		"a list":                  {"{$.list}", `["a","b"]`, "", []any{"a", "b"}},
		"the first of several":    {"{$.list[*]}", `"a"`, "", "a"},
		"a null":                  {"{$.nothing}", "null", "", nil},
		"without a dollar":        {"{.status}", `"fine"`, "", "fine"},
		"a zero":                  {"{$.zero}", "0", "", 0.0},
		"what is not there":       {"{$.absent.deeper}", "", "Could not find JSONPath in body: absent is not found", nil},
		"below a null":            {"{$.nothing.deeper}", "", "Could not find JSONPath in body: deeper is not found", nil},
		"a filter without a hit":  {"{$.objects[?(@.a == 9.0)]}", "", "result of web metric produced no value", nil},
		"a filter of an integer":  {"{$.objects[?(@.a == 9)]}", "", "Could not find JSONPath in body: incompatible types for comparison", nil},
		"a path that is not read": {"{$.[}", "", "unterminated array", nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := metric("http://x")
			m.Provider.Web.JSONPath = c.path
			q := provider.Query{Metric: m}
			_, _, err := request(q)
			var got provider.Sample
			if err == nil {
				got, err = parse(q, []byte(document))
			}
			if text(err) != c.err || got.Value != c.value || fmt.Sprintf("%#v", got.Result) != fmt.Sprintf("%#v", c.result) {
				t.Errorf("got %#v, %v; want %#v %s, %s", got, err, c.result, c.value, c.err)
			}
		})
	}
}

func TestTheRequest(t *testing.T) {
	for name, c := range map[string]struct {
		change     func(*v1alpha1.WebMetric)
		want, mime string
	}{
		"a GET":              {func(w *v1alpha1.WebMetric) {}, "GET ", ""},
		"a POST with a text": {func(w *v1alpha1.WebMetric) { w.Method, w.Body = "POST", "hello" }, "POST hello", ""},
		"a PUT with JSON": {func(w *v1alpha1.WebMetric) { w.Method, w.JSONBody = "PUT", json.RawMessage(`{"a":1}`) },
			`PUT {"a":1}`, "application/json"},
		"headers win": {func(w *v1alpha1.WebMetric) {
			w.Method, w.JSONBody = "POST", json.RawMessage(`{}`)
			w.Headers = []v1alpha1.WebMetricHeader{{Key: "Content-Type", Value: "application/x-ours"}}
		}, "POST {}", "application/x-ours"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				json.NewEncoder(w).Encode([]string{r.Method + " " + string(body), r.Header.Get("Content-Type")})
			}))
			defer server.Close()
			m := metric(server.URL)
			c.change(m.Provider.Web)
			got, err := New(provider.Deps{HTTP: provider.NewTransport()}).Measure(t.Context(), provider.Query{Metric: m})
			if want := fmt.Sprintf("%v", []any{c.want, c.mime}); err != nil || fmt.Sprint(got.Result) != want {
				t.Errorf("got %v, %v; want %s", got.Result, err, want)
			}
		})
	}
}

func TestWhatCannotBeAsked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*v1alpha1.WebMetric)
		want   string
	}{
		"two bodies":       {func(w *v1alpha1.WebMetric) { w.Method, w.Body, w.JSONBody = "POST", "a", json.RawMessage(`1`) }, "use either Body or JSONBody; both cannot exists for WebMetric payload"},
		"a GET with one":   {func(w *v1alpha1.WebMetric) { w.Body = "a" }, "Body/JSONBody can only be used with POST or PUT WebMetric Method types"},
		"another method":   {func(w *v1alpha1.WebMetric) { w.Method = "DELETE" }, `web metric method "DELETE" is not one of GET, POST, PUT`},
		"half of OAuth2":   {func(w *v1alpha1.WebMetric) { w.Authentication.OAuth2.TokenURL = "http://x" }, "missing mandatory parameter in metric for OAuth2 setup"},
		"a password shown": {func(w *v1alpha1.WebMetric) { w.URL = "http://me:hush-hush-4711@127.0.0.1:port/" }, `parse "http://*****@127.0.0.1:port/": invalid port ":port" after host`},
		"nobody listens":   {func(w *v1alpha1.WebMetric) { w.URL = "http://127.0.0.1:1/" }, `Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused`},
	} {
		t.Run(name, func(t *testing.T) {
			m := metric("http://127.0.0.1:1/")
			c.change(m.Provider.Web)
			_, err := New(provider.Deps{HTTP: provider.NewTransport()}).Measure(t.Context(), provider.Query{Metric: m})
			if text(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestACertificateIsCheckedUnlessTheMetricSaysNo(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "5") }))
	defer server.Close()
	server.Config.ErrorLog = nil
	m := metric(server.URL)
	web := New(provider.Deps{HTTP: provider.NewTransport()})
	if _, err := web.Measure(t.Context(), provider.Query{Metric: m}); err == nil {
		t.Error("an unknown certificate was accepted")
	}
	m.Provider.Web.Insecure = true
	if got, err := web.Measure(t.Context(), provider.Query{Metric: m}); err != nil || got.Value != "5" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestATimeoutOfTenSecondsWhenNothingIsSaid(t *testing.T) {
	m := metric("http://x")
	m.Provider.Web.TimeoutSeconds = 0
	if _, dial, err := request(provider.Query{Metric: m}); err != nil || dial.Timeout != 10*time.Second {
		t.Errorf("got %s, %v", dial.Timeout, err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
