package health

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func service(s *corev1.Service) Health {
	if s.Spec.Type == corev1.ServiceTypeLoadBalancer && len(s.Status.LoadBalancer.Ingress) == 0 {
		return Health{Status: Progressing}
	}
	return Health{Status: Healthy}
}

// ingress stays Progressing on a cluster whose ingress controller never says where it listens.
func ingress(obj *unstructured.Unstructured) (Health, error) {
	if points, _, _ := unstructured.NestedSlice(obj.Object, "status", "loadBalancer", "ingress"); len(points) > 0 {
		return Health{Status: Healthy}, nil
	}
	return Health{Status: Progressing}, nil
}

func claim(c *corev1.PersistentVolumeClaim) Health {
	switch c.Status.Phase {
	case corev1.ClaimBound:
		return Health{Status: Healthy}
	case corev1.ClaimPending:
		return Health{Status: Progressing}
	case corev1.ClaimLost:
		return Health{Status: Degraded}
	}
	return Health{Status: Unknown}
}

// broken are the reasons of conditions that an autoscaler does not come back from by itself.
var broken = map[string]bool{
	"AbleToScale FailedGetScale": true, "AbleToScale FailedUpdateScale": true,
	"ScalingActive FailedGetResourceMetric": true, "ScalingActive FailedGetObjectMetric": true,
	"ScalingActive FailedGetPodsMetric": true, "ScalingActive FailedGetExternalMetric": true,
	"ScalingActive FailedComputeMetricsReplicas": true, "ScalingActive InvalidSelector": true,
}

func autoscaler(obj *unstructured.Unstructured) (Health, error) {
	list := conditions(obj)
	switch version := obj.GroupVersionKind().Version; version {
	case "v2":
	case "v1":
		list = nil
		if value, found := obj.GetAnnotations()["autoscaling.alpha.kubernetes.io/conditions"]; found {
			if err := json.Unmarshal([]byte(value), &list); err != nil {
				return Health{}, fmt.Errorf("read the conditions of HorizontalPodAutoscaler %s/%s: %w", obj.GetNamespace(), obj.GetName(), err)
			}
		}
	default:
		return Health{}, fmt.Errorf("assess the health of %s HorizontalPodAutoscaler: this version of the kind is not supported", obj.GetAPIVersion())
	}
	for _, c := range list {
		if broken[c.Type+" "+c.Reason] {
			return Health{Degraded, c.Message}, nil
		}
	}
	for _, c := range list {
		if (c.Type == "AbleToScale" || c.Type == "ScalingLimited") && c.Status == "True" {
			return Health{Healthy, c.Message}, nil
		}
	}
	return Health{Progressing, "Waiting to Autoscale"}, nil
}
