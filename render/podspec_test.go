package render

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
)

const podRollout = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [%s]}}
  strategy: {canary: {}}
`

// The form is that of Kubernetes, seen in what Argo CD 3.5.7 compares.
func TestPodTemplatesAreWrittenAsKubernetesWritesThem(t *testing.T) {
	for name, tc := range map[string]struct{ container, want string }{
		"a container without resources has empty ones": {`{name: web, image: "web:1"}`, `{"image":"web:1","name":"web","resources":{}}`},
		"quantities are canonical": {`{name: web, image: "web:1", resources: {requests: {cpu: "0.1", memory: 1024Mi}}}`,
			`{"image":"web:1","name":"web","resources":{"requests":{"cpu":"100m","memory":"1Gi"}}}`},
		"a quantity may be a number": {`{name: web, image: "web:1", resources: {limits: {cpu: 1}}}`, `{"image":"web:1","name":"web","resources":{"limits":{"cpu":"1"}}}`},
		"whole numbers stay whole": {`{name: web, image: "web:1", ports: [{containerPort: 8080}]}`,
			`{"image":"web:1","name":"web","ports":[{"containerPort":8080,"protocol":"TCP"}],"resources":{}}`},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := Render(inline(t, map[string]string{"web.yaml": fmt.Sprintf(podRollout, tc.container)}), Options{})
			if err != nil {
				t.Fatal(err)
			}
			containers, _, _ := unstructured.NestedSlice(result.Objects[0].Object, "spec", "template", "spec", "containers")
			if got, _ := json.Marshal(containers[0]); string(got) != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}
