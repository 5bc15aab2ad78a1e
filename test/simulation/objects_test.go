package simulation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A rollout in YAML: replicas, and the strategy, indented by four.
func rolloutYAML(replicas int, strategy string) string {
	return fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: shop}
spec:
  replicas: %d
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers: [{name: web, image: "shop:1"}]
  strategy:
%s`, replicas, strategy)
}

func serviceYAML(name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {selector: {app: shop}, ports: [{port: 80}]}", name)
}

func ingressYAML(name, service string) string {
	return fmt.Sprintf(`apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %s}
spec: {rules: [{host: shop.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: %s, port: {number: 80}}}}]}}]}`, name, service)
}

func templateYAML(name, count string) string {
	return fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: %s}
spec:
  metrics:
  - {name: errors, interval: 5s, %ssuccessCondition: "result < 0.05", provider: {web: {url: "http://metrics/errors"}}}`, name, count)
}

// behindNginx are the objects of a canary behind an NGINX ingress.
func behindNginx(replicas int, strategy string) []string {
	return []string{serviceYAML("canary"), serviceYAML("stable"), ingressYAML("shop", "stable"), rolloutYAML(replicas, `    canary:
      canaryService: canary
      stableService: stable
      trafficRouting: {nginx: {stableIngress: shop}}
`+strategy)}
}

// documents reads a file of manifests from testdata/rollouts.
func documents(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "rollouts", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimPrefix(string(text), "---\n"), "\n---\n")
}
