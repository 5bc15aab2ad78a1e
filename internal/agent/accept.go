package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/render"
	"github.com/sluice-delivery/sluice/sync"
	"github.com/sluice-delivery/sluice/sync/engine"
	"github.com/sluice-delivery/sluice/sync/git"
)

// Annotation marks an Application as taken by the agent, and holds what the agent has to remember.
const Annotation = "sluice.dev/agent"

// foreign says why an Application is not the agent's. Empty: it is, or may be taken.
func foreign(obj *unstructured.Unstructured) string {
	_, ours := obj.GetAnnotations()[Annotation]
	status, _, _ := unstructured.NestedMap(obj.Object, "status")
	if ours || len(status) == 0 {
		return ""
	}
	return "its status is written by somebody else, such as an Argo CD, and it has no annotation " + Annotation + "; the agent leaves it alone"
}

// request is an Application as far as the agent understands it.
type request struct {
	Application
	repository git.Repository
	settings   engine.Settings
	app        engine.Application
	policy     sync.Policy
	render     render.Options
	history    int
}

// accept reads an Application. The error names every field that is not supported.
func accept(obj *unstructured.Unstructured) (request, error) {
	r := request{}
	content := map[string]any{"spec": obj.Object["spec"]}
	if operation, found := obj.Object["operation"]; found {
		content["operation"] = operation
	}
	if fields := unsupported("", content, reflect.TypeOf(r.Application)); len(fields) > 0 {
		slices.Sort(fields)
		return r, fmt.Errorf("not supported: %s", strings.Join(fields, ", "))
	}
	data, err := json.Marshal(content)
	if err == nil {
		err = json.Unmarshal(data, &r.Application)
	}
	if err != nil {
		return r, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	r.app = engine.Application{Name: obj.GetNamespace() + "_" + obj.GetName(), Namespace: r.Spec.Destination.Namespace}
	for _, part := range []func() error{r.readSource, r.readDestination, r.readPolicy, r.readOptions, r.readIgnored, r.readOperation} {
		if err := part(); err != nil {
			return r, err
		}
	}
	return r, nil
}

// unsupported lists the paths of fields that a Go type does not have.
func unsupported(path string, value any, in reflect.Type) []string {
	for in.Kind() == reflect.Pointer {
		in = in.Elem()
	}
	var all []string
	switch x := value.(type) {
	case map[string]any:
		if in.Kind() != reflect.Struct {
			return nil
		}
		for key, below := range x {
			name := strings.TrimPrefix(path+"."+key, ".")
			field, found := fieldOf(in, key)
			if !found {
				all = append(all, name)
				continue
			}
			all = append(all, unsupported(name, below, field)...)
		}
	case []any:
		if in.Kind() != reflect.Slice {
			return nil
		}
		for i, below := range x {
			all = append(all, unsupported(fmt.Sprintf("%s[%d]", path, i), below, in.Elem())...)
		}
	}
	return all
}

func fieldOf(in reflect.Type, key string) (reflect.Type, bool) {
	for i := range in.NumField() {
		if name, _, _ := strings.Cut(in.Field(i).Tag.Get("json"), ","); name == key {
			return in.Field(i).Type, true
		}
	}
	return nil, false
}

func (r *request) readSource() error {
	s := r.Spec.Source
	if s == nil || s.RepoURL == "" {
		return errors.New("spec.source.repoURL is required")
	}
	var err error
	if r.repository, err = git.Open(s.RepoURL); err != nil {
		return err
	}
	r.render = render.Options{Path: s.Path, AllowEmpty: true} // an empty answer is held by sync.Decide, which knows the policy
	if k := s.Kustomize; k != nil {
		r.render.Kustomize = &render.Kustomize{
			NamePrefix: k.NamePrefix, NameSuffix: k.NameSuffix, Namespace: k.Namespace, CommonLabels: k.CommonLabels,
			CommonAnnotations: k.CommonAnnotations, Images: k.Images, Components: k.Components, Replicas: map[string]int64{},
		}
		for _, n := range k.Replicas {
			r.render.Kustomize.Replicas[n.Name] = n.Count
		}
	}
	if d := s.Directory; d != nil {
		r.render.Directory = &render.Directory{Recurse: d.Recurse, Include: d.Include, Exclude: d.Exclude}
	}
	return nil
}

func (r *request) readDestination() error {
	d := r.Spec.Destination
	here := d.Server == "https://kubernetes.default.svc" && d.Name == "" || d.Name == "in-cluster" && d.Server == "" || d == (Destination{Namespace: d.Namespace})
	if !here {
		return errors.New("spec.destination: only the agent's own cluster is supported: server https://kubernetes.default.svc, or name in-cluster")
	}
	if d.Namespace == "" {
		return errors.New("spec.destination.namespace is required")
	}
	return nil
}

func (r *request) readPolicy() error {
	r.policy, r.history = sync.Policy{Retry: sync.DefaultRetry}, 10
	if n := r.Spec.RevisionHistoryLimit; n != nil {
		r.history = max(0, int(*n))
	}
	p := r.Spec.SyncPolicy
	if p == nil {
		return nil
	}
	if a := p.Automated; a != nil {
		on := func(b *bool, otherwise bool) bool { return b == nil && otherwise || b != nil && *b }
		r.policy.Automated = on(a.Enabled, true)
		r.policy.Prune, r.policy.SelfHeal, r.policy.AllowEmpty = on(a.Prune, false), on(a.SelfHeal, false), on(a.AllowEmpty, false)
	}
	return r.readRetry(p.Retry)
}

func (r *request) readRetry(retry *Retry) error {
	if retry == nil {
		return nil
	}
	if retry.Limit != nil {
		r.policy.Retry.Limit = int(*retry.Limit)
	}
	b := retry.Backoff
	if b == nil {
		return nil
	}
	if b.Factor != nil {
		r.policy.Retry.Factor = float64(*b.Factor)
	}
	for _, d := range []struct {
		name, text string
		into       *time.Duration
	}{{"duration", b.Duration, &r.policy.Retry.Duration}, {"maxDuration", b.MaxDuration, &r.policy.Retry.Max}} {
		if d.text == "" {
			continue
		}
		text := d.text
		if _, err := strconv.Atoi(text); err == nil {
			text += "s"
		}
		value, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("spec.syncPolicy.retry.backoff.%s: %q is no duration", d.name, d.text)
		}
		*d.into = value
	}
	return nil
}

// syncOptions are the supported ones.
var syncOptions = map[string]func(*request){
	"ApplyOutOfSyncOnly=true":           func(*request) {}, // always so
	"CreateNamespace=true":              func(r *request) { r.settings.CreateNamespace = true },
	"CreateNamespace=false":             func(*request) {},
	"PruneLast=true":                    func(r *request) { r.settings.PruneLast = true },
	"PrunePropagationPolicy=foreground": func(r *request) { r.settings.Propagation = "foreground" },
	"PrunePropagationPolicy=background": func(r *request) { r.settings.Propagation = "background" },
	"PrunePropagationPolicy=orphan":     func(r *request) { r.settings.Propagation = "orphan" },
	"Replace=true":                      func(r *request) { r.settings.Replace = true },
	"RespectIgnoreDifferences=true":     func(r *request) { r.app.KeepIgnored = true },
	"ServerSideApply=true":              func(r *request) { r.app.ServerSide = true },
	"ServerSideApply=false":             func(*request) {},
	"SkipDryRunOnMissingResource=true":  func(r *request) { r.settings.SkipDryRunOnMissingResource = true },
	"Validate=false":                    func(r *request) { r.settings.NoValidation = true },
	"Validate=true":                     func(*request) {},
}

func (r *request) readOptions() error {
	if r.Spec.SyncPolicy == nil {
		return nil
	}
	for _, option := range r.Spec.SyncPolicy.SyncOptions {
		set, known := syncOptions[option]
		if !known {
			return fmt.Errorf("not supported: spec.syncPolicy.syncOptions: %s", option)
		}
		set(r)
	}
	return nil
}

func (r *request) readIgnored() error {
	for i, d := range r.Spec.IgnoreDifferences {
		for _, pointer := range d.JSONPointers {
			if !strings.HasPrefix(pointer, "/") {
				return fmt.Errorf("spec.ignoreDifferences[%d].jsonPointers: %q does not begin with a slash", i, pointer)
			}
		}
		r.app.Ignored = append(r.app.Ignored, engine.Ignored{Group: d.Group, Kind: d.Kind, Name: d.Name, Namespace: d.Namespace, Pointers: d.JSONPointers})
	}
	return nil
}

func (r *request) readOperation() error {
	if r.Operation != nil && r.Operation.Sync == nil {
		return errors.New("operation.sync is required")
	}
	return nil
}

// sourceKey changes when the settings of the source do; with the commit it says what was tried.
func (r *request) sourceKey() string {
	data, err := json.Marshal(r.Spec.Source)
	if err != nil {
		panic(err) // texts and numbers
	}
	s := map[string]any{}
	_ = json.Unmarshal(data, &s) // it was written a line before
	delete(s, "targetRevision")  // what it means is in the commit
	s["repoURL"] = r.repository.URL
	data, _ = json.Marshal(s)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}
