package health

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// given reads an object from YAML as it would come from the API server.
func given(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	obj := &unstructured.Unstructured{}
	if err := obj.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	return obj
}

type assessCase struct {
	yaml    string
	status  Status
	message string
}

func runCases(t *testing.T, head string, cases map[string]assessCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h, err := Assess(given(t, head+c.yaml))
			if err != nil {
				t.Fatal(err)
			}
			if h.Status != c.status || h.Message != c.message {
				t.Errorf("got  %s %q\nwant %s %q", h.Status, h.Message, c.status, c.message)
			}
		})
	}
}

const rolloutHead = "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, "

// The rows of argocd-spec 2.3, in their order.
func TestRollout(t *testing.T) {
	runCases(t, rolloutHead, map[string]assessCase{
		"has no status yet":                           {`metadata: {name: a, generation: 1}}`, Progressing, unobserved},
		"was changed since the controller looked":     {`metadata: {name: a, generation: 3}, status: {observedGeneration: "2", phase: Healthy}}`, Progressing, unobserved},
		"is observed":                                 {`metadata: {name: a, generation: 3}, status: {observedGeneration: "3", phase: Healthy}}`, Healthy, ""},
		"was observed at a greater generation":        {`metadata: {name: a, generation: 3}, status: {observedGeneration: "9", phase: Healthy}}`, Healthy, ""},
		"was observed by a hash of old":               {`metadata: {name: a, generation: 3}, status: {observedGeneration: 7d8fcb, phase: Healthy}}`, Healthy, ""},
		"references a workload that was changed":      {`metadata: {name: a, annotations: {rollout.argoproj.io/workload-generation: "4"}}, spec: {workloadRef: {name: d}}, status: {workloadObservedGeneration: "3", phase: Healthy}}`, Progressing, unobserved},
		"references a workload that was observed":     {`metadata: {name: a, annotations: {rollout.argoproj.io/workload-generation: "4"}}, spec: {workloadRef: {name: d}}, status: {workloadObservedGeneration: "4", phase: Healthy}}`, Healthy, ""},
		"is paused at a step":                         {`metadata: {name: a}, status: {phase: Paused, message: CanaryPauseStep}}`, Suspended, "CanaryPauseStep"},
		"progresses":                                  {`metadata: {name: a}, status: {phase: Progressing, message: more replicas need to be updated}}`, Progressing, "more replicas need to be updated"},
		"is invalid":                                  {`metadata: {name: a}, status: {phase: Degraded, message: "InvalidSpec: no"}}`, Degraded, "InvalidSpec: no"},
		"has no phase and was aborted":                {`metadata: {name: a}, status: {conditions: [{type: Progressing, reason: RolloutAborted, message: gone}]}}`, Degraded, "gone"},
		"has no phase and missed its deadline":        {`metadata: {name: a}, status: {conditions: [{type: Progressing, reason: ProgressDeadlineExceeded, message: late}]}}`, Degraded, "late"},
		"has no phase and an invalid spec":            {`metadata: {name: a}, status: {conditions: [{type: InvalidSpec, message: bad}]}}`, Degraded, "bad"},
		"has no phase and a pause condition":          {`metadata: {name: a}, status: {pauseConditions: [{reason: CanaryPauseStep}]}}`, Suspended, "Rollout is paused"},
		"has no phase and is paused by hand":          {`metadata: {name: a}, spec: {paused: true}, status: {replicas: 1}}`, Suspended, "Rollout is paused"},
		"has no phase and no hash":                    {`metadata: {name: a}, status: {replicas: 1}}`, Progressing, "Waiting for rollout to finish: not reconciled yet"},
		"has no phase and too few updated pods":       {`metadata: {name: a}, spec: {replicas: 2}, status: {currentPodHash: x, updatedReplicas: 1}}`, Progressing, "Waiting for roll out to finish: More replicas need to be updated"},
		"has no phase and pods that are coming":       {`metadata: {name: a}, status: {currentPodHash: x, updatedReplicas: 1}}`, Progressing, "Waiting for roll out to finish: updated replicas are still becoming available"},
		"blue-green without phase, before the switch": {`metadata: {name: a}, spec: {strategy: {blueGreen: {}}}, status: {currentPodHash: x, updatedReplicas: 1, availableReplicas: 1, blueGreen: {activeSelector: z}}}`, Progressing, "active service cutover pending"},
		"blue-green without phase, under analysis":    {`metadata: {name: a}, spec: {strategy: {blueGreen: {}}}, status: {currentPodHash: x, stableRS: z, updatedReplicas: 1, availableReplicas: 1, blueGreen: {activeSelector: x}}}`, Progressing, "waiting for analysis to complete"},
		"canary without phase, with old pods":         {`metadata: {name: a}, spec: {strategy: {canary: {}}}, status: {currentPodHash: x, stableRS: x, replicas: 2, updatedReplicas: 1, availableReplicas: 1}}`, Progressing, "Waiting for roll out to finish: old replicas are pending termination"},
		"canary without phase, in its steps":          {`metadata: {name: a}, spec: {strategy: {canary: {}}}, status: {currentPodHash: x, stableRS: z, replicas: 1, updatedReplicas: 1, availableReplicas: 1}}`, Progressing, "Waiting for rollout to finish steps"},
		"canary without phase, done":                  {`metadata: {name: a}, spec: {strategy: {canary: {}}}, status: {currentPodHash: x, stableRS: x, replicas: 1, updatedReplicas: 1, availableReplicas: 1}}`, Healthy, ""},
		"is being deleted":                            {`metadata: {name: a, deletionTimestamp: "2026-11-20T09:00:00Z"}, status: {phase: Healthy}}`, Progressing, "Pending deletion"},
	})
}

const rollback = `'{"wanted":{"images":["p:1.4.4"],"hash":"bad"},"serving":{"images":["p:1.4.3"],"hash":"good"},"analysisRun":"p-bad-3-7","metric":"success-rate","value":"[0.8]","condition":"result[0] >= 0.99","since":"2026-11-20T09:30:00Z"}'`

func TestRolloutThatWasRolledBack(t *testing.T) {
	full := "rolled back: p:1.4.4 (bad) is wanted, p:1.4.3 (good) serves; AnalysisRun p-bad-3-7: metric success-rate measured [0.8], condition result[0] >= 0.99; since 2026-11-20T09:30:00Z"
	runCases(t, rolloutHead, map[string]assessCase{
		"names both images and the measurement":     {`metadata: {name: a, annotations: {sluice.dev/rollback: ` + rollback + `}}, status: {phase: Degraded, message: "RolloutAborted: x", currentPodHash: bad}}`, Degraded, full},
		"says what the status says without details": {`metadata: {name: a}, status: {phase: Degraded, message: "RolloutAborted: x", currentPodHash: bad}}`, Degraded, "RolloutAborted: x"},
		"ignores details of another revision":       {`metadata: {name: a, annotations: {sluice.dev/rollback: ` + rollback + `}}, status: {phase: Degraded, message: "RolloutAborted: y", currentPodHash: other}}`, Degraded, "RolloutAborted: y"},
		"ignores details that cannot be read":       {`metadata: {name: a, annotations: {sluice.dev/rollback: "{"}}, status: {phase: Degraded, message: "RolloutAborted: y", currentPodHash: bad}}`, Degraded, "RolloutAborted: y"},
		"forgets the details once it is healthy":    {`metadata: {name: a, annotations: {sluice.dev/rollback: ` + rollback + `}}, status: {phase: Healthy, currentPodHash: bad}}`, Healthy, ""},
	})
}

func TestAnalysisRunAndExperiment(t *testing.T) {
	runCases(t, "{apiVersion: argoproj.io/v1alpha1, ", map[string]assessCase{
		"a run without a status":         {`kind: AnalysisRun, metadata: {name: a}}`, Progressing, "Waiting for analysis run to finish: status has not been reconciled."},
		"a run that is pending":          {`kind: AnalysisRun, metadata: {name: a}, status: {phase: Pending}}`, Progressing, "Analysis run is running"},
		"a run that succeeded":           {`kind: AnalysisRun, metadata: {name: a}, status: {phase: Successful, message: fine}}`, Healthy, "fine"},
		"a run that failed":              {`kind: AnalysisRun, metadata: {name: a}, status: {phase: Failed}}`, Degraded, "Analysis run failed"},
		"a run that had an error":        {`kind: AnalysisRun, metadata: {name: a}, status: {phase: Error, message: no route}}`, Degraded, "no route"},
		"an inconclusive run":            {`kind: AnalysisRun, metadata: {name: a}, status: {phase: Inconclusive}}`, Unknown, "Analysis run was inconclusive"},
		"a run with an empty phase":      {`kind: AnalysisRun, metadata: {name: a}, status: {startedAt: x}}`, "", ""},
		"an experiment without status":   {`kind: Experiment, metadata: {name: a}}`, Progressing, "Waiting for experiment to finish: status has not been reconciled."},
		"an experiment that failed":      {`kind: Experiment, metadata: {name: a}, status: {phase: Failed, message: gone}}`, Degraded, "gone"},
		"an inconclusive experiment":     {`kind: Experiment, metadata: {name: a}, status: {phase: Inconclusive}}`, "", ""},
		"an analysis template is no run": {`kind: AnalysisTemplate, metadata: {name: a}}`, "", ""},
	})
}

// The rows of argocd-spec 2.4.
func TestBuiltInKinds(t *testing.T) {
	runCases(t, "{", map[string]assessCase{
		"a paused Deployment":                       {`apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {paused: true}}`, Suspended, "Deployment is paused"},
		"a Deployment that was not observed":        {`apiVersion: apps/v1, kind: Deployment, metadata: {name: d, generation: 2}, status: {observedGeneration: 1}}`, Progressing, "Waiting for rollout to finish: observed deployment generation less than desired generation"},
		"a Deployment past its deadline":            {`apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, status: {conditions: [{type: Progressing, reason: ProgressDeadlineExceeded}]}}`, Degraded, `Deployment "d" exceeded its progress deadline`},
		"a Deployment with old pods":                {`apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 1}, status: {replicas: 2, updatedReplicas: 1, availableReplicas: 1}}`, Progressing, "Waiting for rollout to finish: 1 old replicas are pending termination..."},
		"a Deployment that is done":                 {`apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 1}, status: {replicas: 1, updatedReplicas: 1, availableReplicas: 1}}`, Healthy, ""},
		"a ReplicaSet that cannot make pods":        {`apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: d}, spec: {replicas: 1}, status: {conditions: [{type: ReplicaFailure, status: "True", message: quota}]}}`, Degraded, "quota"},
		"a ReplicaSet with pods to come":            {`apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: d}, spec: {replicas: 2}, status: {availableReplicas: 1}}`, Progressing, "Waiting for rollout to finish: 1 out of 2 new replicas are available..."},
		"a StatefulSet that was never observed":     {`apiVersion: apps/v1, kind: StatefulSet, metadata: {name: d}}`, Progressing, "Waiting for statefulset spec update to be observed..."},
		"a StatefulSet held at a partition":         {`apiVersion: apps/v1, kind: StatefulSet, metadata: {name: d}, spec: {replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}}, status: {observedGeneration: 1, readyReplicas: 3, updatedReplicas: 1}}`, Healthy, "partitioned roll out complete: 1 new pods have been updated..."},
		"a StatefulSet in an update":                {`apiVersion: apps/v1, kind: StatefulSet, metadata: {name: d}, spec: {replicas: 1}, status: {observedGeneration: 1, readyReplicas: 1, updateRevision: b, currentRevision: a}}`, Progressing, "waiting for statefulset rolling update to complete 0 pods at revision b..."},
		"a DaemonSet with pods to come":             {`apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, status: {desiredNumberScheduled: 2, updatedNumberScheduled: 1}}`, Progressing, `Waiting for daemon set "d" rollout to finish: 1 out of 2 new pods have been updated...`},
		"a Job without conditions":                  {`apiVersion: batch/v1, kind: Job, metadata: {name: j}}`, Progressing, ""},
		"a Job that failed":                         {`apiVersion: batch/v1, kind: Job, metadata: {name: j}, status: {conditions: [{type: Failed, message: deadline}]}}`, Degraded, "deadline"},
		"a Job that is suspended":                   {`apiVersion: batch/v1, kind: Job, metadata: {name: j}, status: {conditions: [{type: Suspended, status: "True"}]}}`, Suspended, ""},
		"a Job that is complete":                    {`apiVersion: batch/v1, kind: Job, metadata: {name: j}, status: {conditions: [{type: Complete, status: "True", message: done}]}}`, Healthy, "done"},
		"an Application that is new":                {`apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}}`, Progressing, ""},
		"an Application that is broken":             {`apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}, status: {health: {status: Degraded, message: down}}}`, Degraded, "down"},
		"an Application that nobody understands":    {`apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}, status: {health: {status: Fine}}}`, Unknown, "unknown health: Fine"},
		"a Service":                                 {`apiVersion: v1, kind: Service, metadata: {name: s}}`, Healthy, ""},
		"a load balancer without an address":        {`apiVersion: v1, kind: Service, metadata: {name: s}, spec: {type: LoadBalancer}}`, Progressing, ""},
		"an Ingress without an address":             {`apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}}`, Progressing, ""},
		"an Ingress with an address":                {`apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}, status: {loadBalancer: {ingress: [{ip: 10.0.0.1}]}}}`, Healthy, ""},
		"a lost volume":                             {`apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c}, status: {phase: Lost}}`, Degraded, ""},
		"an HPA that cannot read its metric":        {`apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h}, status: {conditions: [{type: AbleToScale, status: "True"}, {type: ScalingActive, status: "False", reason: FailedGetResourceMetric, message: no metrics}]}}`, Degraded, "no metrics"},
		"an HPA that is able to scale":              {`apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h}, status: {conditions: [{type: AbleToScale, status: "True", message: ready}]}}`, Healthy, "ready"},
		"an HPA of version 1 speaks by annotation":  {`apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: h, annotations: {autoscaling.alpha.kubernetes.io/conditions: '[{"type":"AbleToScale","status":"True","message":"ready"}]'}}}`, Healthy, "ready"},
		"a pod whose image cannot be pulled":        {`apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {restartPolicy: Always}, status: {phase: Pending, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff, message: no image}}}]}}`, Degraded, "no image"},
		"a hook's pod whose image cannot be pulled": {`apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {restartPolicy: Never}, status: {phase: Pending, containerStatuses: [{state: {waiting: {reason: ImagePullBackOff}}}]}}`, Progressing, ""},
		"a pod that failed with a code":             {`apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {restartPolicy: Never}, status: {phase: Failed, containerStatuses: [{name: c, state: {terminated: {exitCode: 3}}}]}}`, Degraded, `container "c" failed with exit code 3`},
		"a pod that is ready":                       {`apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {restartPolicy: Always}, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}`, Healthy, ""},
		"a pod that was restarted and is not ready": {`apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {restartPolicy: Always}, status: {phase: Running, containerStatuses: [{lastState: {terminated: {exitCode: 1}}}]}}`, Degraded, ""},
		"a ConfigMap has no health":                 {`apiVersion: v1, kind: ConfigMap, metadata: {name: c}}`, "", ""},
	})
}

func TestAnotherVersionOfAKnownKindIsUnknown(t *testing.T) {
	for _, text := range []string{
		"{apiVersion: apps/v1beta1, kind: Deployment, metadata: {name: d}}",
		"{apiVersion: autoscaling/v2beta2, kind: HorizontalPodAutoscaler, metadata: {name: h}}",
	} {
		h, err := Assess(given(t, text))
		if err == nil || h.Status != Unknown || !strings.Contains(h.Message, "not supported") {
			t.Errorf("%s: %v, %v", text, h, err)
		}
	}
}

func TestWorst(t *testing.T) {
	healthy := `{apiVersion: v1, kind: Service, metadata: {name: s}}`
	degraded := `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c}, status: {phase: Lost}}`
	progressing := `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}}`
	ignored := `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c, annotations: {argocd.argoproj.io/ignore-healthcheck: "true"}}, status: {phase: Lost}}`
	child := `{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}, status: {health: {status: Missing}}}`
	hook := `{apiVersion: batch/v1, kind: Job, metadata: {name: j, annotations: {argocd.argoproj.io/hook: PreSync}}}`
	cases := map[string]struct {
		objects []string
		want    Status
	}{
		"nothing at all is healthy":                     {nil, Healthy},
		"the worst one decides":                         {[]string{healthy, progressing, degraded}, Degraded},
		"what is ignored does not count":                {[]string{healthy, ignored}, Healthy},
		"a child that says it is missing does not":      {[]string{healthy, child}, Healthy},
		"a hook does not count":                         {[]string{healthy, hook}, Healthy},
		"one that is missing does not count":            {[]string{healthy, ""}, Healthy},
		"everything is missing":                         {[]string{"", ""}, Missing},
		"what can't be read is worse than what is down": {[]string{degraded, "{apiVersion: apps/v1beta1, kind: Deployment, metadata: {name: d}}"}, Unknown},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var objects []*unstructured.Unstructured
			for _, text := range c.objects {
				if text == "" {
					objects = append(objects, nil)
				} else {
					objects = append(objects, given(t, text))
				}
			}
			if got := Worst(objects); got.Status != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestBuiltInKindsThatCannotBeRead(t *testing.T) {
	for _, text := range []string{
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: three}}`,
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, status: []}`,
		`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: d}, status: {conditions: [x]}}`,
		`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: d}, spec: {updateStrategy: {rollingUpdate: {partition: "1"}}}}`,
		`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, status: {numberAvailable: 1.5}}`,
		`{apiVersion: batch/v1, kind: Job, metadata: {name: d}, status: {conditions: {type: Failed}}}`,
		`{apiVersion: v1, kind: Service, metadata: {name: d}, status: {loadBalancer: {ingress: {}}}}`,
		`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: d}, status: {phase: 1}}`,
		`{apiVersion: v1, kind: Pod, metadata: {name: d}, status: {phase: 1}}`,
	} {
		if h, err := Assess(given(t, text)); err == nil || h.Status != Unknown || h.Message != err.Error() {
			t.Errorf("%s: %v, %v", text, h, err)
		}
	}
}

func BenchmarkBuiltIn(b *testing.B) {
	text, err := yaml.YAMLToJSON([]byte(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, generation: 2, labels: {app: d}}, spec: {replicas: 3, selector: {matchLabels: {app: d}},
		template: {metadata: {labels: {app: d}}, spec: {containers: [{name: c, image: "i:1", ports: [{containerPort: 80}], env: [{name: A, value: b}], resources: {limits: {cpu: "1"}}}]}}},
		status: {observedGeneration: 2, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3, conditions: [{type: Available, status: "True", reason: MinimumReplicasAvailable, message: m, lastUpdateTime: "2026-11-20T09:00:00Z"}]}}`))
	if err != nil {
		b.Fatal(err)
	}
	obj := &unstructured.Unstructured{}
	if err := obj.UnmarshalJSON(text); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if h, err := Assess(obj); err != nil || h.Status != Healthy {
			b.Fatal(h, err)
		}
	}
}
