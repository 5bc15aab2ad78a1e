package story

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const (
	production = "production"
	blueGreen  = "production-bluegreen"
	host       = "payments.example.com"
	rate       = 100 // requests per second of the customers
)

// deploy puts the document's payments-api into a Git repository and an Application into the cluster.
func (s *Story) deploy(ctx context.Context) error {
	changed, err := s.Differences()
	if err != nil {
		return err
	}
	s.note("changed in the tutorial's manifests, to run on one machine:")
	for _, line := range changed {
		s.note("  %s", line)
	}
	if s.Git, err = Serve(ctx, s.Work, s.Address+gitPort, "payments-api"); err != nil {
		return err
	}
	s.good.commit, err = s.Git.Commit(ctx, "payments-api 1.4.2", func(clone string) error {
		return s.copyDeploy(filepath.Join(clone, "deploy"))
	})
	if err != nil {
		return err
	}
	if s.Slack, err = ServeSlack(s.Address+slackPort, slackToken); err != nil {
		return err
	}
	for _, namespace := range []string{production, blueGreen, "argocd"} {
		o := &corev1.Namespace{}
		o.Name = namespace
		if err := client.IgnoreAlreadyExists(s.Cluster.Create(ctx, o)); err != nil {
			return err
		}
	}
	for _, namespace := range []string{production, blueGreen} {
		for _, kind := range []client.ObjectList{
			&networkingv1.IngressList{}, &appsv1.ReplicaSetList{}, &v1alpha1.AnalysisRunList{}, &v1alpha1.RolloutList{}, &corev1.ServiceList{},
		} {
			if err := s.Recorder.Watch(s.ctx, namespace, kind); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{"notifications.yaml", "application.yaml"} {
		text, err := s.read(name)
		if err == nil {
			err = s.Cluster.Apply(ctx, text)
		}
		if err != nil {
			return err
		}
	}
	if err := s.synced(ctx, s.good.commit); err != nil {
		return err
	}
	s.observe("the Application is Synced and Healthy at commit %s", short(s.good.commit))
	return s.flow(ctx)
}

func (s *Story) copyDeploy(to string) error {
	entries, err := os.ReadDir(s.file("testdata", "demo", "deploy"))
	if err == nil {
		err = os.Mkdir(to, 0o755)
	}
	for _, entry := range entries {
		text, readError := s.read("deploy", entry.Name())
		if err = errors.Join(err, readError); err == nil {
			err = os.WriteFile(filepath.Join(to, entry.Name()), []byte(text), 0o644)
		}
	}
	return err
}

// flow starts the customers and waits until all of them are served.
func (s *Story) flow(ctx context.Context) error {
	customers := Stream{Name: "customers", Host: host, Method: "GET", Rate: rate}
	err := s.until(ctx, 20*time.Second, "the proxy has the route", func() (bool, string) {
		a := s.Load.Ask(ctx, customers)
		return a.Version == "1.4.2" && a.Status == 200, fmt.Sprintf("version %q, status %d", a.Version, a.Status)
	})
	if err != nil {
		return err
	}
	begin := time.Now()
	s.Load.Send(s.ctx, customers)
	err = s.until(ctx, 20*time.Second, "200 answers", func() (bool, string) {
		n := len(s.Load.Since(begin, "customers"))
		return n >= 200, fmt.Sprintf("%d", n)
	})
	if err != nil {
		return err
	}
	answers := s.Load.Since(begin, "customers")
	if counts := Counts(answers); counts["1.4.2"][200] != len(answers) {
		return fmt.Errorf("of %d requests not all were answered with 200 by 1.4.2: %v", len(answers), counts)
	}
	s.good.tag, s.good.hash = "1.4.2", s.rollout(ctx, production).Status.StableRS
	s.observe("%d requests in %s through the proxy, all answered with 200 by 1.4.2", len(answers), seconds(time.Since(begin)))
	return nil
}

// application is what the agent shows.
type application struct {
	sync, reason, message, health, commit string
	operation                             string // when the last sync ended
	conditions                            map[string]string
}

func (a application) String() string {
	text := strings.Join(strings.Fields(a.sync+" "+a.health+" "+a.reason), " · ")
	if text == "" {
		return "no Application status yet"
	}
	return "Application " + text
}

func (s *Story) application(ctx context.Context) application {
	o := &unstructured.Unstructured{}
	o.SetAPIVersion("argoproj.io/v1alpha1")
	o.SetKind("Application")
	if s.Cluster.Get(ctx, client.ObjectKey{Namespace: "argocd", Name: "payments-api"}, o) != nil {
		return application{}
	}
	text := func(path ...string) string {
		v, _, _ := unstructured.NestedString(o.Object, append([]string{"status"}, path...)...)
		return v
	}
	a := application{
		sync: text("sync", "status"), reason: text("sync", "reason"), message: text("sync", "message"), health: text("health", "status"),
		commit: text("sync", "revision"), operation: text("operationState", "finishedAt"), conditions: map[string]string{},
	}
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, entry := range conditions {
		c, _ := entry.(map[string]any)
		a.conditions[fmt.Sprint(c["type"])] = fmt.Sprint(c["message"])
	}
	return a
}

// synced waits until a commit is Synced and Healthy.
func (s *Story) synced(ctx context.Context, commit string) error {
	return s.until(ctx, time.Minute, "Synced and Healthy at "+short(commit), func() (bool, string) {
		a := s.application(ctx)
		return a.sync == "Synced" && a.health == "Healthy" && a.commit == commit, fmt.Sprintf("%s at %s; %s %v", a, short(a.commit), a.message, a.conditions)
	})
}

func short(commit string) string { return commit[:min(7, len(commit))] }

// merge changes the tag in Git.
func (s *Story) merge(ctx context.Context, from, to string) (string, error) {
	s.note("git push: payments-api %s", to)
	return s.Git.Commit(ctx, "payments-api "+to, func(clone string) error {
		file := filepath.Join(clone, "deploy", "kustomization.yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(file, []byte(strings.Replace(string(text), "newTag: "+from, "newTag: "+to, 1)), 0o600)
	})
}
