package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/sluice-delivery/sluice/analysis/provider"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

var five = map[string]answer{"/five": {Status: 200, Body: `{"value": 5}`}}

// one is a run with one metric.
func one(name, spec, metric string) string {
	return "metadata: {name: " + name + "}\nspec: {" + spec + "metrics: [{name: a, " + metric + "}]}\n"
}

func (s *stage) run(name string) *v1alpha1.AnalysisRun {
	s.t.Helper()
	run := &v1alpha1.AnalysisRun{}
	must(s.t, s.client.Get(s.t.Context(), types.NamespacedName{Namespace: namespace, Name: name}, run))
	return run
}

func (s *stage) web(path string) string {
	return `provider: {web: {url: "` + s.server.URL + path + `", jsonPath: "{$.value}"}}`
}

func TestAnExpiredRunIsDeletedOnTime(t *testing.T) {
	s := newStage(t, five)
	s.create(one("short", "ttlStrategy: {secondsAfterSuccess: 4, secondsAfterCompletion: 600}, ", s.web("/five")) + "\n---\n" +
		one("kept", "ttlStrategy: {secondsAfterFailure: 4}, ", s.web("/five")))
	s.settle(time.Second, nil)
	if at := s.pass("short"); !at.Equal(s.clock.Add(5 * time.Second)) {
		t.Errorf("asks to be called at %s, at %s", at, s.clock)
	}
	s.settle(time.Minute, nil)
	if left := s.list(); len(left) != 1 || left[0].Name != "kept" {
		t.Errorf("left are %d runs", len(left))
	}
}

func TestSecretsThatAreNotThere(t *testing.T) {
	const from = "args: [{name: x, valueFrom: {secretKeyRef: {name: token, key: path}}}], "
	for name, c := range map[string]struct{ secret, want string }{
		"no secret":       {"", `Error Unable to resolve metric arguments: secrets "token" not found`},
		"no such key":     {"apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {other: hush}\n", "Error Unable to resolve metric arguments: key 'path' does not exist in secret 'token'"},
		"the right thing": {"apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {path: five}\n", "Successful "},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, five)
			if c.secret != "" {
				s.create(c.secret)
			}
			s.create(one("check", from, s.web("/{{args.x}}")))
			s.settle(time.Second, nil)
			status := s.run("check").Status
			if got := string(status.Phase) + " " + status.Message; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if refused := status.Phase == "Error"; refused && (status.CompletedAt != nil || strings.Join(s.told["check"], "") != "Warning AnalysisRunError · Analysis Completed. Result: Error") {
				t.Errorf("completed %v, told %v", status.CompletedAt, s.told["check"])
			}
		})
	}
}

func TestAnAPIServerThatDoesNotAnswerIsNoVerdict(t *testing.T) {
	s := newStage(t, five)
	s.create(one("check", "args: [{name: x, valueFrom: {secretKeyRef: {name: token, key: path}}}], ", s.web("/{{args.x}}")))
	s.runs.Direct = interceptor.NewClient(s.client.(client.WithWatch), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if _, ok := o.(*corev1.Secret); ok {
				return errors.New("connection refused")
			}
			return c.Get(ctx, key, o, opts...)
		}})
	_, err := s.runs.Reconcile(t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: "check"}})
	if err == nil || s.run("check").Status.Phase != "" {
		t.Errorf("got %v, %s", err, s.run("check").Status.Phase)
	}
}

func TestSomebodyFasterWins(t *testing.T) {
	s := newStage(t, five)
	s.create(one("check", "", s.web("/five")))
	s.runs.Client = interceptor.NewClient(s.client.(client.WithWatch), interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, patch client.Patch, opts ...client.PatchOption) error {
			body, err := patch.Data(o)
			must(t, err)
			if !strings.Contains(string(body), `"resourceVersion"`) {
				t.Errorf("the patch %s does not say which version it changes", body)
			}
			return apierrors.NewConflict(schema.GroupResource{}, o.GetName(), errors.New("faster"))
		}})
	result, err := s.runs.Reconcile(t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: "check"}})
	if err != nil || result.RequeueAfter == 0 || len(s.told["check"]) > 0 || s.run("check").Status.Phase != "" {
		t.Errorf("got %+v, %v, told %v", result, err, s.told["check"])
	}
}

// closed is a fence that waits for something.
type closed struct{ open }

func (closed) Behind(types.NamespacedName) bool { return true }

func TestNothingIsDecidedBehindTheFence(t *testing.T) {
	s := newStage(t, five)
	s.create(one("check", "", s.web("/five")))
	s.runs.Fence = closed{}
	if at := s.pass("check"); at.IsZero() || s.run("check").Status.Phase != "" {
		t.Errorf("asks to be called at %s, phase %s", at, s.run("check").Status.Phase)
	}
}

func TestABrokenRunIsMarkedAndHoldsNobodyUp(t *testing.T) {
	s := newStage(t, five)
	s.create(one("good", "", s.web("/five")) + "\n---\n" + one("broken", "", s.web("/five")))
	// This is how the caches show a run that does not decode.
	s.runs.Client = interceptor.NewClient(s.client.(client.WithWatch), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			err := c.Get(ctx, key, o, opts...)
			if run, ok := o.(*v1alpha1.AnalysisRun); ok && run.Name == "broken" {
				*run = v1alpha1.AnalysisRun{ObjectMeta: run.ObjectMeta}
				run.Annotations = map[string]string{"sluice.dev/undecodable": "spec.metrics is a number"}
			}
			return err
		}})
	s.settle(time.Second, nil)
	broken, good := s.run("broken"), s.run("good")
	if broken.Status.Phase != "Error" || broken.Status.Message != "Analysis spec invalid: spec.metrics is a number" || len(broken.Spec.Metrics) != 1 {
		t.Errorf("the broken one is %+v", broken)
	}
	if good.Status.Phase != "Successful" {
		t.Errorf("the good one is %s", good.Status.Phase)
	}
	s.settle(time.Second, nil)
	same(t, "told", s.told["broken"], []string{"Warning AnalysisRunError · Analysis Completed. Result: Error"})
}

// trouble is a provider with a bug.
type trouble struct{}

func (trouble) Measure(context.Context, provider.Query) (provider.Sample, error) { panic("nil map") }

func TestAProviderThatPanicsIsAnError(t *testing.T) {
	s := newStage(t, five)
	s.runs.Providers = provider.Catalog{"web": trouble{}}
	s.create(one("check", "", "consecutiveErrorLimit: 0, "+s.web("/five")))
	s.settle(time.Second, nil)
	if got, want := s.run("check").Status.MetricResults[0].Message, "the metric provider panicked: nil map"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAProviderOfAnotherDayIsAnError(t *testing.T) {
	s := newStage(t, five)
	s.create(one("check", "", "consecutiveErrorLimit: 0, provider: {datadog: {query: x}}"))
	s.settle(time.Second, nil)
	want := `Metric "a" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0): "Error Message: metric provider "datadog" is not part of this build"`
	if got := s.run("check").Status.Message; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheQueryIsKeptWithoutItsSecret(t *testing.T) {
	s := newStage(t, map[string]answer{"/api/v1/query": {Status: 200, Body: `{"status":"success","data":{"resultType":"scalar","result":[0,"7.5"]}}`}})
	s.create("apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {tenant: hush-hush}\n")
	s.create(one("check", "args: [{name: x, valueFrom: {secretKeyRef: {name: token, key: tenant}}}], ", `provider: {prometheus: {address: "`+s.server.URL+`", query: 'up{t="{{args.x}}"}'}}`))
	s.settle(time.Second, nil)
	if got, want := s.run("check").Status.MetricResults[0].Metadata["ResolvedPrometheusQuery"], `up{t="*****"}`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestARunThatIsBeingDeletedIsLeftAlone(t *testing.T) {
	s := newStage(t, five)
	s.create(one("check", "", s.web("/five")))
	run := s.run("check")
	run.Finalizers = []string{"test/keep"}
	must(t, s.client.Update(t.Context(), run))
	must(t, s.client.Delete(t.Context(), run))
	s.settle(time.Second, nil)
	if got := s.run("check"); got.Status.Phase != "" || metav1.GetControllerOf(got) != nil {
		t.Errorf("got %+v", got.Status)
	}
}
