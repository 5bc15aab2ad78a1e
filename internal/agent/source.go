package agent

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sluice-delivery/sluice/render"
	"github.com/sluice-delivery/sluice/sync/git"
)

// desired is what Git was last seen to want.
type desired struct {
	polled time.Time
	// target and key are what was looked up; commit is what it means, and result what that renders to.
	target, key, commit string
	result              render.Result
	// err is why Git could not be read or rendered. It is shown until a later look goes well.
	err error
}

// objects are copies: a comparison changes them.
func (s desired) objects() []*unstructured.Unstructured {
	all := make([]*unstructured.Unstructured, len(s.result.Objects))
	for i, obj := range s.result.Objects {
		all[i] = obj.DeepCopy()
	}
	return all
}

// look asks Git when that is due, and renders when something moved.
func (a *Agent) look(ctx context.Context, before desired, r request, namespace string, now bool) desired {
	target := r.repository.URL + "@" + r.Spec.Source.TargetRevision
	same := before.target == target && before.key == r.sourceKey()
	if same && !now && a.now().Before(before.polled.Add(a.config.ReconcileInterval)) {
		return before
	}
	s := desired{polled: a.now(), target: target, key: r.sourceKey(), commit: before.commit}
	ctx, cancel := context.WithTimeout(ctx, a.config.GitTimeout)
	defer cancel()
	repository := a.withCredentials(ctx, r.repository, namespace)
	commit, err := repository.Resolve(ctx, r.Spec.Source.TargetRevision)
	if err != nil {
		s.err = err
		return s
	}
	if same && commit == before.commit && !now && before.rendered() {
		s.result, s.err = before.result, before.err
		return s
	}
	checkout, err := repository.Fetch(ctx, r.Spec.Source.TargetRevision)
	if err != nil {
		s.err = err
		return s
	}
	s.commit = checkout.Commit
	if s.result, err = render.Render(checkout.Files, r.render); err != nil {
		s.err = &renderError{s.commit, err}
	}
	return s
}

// rendered reports whether the commit itself was judged, rather than only the way to it.
func (s desired) rendered() bool {
	_, judged := s.err.(*renderError)
	return s.err == nil || judged
}

// renderError is about the content of a commit. It stays until Git moves.
type renderError struct {
	commit string
	err    error
}

func (e *renderError) Error() string { return "commit " + short(e.commit) + ": " + e.err.Error() }
func (e *renderError) Unwrap() error { return e.err }

func short(commit string) string { return commit[:min(len(commit), 8)] }

var secrets = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}

// withCredentials takes user name and password from a Secret beside the Application, labelled as Argo CD wants it:
// argocd.argoproj.io/secret-type repository for one URL, repo-creds for all that begin with one.
func (a *Agent) withCredentials(ctx context.Context, r git.Repository, namespace string) git.Repository {
	if r.Password != "" {
		return r
	}
	list, err := a.client.Resource(secrets).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: "argocd.argoproj.io/secret-type in (repository,repo-creds)"})
	if err != nil {
		a.log.Warn("read the credentials of repositories", "namespace", namespace, "error", err)
		return r
	}
	best := -1
	for _, secret := range list.Items {
		address := trimmed(field(secret, "url"))
		exact := trimmed(r.URL) == address
		prefix := secret.GetLabels()["argocd.argoproj.io/secret-type"] == "repo-creds" && strings.HasPrefix(r.URL, address)
		if score := len(address); address != "" && (exact || prefix) && score > best {
			best, r.Username, r.Password = score, field(secret, "username"), field(secret, "password")
		}
	}
	return r
}

func trimmed(address string) string {
	return strings.TrimSuffix(strings.TrimSuffix(address, "/"), ".git")
}

func field(secret unstructured.Unstructured, key string) string {
	text, _, _ := unstructured.NestedString(secret.Object, "data", key)
	value, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	return string(value)
}
