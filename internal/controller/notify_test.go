package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	configs "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/config"
	"github.com/sluice-delivery/sluice/internal/kube"
	"github.com/sluice-delivery/sluice/notifications/deliver"
)

const (
	slackToken = "xoxb-the-real-token"
	staleToken = "xoxb-the-stale-token"
)

// A scene is a notifier with API servers in memory and a Slack on a real socket.
type scene struct {
	t        *testing.T
	client   client.WithWatch
	configs  kubernetes.Interface
	slack    *httptest.Server
	self     bool
	stop     func() // ends the notifier that runs
	notifier *Notifier

	mu       sync.Mutex
	messages []string // channel and text
	hang     chan struct{}
	stale    *v1alpha1.Rollout // what caches show, while they are behind
	log      bytes.Buffer
	counted  []string
}

func (s *scene) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// newScene has the configuration of a user's guide, with a trigger and a template for rollbacks beside it.
func newScene(t *testing.T, token string) *scene {
	s := &scene{t: t, hang: make(chan struct{}), stop: func() {}}
	close(s.hang)
	scheme := runtime.NewScheme()
	must(t, v1alpha1.AddToScheme(scheme))
	s.client = fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.Rollout{}).Build()
	s.slack = httptest.NewServer(http.HandlerFunc(s.post))
	s.configs = configs.NewClientset(s.config("argo-rollouts", map[string]string{}), s.secret("argo-rollouts", token))
	t.Cleanup(func() {
		s.stop()
		s.slack.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		if text := s.log.String(); strings.Contains(text, slackToken) || strings.Contains(text, staleToken) {
			t.Errorf("a token is in the log:\n%s", text)
		}
	})
	return s
}

func (s *scene) config(namespace string, more map[string]string) *corev1.ConfigMap {
	c := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: deliver.ConfigMapName}, Data: map[string]string{
		"service.slack":                "token: $slack-token\napiURL: " + s.slack.URL + "/\n",
		"template.rollout-completed":   "message: Rollout {{.rollout.metadata.name}} completed successfully\n",
		"trigger.on-rollout-completed": "- send: [rollout-completed]\n  when: \"rollout.status.phase == 'Healthy'\"\n",
		"template.rollout-aborted":     "message: Rollout {{.rollout.metadata.name}} was aborted\n",
		"trigger.on-rollout-aborted":   "- send: [rollout-aborted]\n",
	}}
	for k, v := range more {
		c.Data[k] = v
	}
	return c
}

func (s *scene) secret(namespace, token string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: deliver.SecretName}, Data: map[string][]byte{"slack-token": []byte(token)}}
}

// post is chat.postMessage.
func (s *scene) post(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	hang := s.hang
	s.mu.Unlock()
	<-hang
	given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if given == "" {
		given = r.FormValue("token")
	}
	if given != slackToken {
		json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": "invalid_auth"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, r.FormValue("channel")+": "+r.FormValue("text"))
	json.NewEncoder(w).Encode(map[string]any{"ok": true, "channel": "C1", "ts": "1.0"})
}

// start starts a controller's notifier, as after a restart.
func (s *scene) start() {
	s.stop()
	n := NewNotifier(config.Config{Home: "argo-rollouts", SelfServiceNotification: s.self}, slog.New(slog.NewTextHandler(s, nil)))
	n.Client, n.Configs = interceptor.NewClient(s.client, interceptor.Funcs{Get: s.get}), s.configs
	rollouts := cache.NewSharedInformer(cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, _ metav1.ListOptions) (runtime.Object, error) {
			list := &v1alpha1.RolloutList{}
			return list, s.client.List(ctx, list)
		},
		WatchFuncWithContext: func(ctx context.Context, _ metav1.ListOptions) (watch.Interface, error) {
			return s.client.Watch(ctx, &v1alpha1.RolloutList{})
		},
	}, listsFirst{}), &v1alpha1.Rollout{}, 0)
	n.Cache = func(context.Context) (informer, error) { return rollouts, nil }
	n.Counted = func(key types.NamespacedName, kind, reason string, _ time.Duration, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.counted = append(s.counted, fmt.Sprint(key, " ", kind, " ", reason, " ", err == nil))
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	var all sync.WaitGroup
	all.Go(func() { rollouts.RunWithContext(ctx) })
	all.Go(func() {
		if err := n.Start(ctx); err != nil {
			s.t.Error(err)
		}
	})
	s.notifier = n
	<-n.ready
	s.stop = func() { cancel(); all.Wait(); s.stop = func() {} }
}

// get reads from a cache that may be behind.
func (s *scene) get(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, options ...client.GetOption) error {
	s.mu.Lock()
	stale := s.stale
	s.mu.Unlock()
	if ro, ok := o.(*v1alpha1.Rollout); ok && stale != nil {
		stale.DeepCopyInto(ro)
		return nil
	}
	return c.Get(ctx, key, o, options...)
}

// caught says what caches show from now on; nil: the newest.
func (s *scene) caught(ro *v1alpha1.Rollout) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = ro.DeepCopy()
}

// listsFirst says that the API server in memory cannot begin a watch with a list.
type listsFirst struct{}

func (listsFirst) IsWatchListSemanticsUnSupported() bool { return true }

// subscribed makes a Rollout whose readers are in a channel.
func (s *scene) subscribed(namespace string, triggers ...string) *v1alpha1.Rollout {
	ro := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "payments-api", UID: types.UID("uid-" + namespace), Annotations: map[string]string{}}}
	for _, trigger := range triggers {
		ro.Annotations["notifications.argoproj.io/subscribe."+trigger+".slack"] = "deployments"
	}
	must(s.t, s.client.Create(s.t.Context(), ro))
	return ro
}

func (s *scene) phase(ro *v1alpha1.Rollout, phase v1alpha1.RolloutPhase) *v1alpha1.Rollout {
	must(s.t, s.client.Get(s.t.Context(), kube.Key(ro), ro))
	ro.Status.Phase = phase
	must(s.t, s.client.Status().Update(s.t.Context(), ro))
	return ro
}

func (s *scene) told(ro *v1alpha1.Rollout) string {
	must(s.t, s.client.Get(s.t.Context(), kube.Key(ro), ro))
	return ro.Annotations[v1alpha1.NotifiedAnnotation]
}

func (s *scene) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// eventually waits until something holds.
func (s *scene) eventually(what string, holds func() bool) {
	s.t.Helper()
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.Fatalf("%s: not within a minute; Slack got %q; log:\n%s", what, s.messages, s.log.String())
}

// rests gives what must not happen the time to happen, then compares what arrived.
func (s *scene) rests(want ...string) {
	s.t.Helper()
	s.eventually("messages arrive", func() bool { return len(s.got()) >= len(want) })
	time.Sleep(150 * time.Millisecond)
	if got := s.got(); !slices.Equal(got, want) {
		s.t.Errorf("Slack got %q, want %q", got, want)
	}
}

func (s *scene) logged(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.log.String(), text)
}

const (
	aborted   = "deployments: Rollout payments-api was aborted"
	completed = "deployments: Rollout payments-api completed successfully"
)

func TestARollbackIsToldOnceAndNotAgainAfterARestart(t *testing.T) {
	s := newScene(t, slackToken)
	ro := s.subscribed("shop", "on-rollout-aborted", "on-rollout-completed")
	s.start()
	ro = s.phase(ro, v1alpha1.RolloutPhaseDegraded)
	s.notifier.Told(ro, kube.Event{Reason: "RolloutAborted", Warning: true})
	s.stop() // at once: what was told before is delivered still
	s.rests(aborted)
	s.start()
	s.phase(ro, v1alpha1.RolloutPhaseDegraded)
	s.rests(aborted)
	if want := []string{"shop/payments-api Warning RolloutAborted true"}; !slices.Equal(s.counted, want) {
		t.Errorf("counted are %q, want %q", s.counted, want)
	}
}

func TestTheDocumentsTriggerIsToldByTheChangeWhenTheEventComesTooEarly(t *testing.T) {
	s := newScene(t, slackToken)
	ro := s.phase(s.subscribed("shop", "on-rollout-completed"), v1alpha1.RolloutPhaseProgressing)
	s.start()
	s.notifier.Told(ro, kube.Event{Reason: "RolloutCompleted"})
	s.rests()
	ro = s.phase(ro, v1alpha1.RolloutPhaseHealthy)
	s.rests(completed)
	s.eventually("the annotation remembers", func() bool { return strings.Contains(s.told(ro), "on-rollout-completed:[0].") })
	s.start()
	s.phase(ro, v1alpha1.RolloutPhaseHealthy)
	s.rests(completed)
	s.phase(ro, v1alpha1.RolloutPhaseProgressing)
	s.eventually("the annotation forgets", func() bool { return s.told(ro) == "" })
	s.phase(ro, v1alpha1.RolloutPhaseHealthy)
	s.rests(completed, completed)
}

func TestAnEventAndItsChangeAreOneNews(t *testing.T) {
	for name, eventFirst := range map[string]bool{"the event first": true, "the change first": false} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, slackToken)
			ro := s.phase(s.subscribed("shop", "on-rollout-completed"), v1alpha1.RolloutPhaseProgressing)
			s.start()
			if eventFirst {
				s.caught(ro)
			}
			ro = s.phase(ro, v1alpha1.RolloutPhaseHealthy)
			if !eventFirst {
				s.rests(completed)
			}
			s.notifier.Told(ro, kube.Event{Reason: "RolloutCompleted"})
			s.rests(completed)
			s.caught(nil)
			s.phase(ro, v1alpha1.RolloutPhaseHealthy) // any change
			s.rests(completed)
			s.eventually("the annotation remembers", func() bool { return s.told(ro) != "" })
		})
	}
}

func TestAFailedDeliveryIsTriedAgainWithTheTokenOfTheMomentAndNotDoubled(t *testing.T) {
	s := newScene(t, staleToken)
	ro := s.subscribed("shop", "on-rollout-aborted", "on-rollout-completed")
	s.start()
	s.notifier.Told(ro, kube.Event{Reason: "RolloutAborted", Warning: true})
	s.phase(ro, v1alpha1.RolloutPhaseHealthy)
	s.eventually("the failure is in the log", func() bool { return s.logged("invalid_auth") })
	if told := s.told(ro); told != "" {
		t.Errorf("what did not arrive is remembered: %s", told)
	}
	_, err := s.configs.CoreV1().Secrets("argo-rollouts").Update(t.Context(), s.secret("argo-rollouts", slackToken), metav1.UpdateOptions{})
	must(t, err)
	s.eventually("both arrive", func() bool { return len(s.got()) == 2 })
	time.Sleep(1200 * time.Millisecond) // as long as the first wait and more
	s.rests(s.got()[:2]...)
	if got := s.got(); !slices.Contains(got, aborted) || !slices.Contains(got, completed) {
		t.Errorf("Slack got %q", got)
	}
}

func TestASlackThatHangsHoldsUpNothing(t *testing.T) {
	s := newScene(t, slackToken)
	s.hang = make(chan struct{})
	var hooks sync.WaitGroup
	hooks.Add(1)
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hooks.Done() }))
	t.Cleanup(hook.Close)
	_, err := s.configs.CoreV1().ConfigMaps("argo-rollouts").Update(t.Context(), s.config("argo-rollouts", map[string]string{
		"service.webhook.hook": "url: " + hook.URL, "subscriptions": "- recipients: [hook]\n  triggers: [on-rollout-aborted]"}), metav1.UpdateOptions{})
	must(t, err)
	ro := s.subscribed("shop", "on-rollout-aborted")
	s.start()
	began := time.Now()
	s.notifier.Told(ro, kube.Event{Reason: "RolloutAborted"})
	if took := time.Since(began); took > 100*time.Millisecond {
		t.Errorf("telling took %s", took)
	}
	hooks.Wait() // the other service is not held up
	began = time.Now()
	s.stop()
	if took := time.Since(began); took > farewellTime+lastWrite+time.Second {
		t.Errorf("ending took %s", took)
	}
	close(s.hang)
	s.rests(aborted) // what was on its way arrives, once
}

func TestConfigurationComesAndGoesWhileWeRun(t *testing.T) {
	s := newScene(t, slackToken)
	maps := s.configs.CoreV1().ConfigMaps("argo-rollouts")
	must(t, maps.Delete(t.Context(), deliver.ConfigMapName, metav1.DeleteOptions{}))
	ro := s.subscribed("shop", "on-rollout-aborted")
	s.start()
	tell := func() { s.notifier.Told(ro, kube.Event{Reason: "RolloutAborted"}) }
	tell()
	s.rests()
	_, err := maps.Create(t.Context(), s.config("argo-rollouts", map[string]string{"template.broken": "message: '{{'", "trigger.broken": "- when: ("}), metav1.CreateOptions{})
	must(t, err)
	s.eventually("it is read", func() bool { return s.logged("notification configuration read") })
	for _, key := range []string{"template.broken", "trigger.broken"} {
		if !s.logged(key) {
			t.Errorf("no line in the log about %s", key)
		}
	}
	tell()
	s.rests(aborted)
	must(t, maps.Delete(t.Context(), deliver.ConfigMapName, metav1.DeleteOptions{}))
	s.eventually("it is gone", func() bool { return s.logged("the configuration is gone") })
	tell()
	s.rests(aborted)
}

func TestBothNamespacesConfigurationsApplyWithSelfService(t *testing.T) {
	for self, want := range map[bool][]string{false: {aborted}, true: {aborted, "team: Rollout payments-api was aborted"}} {
		t.Run(fmt.Sprint(self), func(t *testing.T) {
			s := newScene(t, slackToken)
			s.self = self
			for namespace, channel := range map[string]string{"shop": "team", "other": "strangers"} {
				_, err := s.configs.CoreV1().ConfigMaps(namespace).Create(t.Context(), s.config(namespace, map[string]string{
					"subscriptions": "- recipients: [slack:" + channel + "]\n  triggers: [on-rollout-aborted]\n  selector: team=a"}), metav1.CreateOptions{})
				must(t, err)
				_, err = s.configs.CoreV1().Secrets(namespace).Create(t.Context(), s.secret(namespace, slackToken), metav1.CreateOptions{})
				must(t, err)
			}
			ro := s.subscribed("shop")
			ro.Labels = map[string]string{"team": "a"}
			must(t, s.client.Update(t.Context(), ro))
			_, err := s.configs.CoreV1().ConfigMaps("argo-rollouts").Update(t.Context(), s.config("argo-rollouts", map[string]string{
				"subscriptions": "- recipients: [slack:deployments]\n  triggers: [on-rollout-aborted]"}), metav1.UpdateOptions{})
			must(t, err)
			s.start()
			s.notifier.Told(ro, kube.Event{Reason: "RolloutAborted"})
			s.eventually("messages arrive", func() bool { return len(s.got()) >= len(want) })
			time.Sleep(150 * time.Millisecond)
			got := s.got()
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("Slack got %q, want %q", got, want)
			}
		})
	}
}

func TestEventsOfAnalysisRunsAreToldToTheirOwnSubscribers(t *testing.T) {
	s := newScene(t, slackToken)
	_, err := s.configs.CoreV1().ConfigMaps("argo-rollouts").Update(t.Context(), s.config("argo-rollouts", map[string]string{
		"template.run": "message: '{{.rollout.kind}} {{.rollout.metadata.name}}'", "trigger.on-metric-failed": "- send: [run]"}), metav1.UpdateOptions{})
	must(t, err)
	s.start()
	s.notifier.Told(&v1alpha1.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "run-1", UID: "r",
		Annotations: map[string]string{"notifications.argoproj.io/subscribe.on-metric-failed.slack": "deployments"}}}, kube.Event{Reason: "MetricFailed", Warning: true})
	s.rests("deployments: AnalysisRun run-1")
}

func TestAFullLaneTakesNoMore(t *testing.T) {
	hang, began := make(chan struct{}), make(chan struct{}, 1)
	var landed []error
	var mu sync.Mutex
	p := newPost(func(*parcel) (bool, error) { began <- struct{}{}; <-hang; return false, nil }, func(_ *parcel, err error) {
		mu.Lock()
		defer mu.Unlock()
		landed = append(landed, err)
	})
	taken := 0
	for range laneLimit + 5 {
		if p.push(&parcel{}) {
			taken++
		}
	}
	if taken != laneLimit {
		t.Errorf("%d were taken, want %d", taken, laneLimit)
	}
	<-began
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	p.close(ended)
	mu.Lock()
	defer mu.Unlock()
	if len(landed) != laneLimit-1 || !errors.Is(landed[0], errClosed) { // one is on its way
		t.Errorf("%d were given up: %v", len(landed), landed[:1])
	}
	close(hang)
	if p.push(&parcel{}) {
		t.Error("one was taken after the end")
	}
}

func TestARepeatedAttemptWaitsForTheOneBefore(t *testing.T) {
	var mu sync.Mutex
	var attempts []int
	done := make(chan error, 1)
	p := newPost(func(p *parcel) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		attempts = append(attempts, p.attempt)
		p.wait = time.Millisecond
		return p.attempt < 3, nil
	}, func(_ *parcel, err error) { done <- err })
	p.push(&parcel{})
	if err := <-done; err != nil || !slices.Equal(attempts, []int{1, 2, 3}) {
		t.Errorf("attempts are %v, ended with %v", attempts, err)
	}
	p.close(t.Context())
}
