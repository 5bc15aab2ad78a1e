package health

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// strict reads the few fields that decide on health, which is ten times faster than converting an object by reflection.
// As there, a field of another type than the kind's is an error; null is as good as absent.
type strict struct {
	metadata, spec, status fields
	err                    error
}

func strictly(obj *unstructured.Unstructured) *strict {
	s := &strict{}
	root := fields(obj.Object)
	s.metadata, s.spec, s.status = s.fields(root, "metadata"), s.fields(root, "spec"), s.fields(root, "status")
	return s
}

func (s *strict) fail(name string, value any) {
	if value != nil && s.err == nil {
		s.err = fmt.Errorf("%s is not of the type that the kind has there: %T", name, value)
	}
}

func (s *strict) fields(of fields, name string) fields {
	f, is := of[name].(map[string]any)
	if !is {
		s.fail(name, of[name])
	}
	return f
}

func (s *strict) text(of fields, name string) string {
	text, is := of[name].(string)
	if !is {
		s.fail(name, of[name])
	}
	return text
}

func (s *strict) number(of fields, name string) int32 { return int32(s.long(of, name)) }

func (s *strict) long(of fields, name string) int64 {
	n, is := of[name].(int64)
	if f, float := of[name].(float64); float && f == float64(int64(f)) {
		n, is = int64(f), true
	}
	if !is {
		s.fail(name, of[name])
	}
	return n
}

// optional is nil for a number that is not there.
func (s *strict) optional(of fields, name string) *int32 {
	if of[name] == nil {
		return nil
	}
	n := s.number(of, name)
	return &n
}

func (s *strict) flag(of fields, name string) bool {
	b, is := of[name].(bool)
	if !is {
		s.fail(name, of[name])
	}
	return b
}

func (s *strict) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: s.text(s.metadata, "name"), Generation: s.long(s.metadata, "generation")}
}

// conditions calls one for each.
func (s *strict) conditions(one func(condition)) {
	list, is := s.status["conditions"].([]any)
	if !is {
		s.fail("conditions", s.status["conditions"])
	}
	for _, entry := range list {
		c, is := entry.(map[string]any)
		if !is {
			s.fail("conditions", entry)
		}
		one(condition{s.text(c, "type"), s.text(c, "status"), s.text(c, "reason"), s.text(c, "message")})
	}
}

func (s *strict) deployment() *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: s.meta()}
	d.Spec.Paused, d.Spec.Replicas = s.flag(s.spec, "paused"), s.optional(s.spec, "replicas")
	d.Status.ObservedGeneration, d.Status.Replicas = s.long(s.status, "observedGeneration"), s.number(s.status, "replicas")
	d.Status.UpdatedReplicas, d.Status.AvailableReplicas = s.number(s.status, "updatedReplicas"), s.number(s.status, "availableReplicas")
	s.conditions(func(c condition) {
		d.Status.Conditions = append(d.Status.Conditions, appsv1.DeploymentCondition{Type: appsv1.DeploymentConditionType(c.Type), Reason: c.Reason})
	})
	return d
}

func (s *strict) replicaSet() *appsv1.ReplicaSet {
	r := &appsv1.ReplicaSet{ObjectMeta: s.meta()}
	r.Spec.Replicas = s.optional(s.spec, "replicas")
	r.Status.ObservedGeneration, r.Status.AvailableReplicas = s.long(s.status, "observedGeneration"), s.number(s.status, "availableReplicas")
	s.conditions(func(c condition) {
		r.Status.Conditions = append(r.Status.Conditions, appsv1.ReplicaSetCondition{
			Type: appsv1.ReplicaSetConditionType(c.Type), Status: corev1.ConditionStatus(c.Status), Message: c.Message})
	})
	return r
}

func (s *strict) statefulSet() *appsv1.StatefulSet {
	f := &appsv1.StatefulSet{ObjectMeta: s.meta()}
	f.Spec.Replicas = s.optional(s.spec, "replicas")
	strategy := s.fields(s.spec, "updateStrategy")
	f.Spec.UpdateStrategy.Type = appsv1.StatefulSetUpdateStrategyType(s.text(strategy, "type"))
	if rolling := s.fields(strategy, "rollingUpdate"); rolling != nil {
		f.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: s.optional(rolling, "partition")}
	}
	t := &f.Status
	t.ObservedGeneration, t.ReadyReplicas = s.long(s.status, "observedGeneration"), s.number(s.status, "readyReplicas")
	t.UpdatedReplicas, t.CurrentReplicas = s.number(s.status, "updatedReplicas"), s.number(s.status, "currentReplicas")
	t.UpdateRevision, t.CurrentRevision = s.text(s.status, "updateRevision"), s.text(s.status, "currentRevision")
	return f
}

func (s *strict) daemonSet() *appsv1.DaemonSet {
	d := &appsv1.DaemonSet{ObjectMeta: s.meta()}
	d.Spec.UpdateStrategy.Type = appsv1.DaemonSetUpdateStrategyType(s.text(s.fields(s.spec, "updateStrategy"), "type"))
	t := &d.Status
	t.ObservedGeneration, t.NumberAvailable = s.long(s.status, "observedGeneration"), s.number(s.status, "numberAvailable")
	t.UpdatedNumberScheduled, t.DesiredNumberScheduled = s.number(s.status, "updatedNumberScheduled"), s.number(s.status, "desiredNumberScheduled")
	return d
}

func (s *strict) job() *batchv1.Job {
	j := &batchv1.Job{ObjectMeta: s.meta()}
	s.conditions(func(c condition) {
		j.Status.Conditions = append(j.Status.Conditions, batchv1.JobCondition{
			Type: batchv1.JobConditionType(c.Type), Status: corev1.ConditionStatus(c.Status), Message: c.Message})
	})
	return j
}

func (s *strict) service() *corev1.Service {
	v := &corev1.Service{ObjectMeta: s.meta()}
	v.Spec.Type = corev1.ServiceType(s.text(s.spec, "type"))
	balancer := s.fields(s.status, "loadBalancer")
	points, is := balancer["ingress"].([]any)
	if !is {
		s.fail("ingress", balancer["ingress"])
	}
	v.Status.LoadBalancer.Ingress = make([]corev1.LoadBalancerIngress, len(points))
	return v
}

func (s *strict) claim() *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{ObjectMeta: s.meta()}
	c.Status.Phase = corev1.PersistentVolumeClaimPhase(s.text(s.status, "phase"))
	return c
}
