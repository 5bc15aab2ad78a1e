package replicas

import "k8s.io/apimachinery/pkg/util/intstr"

var quarter = intstr.FromString("25%")

// Limits are how many pods there may be beyond replicas, and how many of them may be missing (spec 3.8.1). Absent
// values mean 25%; surge is rounded up, unavailable down and never more than there are; when both come to 0 one pod
// may be missing, otherwise nothing could ever move.
func Limits(maxSurge, maxUnavailable *intstr.IntOrString, replicas int32) (surge, unavailable int32) {
	surge = scaled(maxSurge, replicas, true)
	unavailable = scaled(maxUnavailable, replicas, false)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, min(unavailable, replicas)
}

// scaled is a number or a share of replicas. Validation refuses what is neither, and less than nothing; here they are 0.
func scaled(value *intstr.IntOrString, replicas int32, up bool) int32 {
	if value == nil {
		value = &quarter
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(value, int(replicas), up)
	if err != nil || n < 0 {
		return 0
	}
	return int32(n)
}
