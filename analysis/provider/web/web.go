// Package web measures with an HTTP request whose answer is JSON or text (spec 5.7, web).
package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"k8s.io/client-go/util/jsonpath"

	"github.com/sluice-delivery/sluice/analysis/provider"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const timeout = 10 * time.Second // when the metric says nothing

// New returns the provider.
func New(deps provider.Deps) provider.Provider {
	return provider.HTTP{Transport: deps.HTTP, Request: request, Parse: parse}
}

// request builds the question. A jsonPath that cannot be read is found before anybody is asked.
func request(q provider.Query) (*http.Request, provider.Dial, error) {
	web := q.Metric.Provider.Web
	if web == nil {
		return nil, provider.Dial{}, errors.New("the metric has no web part")
	}
	dial := provider.Dial{Timeout: timeout, Insecure: web.Insecure, Headers: web.Headers, OAuth2: web.Authentication.OAuth2}
	if web.TimeoutSeconds > 0 {
		dial.Timeout = time.Duration(web.TimeoutSeconds) * time.Second
	}
	if _, err := path(web); err != nil {
		return nil, dial, err
	}
	body, err := body(web)
	if err == nil {
		err = dial.Check()
	}
	if err != nil {
		return nil, dial, err
	}
	asked, err := http.NewRequest(string(method(web)), web.URL, bytes.NewReader(body)) // the transport adds the context
	if err == nil && len(web.JSONBody) > 0 {
		asked.Header.Set("Content-Type", "application/json")
	}
	return asked, dial, err
}

func method(web *v1alpha1.WebMetric) v1alpha1.WebMetricMethod {
	return cmp.Or(web.Method, v1alpha1.WebMetricMethodGet)
}

// body is what is sent along.
func body(web *v1alpha1.WebMetric) ([]byte, error) {
	switch method(web) {
	case v1alpha1.WebMetricMethodGet, v1alpha1.WebMetricMethodPost, v1alpha1.WebMetricMethodPut:
	default:
		return nil, fmt.Errorf("web metric method %q is not one of GET, POST, PUT", web.Method)
	}
	switch {
	case web.Body != "" && len(web.JSONBody) > 0:
		return nil, errors.New("use either Body or JSONBody; both cannot exists for WebMetric payload")
	case web.Body == "" && len(web.JSONBody) == 0:
		return nil, nil
	case method(web) == v1alpha1.WebMetricMethodGet:
		return nil, errors.New("Body/JSONBody can only be used with POST or PUT WebMetric Method types")
	case web.Body != "":
		return []byte(web.Body), nil
	}
	return web.JSONBody, nil
}

// path is the compiled jsonPath; the whole document when the metric says nothing.
func path(web *v1alpha1.WebMetric) (*jsonpath.JSONPath, error) {
	compiled := jsonpath.New("metrics")
	err := compiled.Parse(cmp.Or(web.JSONPath, "{$}"))
	return compiled, err
}

// parse reads the answer: JSON at the path, or a text as it is.
func parse(q provider.Query, answer []byte) (sample provider.Sample, err error) {
	var document any
	if json.Unmarshal(answer, &document) != nil {
		return provider.Sample{Result: string(answer), Value: string(answer)}, nil
	}
	compiled, err := path(q.Metric.Provider.Web)
	if err != nil {
		return sample, err
	}
	result, err := find(compiled, document)
	if err != nil {
		return sample, err
	}
	value, err := json.Marshal(result)
	return provider.Sample{Result: result, Value: string(value)}, err
}

// find is the first match. The library panics over some documents; one answer must not end the process.
func find(compiled *jsonpath.JSONPath, document any) (result any, err error) {
	nothing := errors.New("result of web metric produced no value")
	defer func() {
		if trouble := recover(); trouble != nil {
			err = fmt.Errorf("Could not find JSONPath in body: %v", trouble)
		}
	}()
	if document == nil {
		return nil, nothing
	}
	found, err := compiled.FindResults(document)
	switch {
	case err != nil:
		return nil, fmt.Errorf("Could not find JSONPath in body: %s", strings.TrimSpace(err.Error()))
	case len(found) == 0 || len(found[0]) == 0:
		return nil, nothing
	case !found[0][0].IsValid():
		return nil, nil
	}
	return found[0][0].Interface(), nil
}
