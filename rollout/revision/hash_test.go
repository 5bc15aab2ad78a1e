package revision

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func template(t *testing.T, text string) *corev1.PodTemplateSpec {
	t.Helper()
	var p corev1.PodTemplateSpec
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

const shop = `{"metadata":{"labels":{"app":"shop"}},"spec":{"containers":[{"name":"web","image":"registry.example/shop:1.0","resources":{}}]}}`

// The values are those of spec 2.2, and hashes that the reference controller gave templates in test/traces/recorded.
func TestHashIsExact(t *testing.T) {
	one := int32(1)
	for name, c := range map[string]struct {
		template  string
		collision *int32
		want      string
	}{
		"a small template":                               {shop, nil, "7484fdbdff"},
		"a template that collided once":                  {shop, &one, "75f49cbfcd"},
		"resources in canonical order":                   {`{"metadata":{"labels":{"app":"shop"}},"spec":{"containers":[{"name":"web","image":"registry.example/shop:1.0","ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],"resources":{"requests":{"cpu":"10m","memory":"32Mi"}}}]}}`, nil, "7d5dcf66c"},
		"quantities in another notation":                 {`{"metadata":{"labels":{"app":"shop"}},"spec":{"containers":[{"name":"web","image":"registry.example/shop:1.0","ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],"resources":{"requests":{"memory":"32768Ki","cpu":"0.01"}}}]}}`, nil, "7d5dcf66c"},
		"an empty timestamp":                             {`{"metadata":{"creationTimestamp":null,"labels":{"app":"shop"}},"spec":{"containers":[{"name":"web","image":"registry.example/shop:1.0","resources":{}}]}}`, nil, "7484fdbdff"},
		"the first template of recordings":               {`{"metadata":{"labels":{"app":"demo"}},"spec":{"containers":[{"name":"app","image":"app:1"}]}}`, nil, "5bd75c6c5b"},
		"their second template":                          {`{"metadata":{"labels":{"app":"demo"}},"spec":{"containers":[{"name":"app","image":"app:2"}]}}`, nil, "78bdc5b79c"},
		"recorded as r1-w50":                             {`{"metadata":{"labels":{"app":"r1-w50"}},"spec":{"containers":[{"name":"app","image":"app:1"}]}}`, nil, "6465c4d99f"},
		"recorded as r4-w25":                             {`{"metadata":{"labels":{"app":"r4-w25"}},"spec":{"containers":[{"name":"app","image":"app:1"}]}}`, nil, "579447968"},
		"a field that the types of the hash do not know": {`{"metadata":{"labels":{"app":"shop"}},"spec":{"schedulingGroup":{"podGroupName":"g"},"containers":[{"name":"web","image":"registry.example/shop:1.0","resources":{}}]}}`, nil, "7484fdbdff"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Hash(template(t, c.template), c.collision); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestHashLeavesItsTemplateAlone(t *testing.T) {
	p := template(t, `{"spec":{"schedulingGroup":{"podGroupName":"g"}}}`)
	Hash(p, nil)
	if p.Spec.SchedulingGroup == nil {
		t.Error("hashing removed the scheduling group")
	}
}

func TestStepHashIsExact(t *testing.T) {
	for name, c := range map[string]struct{ steps, want string }{
		"the example of the spec":           {`[{"setWeight":20},{"pause":{}}]`, "54649b9f5c"},
		"no steps, as recorded":             {`null`, "5ffbfbbd64"},
		"an empty list is the same as none": {`[]`, "5ffbfbbd64"},
		"canary-basic-steps, as recorded":   {`[{"setWeight":20},{"pause":{"duration":"5s"}},{"setWeight":60},{"pause":{}}]`, "58bb8c74c9"},
	} {
		t.Run(name, func(t *testing.T) {
			var steps []v1alpha1.CanaryStep
			if err := json.Unmarshal([]byte(c.steps), &steps); err != nil {
				t.Fatal(err)
			}
			if got := StepHash(steps); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestDeploymentHashTellsTemplatesApart(t *testing.T) {
	one := int32(1)
	a, b := template(t, shop), template(t, shop)
	b.Spec.Containers[0].Image = "registry.example/shop:1.1"
	if DeploymentHash(a, nil) != DeploymentHash(template(t, shop), nil) {
		t.Error("the same template has two hashes")
	}
	if DeploymentHash(a, nil) == DeploymentHash(b, nil) || DeploymentHash(a, nil) == DeploymentHash(a, &one) || DeploymentHash(a, nil) == Hash(a, nil) {
		t.Error("two different things have one hash")
	}
}

func TestSafeEncodeUsesTheAlphabetOfTheField(t *testing.T) {
	// Spec 2.2: the digits 0 to 9 become 4 5 6 7 8 9 b c d f.
	if got := SafeEncode(1234567890); got != "56789bcdf4" {
		t.Errorf("got %s", got)
	}
}
