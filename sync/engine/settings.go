package engine

import (
	enginehealth "github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/health"
)

// override makes gitops-engine judge objects as package health does, with one exception: a Rollout that is paused by
// its own steps counts as done. Otherwise a paused canary would block later waves for ever.
type override struct{}

// GetResourceHealth implements health.HealthOverride; nil leaves the judgement to gitops-engine.
func (override) GetResourceHealth(obj *unstructured.Unstructured) (*enginehealth.HealthStatus, error) {
	h, err := health.Assess(obj)
	if err != nil || h.Status == "" {
		return nil, err
	}
	if h.Status == health.Suspended && obj.GetKind() == "Rollout" {
		h.Status = health.Healthy
	}
	return &enginehealth.HealthStatus{Status: enginehealth.HealthStatusCode(h.Status), Message: h.Message}, nil
}

// filter leaves out kinds that no Git has, that change all the time, or that cannot be listed.
type filter struct{}

var excluded = map[string]bool{
	"/Endpoints": true, "/Event": true, "/Node": true, "/ComponentStatus": true,
	"apps/ControllerRevision": true, "certificates.k8s.io/CertificateSigningRequest": true,
}

var excludedGroups = map[string]bool{
	"events.k8s.io": true, "discovery.k8s.io": true, "coordination.k8s.io": true, "authentication.k8s.io": true, "authorization.k8s.io": true,
	"metrics.k8s.io": true, "flowcontrol.apiserver.k8s.io": true, "wgpolicyk8s.io": true, "internal.apiserver.k8s.io": true,
}

// IsExcludedResource implements kube.ResourceFilter.
func (filter) IsExcludedResource(group, kind, _ string) bool {
	return excludedGroups[group] || excluded[group+"/"+kind]
}
