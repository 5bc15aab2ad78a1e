package witness

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/test/demo/story"
)

//go:embed manifests
var manifests embed.FS

const (
	rolloutName = "payments-api"
	first       = "1.4.2"
)

// subject is an Application with a repository and a namespace of its own, and everything that was seen of it.
type subject struct {
	*argo
	name, kind string // the Application's and the namespace's; canary or bluegreen
	repository *story.Repository
	image      string // that Git has
	aborted    time.Time

	apps     *history[app]
	rollouts *history[rolloutState]
	sets     *history[setState]
	runs     *history[string] // names of AnalysisRuns
}

// rolloutState is what is looked at of a Rollout.
type rolloutState struct {
	*v1alpha1.Rollout
}

func (r rolloutState) String() string {
	if r.Rollout == nil {
		return "no Rollout"
	}
	text := string(r.Status.Phase)
	if r.Status.CurrentStepIndex != nil {
		text += fmt.Sprintf(", step %d", *r.Status.CurrentStepIndex)
	}
	return fmt.Sprintf("%s, abort %t, serving %s, %s", text, r.Status.Abort, r.Annotations[v1alpha1.ServingAnnotation], r.Status.Message)
}

// setState is what is looked at of a ReplicaSet.
type setState struct {
	name, image string
	replicas    int32
}

type subjectOptions struct {
	kind        string
	plugin      bool
	parameters  string // of the plugin, YAML
	syncOptions string
	annotations string
	ignore      string // spec.ignoreDifferences, YAML
}

func (a *argo) subject(ctx context.Context, name string, port int, o subjectOptions) (*subject, error) {
	s := &subject{argo: a, name: name, kind: o.kind, image: first, apps: a.history(name),
		rollouts: &history[rolloutState]{}, sets: &history[setState]{}, runs: &history[string]{}}
	namespace := &corev1.Namespace{}
	namespace.Name = name
	if err := a.w.cluster.Create(ctx, namespace); client.IgnoreAlreadyExists(err) != nil {
		return nil, err
	}
	folder := filepath.Join(a.w.Work, "git-"+name)
	err := os.MkdirAll(filepath.Join(folder, "log"), 0o700) // the server's log goes there
	if err != nil {
		return nil, err
	}
	if s.repository, err = story.Serve(ctx, folder, fmt.Sprintf("127.0.0.1:%d", port), name); err != nil {
		return nil, err
	}
	a.w.mutex.Lock()
	a.w.subjects = append(a.w.subjects, s)
	a.w.mutex.Unlock()
	if _, err = s.repository.Commit(ctx, "payments-api "+first, s.write); err != nil {
		return nil, err
	}
	go record(ctx, a.w, name, &v1alpha1.RolloutList{}, func(obj client.Object) { s.rollouts.add(rolloutState{obj.(*v1alpha1.Rollout)}) })
	go record(ctx, a.w, name, &appsv1.ReplicaSetList{}, func(obj client.Object) {
		set := obj.(*appsv1.ReplicaSet)
		s.sets.add(setState{set.Name, set.Spec.Template.Spec.Containers[0].Image, *set.Spec.Replicas})
	})
	go record(ctx, a.w, name, &v1alpha1.AnalysisRunList{}, func(obj client.Object) { s.runs.add(obj.GetName()) })
	source := "{repoURL: " + s.repository.URL + ", targetRevision: HEAD, path: deploy/"
	if o.plugin {
		source += ", plugin: {name: sluice, parameters: [" + o.parameters + "]}"
	}
	err = a.w.cluster.Apply(ctx, fmt.Sprintf(`apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: %s, namespace: %s, annotations: {%s}}
spec:
  project: default
  source: %s}
  destination: {server: https://kubernetes.default.svc, namespace: %s}
  syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [%s]}
  ignoreDifferences: [%s]
`, name, a.namespace, o.annotations, source, name, o.syncOptions, o.ignore))
	return s, err
}

// write writes the manifests with the image that Git is to have.
func (s *subject) write(clone string) error {
	from := "manifests/" + s.kind
	return fs.WalkDir(manifests, from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := manifests.ReadFile(path)
		if err != nil {
			return err
		}
		changed := strings.NewReplacer("payments-api:"+first, "payments-api:"+s.image, "VERDICTS", s.w.verdicts.url+"/"+s.name).Replace(string(text))
		if err := os.MkdirAll(filepath.Join(clone, "deploy"), 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(clone, "deploy", filepath.Base(path)), []byte(changed), 0o600)
	})
}

// push merges an image, tells Argo CD as a webhook would, and returns the commit.
func (s *subject) push(ctx context.Context, image string, bad bool) (string, error) {
	s.w.verdicts.set(s.name, bad)
	s.image = image
	commit, err := s.repository.Commit(ctx, "payments-api "+image, s.write)
	if err != nil {
		return "", err
	}
	s.w.note("%s: git push payments-api %s", s.name, image)
	return commit, s.refresh(ctx, s.name, "normal")
}

// record writes down every change of the objects of a namespace, until the context ends.
func record(ctx context.Context, w *Witness, namespace string, kind client.ObjectList, add func(client.Object)) {
	for ctx.Err() == nil {
		changes, err := w.cluster.Watch(ctx, kind.DeepCopyObject().(client.ObjectList), client.InNamespace(namespace))
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		for change := range changes.ResultChan() {
			if obj, ok := change.Object.(client.Object); ok && change.Type != "DELETED" {
				add(obj)
			}
		}
	}
}

func (w *Witness) leader(ctx context.Context) string {
	lease := &coordinationv1.Lease{}
	key := client.ObjectKey{Namespace: "argo-rollouts", Name: "argo-rollouts-controller-lock"}
	if w.cluster.Get(ctx, key, lease) != nil || lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

const limit = 2 * time.Minute // generous: the machine may be busy

// app waits until Argo CD says something of the Application.
func (s *subject) app(ctx context.Context, start time.Time, what string, so func(app) bool) (seen[app], error) {
	found, err := wait(ctx, s.w, s.apps, start, limit, s.name+": "+what, so)
	if err != nil {
		differences, _ := s.differences(ctx)
		err = fmt.Errorf("%w\n%s", err, differences)
	}
	return found, err
}

// rollout waits until the Rollout is so.
func (s *subject) rollout(ctx context.Context, start time.Time, what string, so func(rolloutState) bool) (seen[rolloutState], error) {
	return wait(ctx, s.w, s.rollouts, start, limit, s.name+": "+what, func(r rolloutState) bool { return r.Rollout != nil && so(r) })
}

// state waits until Application and Rollout are both so.
func (s *subject) state(ctx context.Context, start time.Time, sync, health string, commit string) (seen[app], error) {
	return s.app(ctx, start, sync+" and "+health, func(a app) bool {
		return a.is(sync, health) && (commit == "" || a.Status.Sync.Revision == commit)
	})
}

// scaled are the changes of size since a time: none means that nothing ran or stopped.
func (s *subject) scaled(start time.Time) (changes []string) {
	size := map[string]int32{}
	for _, one := range s.sets.since(time.Time{}) {
		before, known := size[one.is.name]
		size[one.is.name] = one.is.replicas
		if one.at.After(start) && (!known && one.is.replicas > 0 || known && before != one.is.replicas) {
			changes = append(changes, fmt.Sprintf("%s (%s): %d to %d", one.is.name, one.is.image, before, one.is.replicas))
		}
	}
	return changes
}

// analyses are the AnalysisRuns that were first seen after a time.
func (s *subject) analyses(start time.Time) (count int) {
	known := map[string]bool{}
	for _, one := range s.runs.since(time.Time{}) {
		if !known[one.is] && one.at.After(start) {
			count++
		}
		known[one.is] = true
	}
	return count
}

// syncs are the operations that began after a time and succeeded, as Argo CD's API told of them.
func (s *subject) syncs(start time.Time) int {
	began := map[time.Time]bool{}
	all := s.apps.since(start)
	for i, one := range all {
		if o := one.is.Status.OperationState; i > 0 && o != nil && o.Phase == "Succeeded" && !o.StartedAt.Equal(all[0].is.operation()) {
			began[o.StartedAt.UTC()] = true
		}
	}
	return len(began)
}

// settled waits until nothing but the stable revision has replicas.
func (s *subject) settled(ctx context.Context) error {
	return s.w.until(ctx, limit, s.name+": only the stable revision has replicas", func() (bool, string) {
		size := map[string]setState{}
		for _, one := range s.sets.since(time.Time{}) {
			size[one.is.name] = one.is
		}
		var seen []string
		for _, set := range size {
			if set.replicas > 0 {
				seen = append(seen, fmt.Sprintf("%s has %d", set.image, set.replicas))
			}
		}
		return len(seen) == 1 && !strings.Contains(seen[0], ":"+s.image+" "), strings.Join(seen, ", ")
	})
}

func (s *subject) kubectl(ctx context.Context, arguments ...string) error {
	_, err := s.w.cluster.Kubectl(ctx, append(arguments, "-n", s.name)...)
	return err
}

// cli runs our command line: verb, then more flags.
func (s *subject) cli(ctx context.Context, verb string, flags ...string) error {
	arguments := []string{"argo", "rollouts", verb}
	if verb == "retry" {
		arguments = append(arguments, "rollout")
	}
	return s.kubectl(ctx, append(append(arguments, rolloutName), flags...)...)
}

func merge(text string) map[string]any {
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		panic(err) // a literal of this package
	}
	return out
}
