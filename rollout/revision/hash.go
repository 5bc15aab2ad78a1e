// Package revision tells the revisions of a Rollout apart: how a pod template becomes a hash, which ReplicaSet carries
// a template, which number it has, what a new one looks like and which old ones have to go.
// It leaves to others how large a ReplicaSet is (replicas) and what becomes of its traffic (canary, bluegreen).
package revision

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"hash/fnv"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/dump"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Hash is the pod-template hash of a template as a person wrote it: without a hash label, without injected
// anti-affinity or ephemeral metadata, without the API server's defaults. It is part of names and labels that other
// programs compare, so it is exact to the bit (spec 2.2).
func Hash(template *corev1.PodTemplateSpec, collisionCount *int32) string {
	sum := fnv.New32a()
	text, err := json.Marshal(known(template))
	if err != nil {
		// A decoded pod template can always be encoded: it holds neither channels nor functions nor odd numbers.
		panic(fmt.Sprintf("encode pod template: %v", err))
	}
	sum.Write(text)
	collide(sum, collisionCount)
	return SafeEncode(sum.Sum32())
}

// known drops the two fields that the API types behind the hash (k8s.io/api v0.34) do not have. Otherwise the same
// template would have another hash with each update of the library.
func known(template *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	t := template.DeepCopy()
	t.Spec.SchedulingGroup = nil
	for _, v := range t.Spec.Volumes {
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if source.PodCertificate != nil {
				source.PodCertificate.UserAnnotations = nil
			}
		}
	}
	return t
}

// DeploymentHash is the hash that a Kubernetes Deployment would give the same template. ReplicaSets that were taken
// over from one carry it.
func DeploymentHash(template *corev1.PodTemplateSpec, collisionCount *int32) string {
	sum := fnv.New32a()
	//lint:ignore SA1019 Deployments are hashed with this very function
	fmt.Fprintf(sum, "%v", dump.ForHash(*template))
	collide(sum, collisionCount)
	return SafeEncode(sum.Sum32())
}

// StepHash changes when the steps of a canary do (spec 2.3).
func StepHash(steps []v1alpha1.CanaryStep) string {
	if len(steps) == 0 {
		steps = nil // an empty list and no list are the same to the API
	}
	sum := fnv.New32a()
	text, err := json.Marshal(steps)
	if err != nil {
		// Only the raw configuration of a step plugin can be malformed, and no object with such text was ever decoded.
		text = fmt.Appendf(nil, "%+v", steps)
	}
	sum.Write(text)
	return SafeEncode(sum.Sum32())
}

// SafeEncode writes a number in letters that form no words.
func SafeEncode(sum uint32) string {
	return rand.SafeEncodeString(strconv.FormatUint(uint64(sum), 10))
}

func collide(sum hash.Hash32, count *int32) {
	if count == nil {
		return
	}
	var eight [8]byte
	binary.LittleEndian.PutUint32(eight[:], uint32(*count))
	sum.Write(eight[:])
}
