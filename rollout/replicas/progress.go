package replicas

import "github.com/sluice-delivery/sluice/api/v1alpha1"

// Met reports whether enough pods of the desired number are available (spec 3.7). Without a threshold, or with one
// below zero, enough means all: wanted, available and desired are the same number.
func Met(threshold *v1alpha1.ReplicaProgressThreshold, set Set, desired int32) bool {
	if threshold == nil || threshold.Value < 0 {
		return set.Spec == desired && set.Available == desired
	}
	if threshold.Type == v1alpha1.ProgressThresholdPods {
		return set.Available >= threshold.Value
	}
	return desired == 0 || int64(set.Available)*100 >= int64(threshold.Value)*int64(desired)
}
