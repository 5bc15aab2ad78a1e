package catalog

import (
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout"
	"github.com/sluice-delivery/sluice/rollout/plan"
)

// The planner must not import the catalog, so it has a list of its own of the routers that there are. They agree.
func TestThePlannerRefusesExactlyTheRoutersThatAreNotHere(t *testing.T) {
	fields := reflect.TypeOf(v1alpha1.RolloutTrafficRouting{})
	for i := range fields.NumField() {
		field := fields.Field(i)
		if field.Type.Kind() != reflect.Pointer || field.Type.Elem().Kind() != reflect.Struct {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		t.Run(name, func(t *testing.T) {
			routing := &v1alpha1.RolloutTrafficRouting{}
			reflect.ValueOf(routing).Elem().Field(i).Set(reflect.New(field.Type.Elem()))
			ro := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "n", UID: "u"}}
			ro.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}}
			ro.Spec.Template.Labels = map[string]string{"app": "shop"}
			ro.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: "shop:1"}}
			ro.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{CanaryService: "canary", StableService: "stable", TrafficRouting: routing}
			next := rollout.Decide(plan.Snapshot{Rollout: ro}, time.Unix(0, 0))
			refused := strings.Contains(next.Retry, "trafficRouting."+name+": not part of this build")
			if _, here := routers[name]; here == refused {
				t.Errorf("in the catalog: %t, refused by the planner: %t (%s)", here, refused, next.Retry)
			}
		})
	}
}
