//go:build apiserver

package apiserver

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// From the deciding measurement to weight 0 in the routing object it takes a second at most.
func TestABadMeasurementTakesTheTrafficBackWithinASecond(t *testing.T) {
	p := in(t)
	var bad atomic.Bool
	var decided atomic.Int64 // when the first bad answer was given, in nanoseconds
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if bad.Load() {
			decided.CompareAndSwap(0, time.Now().UnixNano())
			fmt.Fprint(w, `{"rate": 0.8}`)
			return
		}
		fmt.Fprint(w, `{"rate": 0.99}`)
	}))
	t.Cleanup(server.Close)
	for _, name := range []string{"web-canary", "web-stable"} {
		p.must(p.create(fmt.Sprintf(service, name)))
	}
	p.must(p.create(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  rules: [{host: web.test, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web-stable, port: {number: 80}}}}]}}]
`))
	p.must(p.create(fmt.Sprintf(`
kind: AnalysisTemplate
metadata: {name: rate}
spec:
  metrics:
  - {name: rate, interval: 1s, successCondition: "result >= 0.95", provider: {web: {url: %q, jsonPath: "{$.rate}"}}}
`, server.URL)))
	text := strings.Replace(canary, "canary: {steps: [{setWeight: 34}",
		"canary: {canaryService: web-canary, stableService: web-stable, trafficRouting: {nginx: {stableIngress: web}}, "+
			"analysis: {templates: [{templateName: rate}]}, steps: [{setWeight: 34}", 1)
	p.must(p.create(text))
	p.until("web", 30*time.Second, phase(v1alpha1.RolloutPhaseHealthy))
	p.must(p.patch(&v1alpha1.Rollout{}, "web", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app:2"}]}}}}`))
	p.until("web", 30*time.Second, phase(v1alpha1.RolloutPhasePaused))
	weight := func(want string) (time.Time, error) {
		ingress := &networkingv1.Ingress{}
		if err := cluster.Get(p.ctx, client.ObjectKey{Namespace: p.namespace, Name: "web-web-canary"}, ingress); err != nil {
			return time.Time{}, err
		}
		if got := ingress.Annotations["nginx.ingress.kubernetes.io/canary-weight"]; got != want {
			return time.Time{}, fmt.Errorf("weight %s, want %s", got, want)
		}
		return time.Now(), nil
	}
	if _, err := weight("34"); err != nil {
		t.Fatal(err)
	}
	bad.Store(true)
	var back time.Time
	p.must(wait(p.ctx, 20*time.Second, func() (err error) { back, err = weight("0"); return err }))
	took := back.Sub(time.Unix(0, decided.Load()))
	t.Logf("weight 0 was seen %s after the deciding answer", took)
	if took > time.Second {
		t.Errorf("weight 0 came %s after the deciding answer", took)
	}
	p.until("web", 10*time.Second, phase(v1alpha1.RolloutPhaseDegraded))
}
