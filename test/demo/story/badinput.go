package story

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const broken = "broken"

// BadInputs are what people get wrong, each with a function that does it wrong, observes what is said, and that nothing
// else was changed, stopped or lost: payments-api in production goes on as before, and a good Rollout beside it starts.
func BadInputs() map[string]func(*Story, context.Context) error {
	all := map[string]func(*Story, context.Context) error{
		"a merge conflict marker in Git": func(s *Story, ctx context.Context) error {
			return s.badCommit(ctx, "rollout.yaml", func(file string) error { return appendTo(file, "<<<<<<< HEAD\n=======\n>>>>>>> other\n") })
		},
		"a link out of the tree": func(s *Story, ctx context.Context) error {
			return s.badCommit(ctx, "services.yaml", func(file string) error {
				return errors.Join(os.Remove(file), os.Symlink("/etc/passwd", file))
			})
		},
		"a repository that is gone": (*Story).goneRepository,
		"an unknown field": func(s *Story, ctx context.Context) error {
			return s.refused(ctx, with(`{"spec": {"strategy": {"canary": {"stepz": []}}}}`), "stepz")
		},
		"a wrong type": func(s *Story, ctx context.Context) error {
			return s.refused(ctx, with(`{"spec": {"replicas": "three"}}`), "spec.replicas")
		},
		"a missing Service": func(s *Story, ctx context.Context) error {
			return s.invalid(ctx, with(`{"spec": {"strategy": {"canary": {"canaryService": "nowhere", "stableService": "nowhere-else"}}}}`), `"nowhere`, "not found")
		},
		"a bad step": func(s *Story, ctx context.Context) error {
			return s.invalid(ctx, with(`{"spec": {"strategy": {"canary": {"steps": [{"setWeight": 101}]}}}}`), "SetWeight needs to be between 0 and 100")
		},
		"a template that does not exist": func(s *Story, ctx context.Context) error {
			return s.invalid(ctx, with(`{"spec": {"strategy": {"canary": {"analysis": {"templates": [{"templateName": "nowhere"}]}}}}}`), "AnalysisTemplate 'nowhere' not found")
		},
		"an expression that does not compile": func(s *Story, ctx context.Context) error {
			return s.badAnalysis(ctx, "does-not-compile", "result[0] >=", "application/json", `{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"1"]}]}}`, "unexpected token")
		},
		"a Prometheus that answers text": func(s *Story, ctx context.Context) error {
			return s.badAnalysis(ctx, "answers-text", "result[0] >= 1", "text/html", "<html>please log in</html>", "bad_response: invalid character '<'")
		},
		"a Prometheus that answers nothing": func(s *Story, ctx context.Context) error {
			return s.badAnalysis(ctx, "answers-nothing", "result[0] >= 1", "application/json", `{"status":"success","data":{"resultType":"vector","result":[]}}`, "no data returned from the metric provider")
		},
	}
	for name, test := range all {
		all[name] = func(s *Story, ctx context.Context) error {
			return s.undisturbed(ctx, func() error { return test(s, ctx) })
		}
	}
	return all
}

// undisturbed observes that production serves on while something bad is tried.
func (s *Story) undisturbed(ctx context.Context, try func() error) error {
	before, from := s.rollout(ctx, production), time.Now()
	if err := try(); err != nil {
		return err
	}
	after := s.rollout(ctx, production)
	if before.Generation != after.Generation || after.Status.Phase != before.Status.Phase || after.Status.StableRS != before.Status.StableRS {
		return fmt.Errorf("payments-api changed: generation %d, was %d; %s", after.Generation, before.Generation, describe(after))
	}
	if answers := s.Load.Since(from, "customers"); failures(answers) > 0 {
		return fmt.Errorf("of %d requests some failed: %s", len(answers), versions(answers))
	}
	return s.goodBeside(ctx)
}

// goodBeside observes that a good Rollout beside the broken ones starts.
func (s *Story) goodBeside(ctx context.Context) error {
	name := fmt.Sprintf("good-%d", time.Now().UnixNano())
	r := with(`{"metadata": {"name": "` + name + `"}, "spec": {"selector": {"matchLabels": {"app": "` + name + `"}}, "template": {"metadata": {"labels": {"app": "` + name + `"}}}}}`)
	if err := s.applyBroken(ctx, r); err != nil {
		return err
	}
	return s.until(ctx, 30*time.Second, "a good Rollout beside it is Healthy", func() (bool, string) {
		r := s.brokenRollout(ctx, name)
		return r.Status.Phase == v1alpha1.RolloutPhaseHealthy, describe(r)
	})
}

// badCommit pushes a broken file, observes what the agent says, and reverts.
func (s *Story) badCommit(ctx context.Context, name string, breaks func(file string) error) error {
	commit, err := s.Git.Commit(ctx, "a broken "+name, func(clone string) error { return breaks(filepath.Join(clone, "deploy", name)) })
	if err != nil {
		return err
	}
	err = s.until(ctx, 30*time.Second, "the agent names the file", func() (bool, string) {
		a := s.application(ctx)
		text := fmt.Sprint(a.conditions)
		return a.sync == "Unknown" && strings.Contains(text, name), fmt.Sprintf("%s at %s: %s", a, short(commit), text)
	})
	if err != nil {
		return err
	}
	a := s.application(ctx)
	s.note("%s: %v", a, a.conditions)
	good, err := s.Git.Revert(ctx)
	if err != nil {
		return err
	}
	return s.synced(ctx, good)
}

// goneRepository takes the repository away and gives it back.
func (s *Story) goneRepository(ctx context.Context) error {
	served := filepath.Join(s.Work, "git")
	if err := os.Rename(served, served+".gone"); err != nil {
		return err
	}
	err := s.until(ctx, 30*time.Second, "the agent says that the repository is gone", func() (bool, string) {
		a := s.application(ctx)
		return len(a.conditions) > 0 && strings.Contains(fmt.Sprint(a.conditions), s.Git.URL), fmt.Sprintf("%s: %v", a, a.conditions)
	})
	a := s.application(ctx)
	s.note("%s: %v", a, a.conditions)
	if err := errors.Join(err, os.Rename(served+".gone", served)); err != nil {
		return err
	}
	return s.synced(ctx, a.commit)
}

// with is a small good Rollout with something laid over it.
func with(over string) map[string]any {
	r, patch := map[string]any{}, map[string]any{}
	good := `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: broken, namespace: broken}, spec: {replicas: 1,
  selector: {matchLabels: {app: broken}}, template: {metadata: {labels: {app: broken}}, spec: {containers: [{name: api, image: "app:1"}]}},
  strategy: {canary: {steps: [{setWeight: 50}]}}}}`
	for text, into := range map[string]*map[string]any{good: &r, over: &patch} {
		if err := yaml.Unmarshal([]byte(text), into); err != nil {
			panic(err) // written above
		}
	}
	return lay(r, patch)
}

func lay(under, over map[string]any) map[string]any {
	for key, value := range over {
		a, isMap := under[key].(map[string]any)
		b, areMaps := value.(map[string]any)
		if isMap && areMaps {
			under[key] = lay(a, b)
			continue
		}
		under[key] = value
	}
	return under
}

func (s *Story) applyBroken(ctx context.Context, o map[string]any) error {
	namespace := &corev1.Namespace{}
	namespace.Name = broken
	if err := client.IgnoreAlreadyExists(s.Cluster.Create(ctx, namespace)); err != nil {
		return err
	}
	text, err := yaml.Marshal(o)
	if err != nil {
		return err
	}
	return s.Cluster.Apply(ctx, string(text))
}

// refused observes that the API server does not take it.
func (s *Story) refused(ctx context.Context, o map[string]any, text string) error {
	err := s.applyBroken(ctx, o)
	if err == nil || !strings.Contains(err.Error(), text) {
		return fmt.Errorf("applying it should name %s: %v", text, err)
	}
	s.note("%v", err)
	if r := s.brokenRollout(ctx, "broken"); r.Name != "" {
		return fmt.Errorf("it is there: %s", describe(r))
	}
	return nil
}

// invalid observes that the controller says what is wrong, and makes nothing.
func (s *Story) invalid(ctx context.Context, o map[string]any, texts ...string) error {
	if err := s.applyBroken(ctx, o); err != nil {
		return err
	}
	err := s.until(ctx, 20*time.Second, "InvalidSpec", func() (bool, string) {
		r := s.brokenRollout(ctx, "broken")
		for _, text := range texts {
			if !strings.Contains(r.Status.Message, text) {
				return false, describe(r)
			}
		}
		return r.Status.Phase == v1alpha1.RolloutPhaseDegraded && strings.Contains(r.Status.Message, "InvalidSpec"), describe(r)
	})
	if err != nil {
		return err
	}
	r := s.brokenRollout(ctx, "broken")
	s.note("%s", describe(r))
	sets := &appsv1.ReplicaSetList{}
	if err := s.Cluster.List(ctx, sets, client.InNamespace(broken), client.MatchingLabels{"app": "broken"}); err != nil {
		return err
	}
	if len(sets.Items) > 0 {
		return fmt.Errorf("%d ReplicaSets were made", len(sets.Items))
	}
	return s.Cluster.Delete(ctx, r)
}

func (s *Story) brokenRollout(ctx context.Context, name string) *v1alpha1.Rollout {
	r := &v1alpha1.Rollout{}
	if s.Cluster.Get(ctx, client.ObjectKey{Namespace: broken, Name: name}, r) != nil {
		return &v1alpha1.Rollout{}
	}
	return r
}

// badAnalysis runs an AnalysisRun against a stand-in that answers every query in one way, and observes that it ends in
// Error with words, not in a verdict.
func (s *Story) badAnalysis(ctx context.Context, name, condition, kind, answer, text string) error {
	listener, err := net.Listen("tcp", s.Address+":0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(answer)) // who has gone does not need it
	})}
	go func() { _ = server.Serve(listener) }() // ends when it is closed
	defer server.Close()
	run := map[string]any{}
	err = yaml.Unmarshal([]byte(fmt.Sprintf(`{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: %s, namespace: broken},
  spec: {metrics: [{name: m, interval: 1s, count: 10, consecutiveErrorLimit: 0, successCondition: %q,
  provider: {prometheus: {address: "http://%s", query: up}}}]}}`, name, condition, listener.Addr())), &run)
	if err == nil {
		err = s.applyBroken(ctx, run)
	}
	if err != nil {
		return err
	}
	r := &v1alpha1.AnalysisRun{}
	err = s.until(ctx, 30*time.Second, "the AnalysisRun ends in Error", func() (bool, string) {
		err := s.Cluster.Get(ctx, client.ObjectKey{Namespace: broken, Name: name}, r)
		return err == nil && r.Status.Phase == v1alpha1.AnalysisPhaseError, fmt.Sprintf("%v %+v", err, r.Status)
	})
	if err != nil {
		return err
	}
	said := r.Status.Message
	for _, m := range r.Status.MetricResults {
		for _, measurement := range m.Measurements {
			said += "; " + measurement.Message
		}
	}
	s.note("AnalysisRun %s: %s", r.Status.Phase, said)
	if !strings.Contains(said, text) {
		return fmt.Errorf("it does not say %q: %s", text, said)
	}
	return nil
}

func appendTo(file, text string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
