package simulation

import (
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// The objects that random worlds are made of.

func labelSelector(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

func (w *World) service(name string) *corev1.Service {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "shop"}, Ports: []corev1.ServicePort{{Port: 80}}}}
	w.birth(s)
	return s
}

func ingress(name, service string) *networkingv1.Ingress {
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: service, Port: networkingv1.ServiceBackendPort{Number: 80}}}
	return &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: Namespace}, Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{
		Host:             "shop.example",
		IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Path: "/", Backend: backend}}}},
	}}}}
}

// someTemplate measures twice, two seconds apart: below 0.05 is good, above 0.5 bad, and nobody knows in between.
func someTemplate() *v1alpha1.AnalysisTemplate {
	count := intstr.FromInt32(2)
	return &v1alpha1.AnalysisTemplate{ObjectMeta: metav1.ObjectMeta{Name: "errors", Namespace: Namespace}, Spec: v1alpha1.AnalysisTemplateSpec{Metrics: []v1alpha1.Metric{{
		Name: "errors", Interval: "2s", Count: &count, SuccessCondition: "result < 0.05", FailureCondition: "result > 0.5",
		Provider: v1alpha1.MetricProvider{Web: &v1alpha1.WebMetric{URL: "http://metrics/errors"}},
	}}}}
}

// someRollout is a random Rollout with what belongs to it.
func (w *World) someRollout(random *rand.Rand, kind string) []object {
	n := int32(random.IntN(8) + 1)
	r := &v1alpha1.Rollout{}
	r.Name, w.Name = "shop", "shop"
	r.UID, r.Generation = "rollout", 1
	w.birth(r)
	r.Spec.Replicas = &n
	r.Spec.Selector = labelSelector("shop")
	r.Spec.Template.Labels = map[string]string{"app": "shop"}
	r.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "shop:1"}}
	if random.IntN(3) == 0 {
		r.Spec.MinReadySeconds = int32(random.IntN(5))
	}
	if random.IntN(4) == 0 {
		limit := int32(random.IntN(3))
		r.Spec.RevisionHistoryLimit = &limit
	}
	if random.IntN(4) == 0 {
		r.Spec.RollbackWindow = &v1alpha1.RollbackWindowSpec{Revisions: int32(1 + random.IntN(2))}
	}
	analysed := random.IntN(3) == 0
	if analysed {
		outcome := []any{0.0, 0.0, 0.0}
		for i := range outcome {
			outcome[i] = []any{0.0, 0.0, 0.0, 0.2, 0.9}[random.IntN(5)]
		}
		w.measure = func(*v1alpha1.AnalysisRun) []any { return outcome }
		w.templates["errors"] = someTemplate()
	}
	var objects []object
	if kind == "bluegreen" {
		r.Spec.Strategy.BlueGreen = someBlueGreen(random, analysed)
		objects = append(objects, w.service("active"), w.service("preview"))
	} else {
		r.Spec.Strategy.Canary = someCanary(random, kind == "routed", analysed)
		if kind == "routed" {
			objects = append(objects, w.service("canary"), w.service("stable"))
			w.ingresses["shop"] = ingress("shop", "stable")
			if random.IntN(4) == 0 {
				w.verified = lagging(time.Duration(random.IntN(20)) * time.Second)
			}
		}
	}
	w.routers = w.recorderFor(r)
	return append(objects, r)
}

// lagging is a data plane that carries a split some time after its objects do.
func lagging(behind time.Duration) func(*World) *bool {
	return func(w *World) *bool { return new(!w.Now.Before(w.routedAt.Add(behind))) }
}

func someBlueGreen(random *rand.Rand, analysed bool) *v1alpha1.BlueGreenStrategy {
	b := &v1alpha1.BlueGreenStrategy{ActiveService: "active", PreviewService: "preview"}
	coin := func() bool { return random.IntN(2) == 0 }
	if coin() {
		b.AutoPromotionEnabled = new(bool)
	} else if coin() {
		b.AutoPromotionSeconds = int32(1 + random.IntN(20))
	}
	if random.IntN(3) == 0 {
		b.PreviewReplicaCount = new(int32(1))
	}
	if coin() {
		b.ScaleDownDelaySeconds = new(int32(random.IntN(40)))
	}
	if random.IntN(3) == 0 {
		b.AbortScaleDownDelaySeconds = new(int32(random.IntN(3) * 10))
	}
	if analysed {
		run := &v1alpha1.RolloutAnalysis{Templates: []v1alpha1.TemplateRef{{TemplateName: "errors"}}}
		if coin() {
			b.PrePromotionAnalysis = run
		}
		if coin() {
			b.PostPromotionAnalysis = run
		}
	}
	return b
}

func someCanary(random *rand.Rand, routed, analysed bool) *v1alpha1.CanaryStrategy {
	c := &v1alpha1.CanaryStrategy{Steps: someSteps(random, routed, analysed)}
	coin := func() bool { return random.IntN(2) == 0 }
	if coin() {
		surge, missing := intstr.FromInt32(int32(random.IntN(3))), intstr.FromInt32(int32(random.IntN(3)))
		if surge.IntVal+missing.IntVal == 0 {
			surge.IntVal = 1 // both at 0 are refused
		}
		c.MaxSurge, c.MaxUnavailable = &surge, &missing
	}
	if analysed && coin() {
		c.Analysis = &v1alpha1.RolloutAnalysisBackground{RolloutAnalysis: v1alpha1.RolloutAnalysis{Templates: []v1alpha1.TemplateRef{{TemplateName: "errors"}}}}
	}
	if !routed {
		return c
	}
	c.CanaryService, c.StableService = "canary", "stable"
	c.TrafficRouting = &v1alpha1.RolloutTrafficRouting{Nginx: &v1alpha1.NginxTrafficRouting{StableIngress: "shop"}}
	if random.IntN(3) == 0 {
		c.DynamicStableScale = true
	} else if coin() {
		c.ScaleDownDelaySeconds = new(int32(random.IntN(40)))
	}
	if random.IntN(3) == 0 {
		c.AbortScaleDownDelaySeconds = new(int32(random.IntN(3) * 10))
	}
	if random.IntN(4) == 0 {
		c.MinPodsPerReplicaSet = new(int32(2))
	}
	return c
}

func someSteps(random *rand.Rand, routed, analysed bool) []v1alpha1.CanaryStep {
	var steps []v1alpha1.CanaryStep
	for range random.IntN(5) {
		switch n := random.IntN(8); {
		case n < 4:
			steps = append(steps, v1alpha1.CanaryStep{SetWeight: new(int32(random.IntN(21) * 5))})
		case n < 5:
			steps = append(steps, v1alpha1.CanaryStep{Pause: &v1alpha1.RolloutPause{}})
		case n < 6:
			wait := intstr.FromInt32(int32(1 + random.IntN(30)))
			steps = append(steps, v1alpha1.CanaryStep{Pause: &v1alpha1.RolloutPause{Duration: &wait}})
		case n < 7 && routed:
			steps = append(steps, v1alpha1.CanaryStep{SetCanaryScale: someScale(random)})
		case analysed:
			steps = append(steps, v1alpha1.CanaryStep{Analysis: &v1alpha1.RolloutAnalysis{Templates: []v1alpha1.TemplateRef{{TemplateName: "errors"}}}})
		}
	}
	return steps
}

func someScale(random *rand.Rand) *v1alpha1.SetCanaryScale {
	switch random.IntN(3) {
	case 0:
		return &v1alpha1.SetCanaryScale{Weight: new(int32(1 + random.IntN(100)))}
	case 1:
		return &v1alpha1.SetCanaryScale{Replicas: new(int32(1 + random.IntN(4)))}
	}
	return &v1alpha1.SetCanaryScale{MatchTrafficWeight: true}
}
