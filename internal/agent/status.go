package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"

	"github.com/sluice-delivery/sluice/health"
	"github.com/sluice-delivery/sluice/sync"
	"github.com/sluice-delivery/sluice/sync/engine"
)

// refreshAnnotation asks for a look at Git now; the agent removes it.
const refreshAnnotation = "argocd.argoproj.io/refresh"

func (l *look) name() string { return l.obj.GetNamespace() + "/" + l.obj.GetName() }

func (l *look) key() types.NamespacedName {
	return types.NamespacedName{Namespace: l.obj.GetNamespace(), Name: l.obj.GetName()}
}

// sooner sees to it that the next look is no later than t.
func (l *look) sooner(t time.Time) {
	if !t.IsZero() && t.Before(l.wake) {
		l.wake = t
	}
}

// before is the status as stored.
func (l *look) before() Status {
	s := Status{}
	if stored, found, _ := unstructured.NestedMap(l.obj.Object, "status"); found {
		_ = runtime.DefaultUnstructuredConverter.FromUnstructured(stored, &s) // what cannot be read is written anew
	}
	return s
}

// unknown is the status when there is no comparison: what was known of the objects stays, the verdict does not.
func (l *look) unknown(condition string, err error) {
	l.status.Sync.Status, l.status.Sync.Reason, l.status.Sync.Message = string(sync.Unknown), condition, err.Error()
	if l.status.Health.Status == "" {
		l.status.Health.Status = string(health.Unknown)
	}
	l.condition(condition, err.Error())
}

// condition adds one, with the time since when it says the same.
func (l *look) condition(kind, message string) {
	c := Condition{Type: kind, Message: message, LastTransitionTime: metav1.NewTime(time.Time{})}
	for _, old := range l.before().Conditions {
		if old.Type == kind && old.Message == message {
			c.LastTransitionTime = old.LastTransitionTime
		}
	}
	l.status.Conditions = append(l.status.Conditions, c)
}

// describe fills in what the comparison showed.
func (l *look) describe() {
	status, reason := sync.Sum(verdicts(l.compared))
	l.status.Sync.Status, l.status.Sync.Reason, l.status.Sync.Message = string(status), string(reason), l.reason(reason)
	l.status.Sync.ComparedTo = comparedTo(l.request)
	l.status.SourceType = l.state.source.result.Source
	l.resources()
	l.conditions()
}

func verdicts(compared []sync.Compared) []sync.Verdict {
	all := make([]sync.Verdict, len(compared))
	for i, c := range compared {
		all[i] = c.Verdict
	}
	return all
}

// reason names the objects that the verdict is about.
func (l *look) reason(reason sync.Reason) string {
	if reason == "" {
		return ""
	}
	var texts []string
	for _, c := range l.compared {
		if c.Reason == reason {
			texts = append(texts, c.Key().String()+" "+c.Message())
		}
	}
	if len(texts) > 3 {
		texts = append(texts[:3], fmt.Sprintf("and %d more objects", len(texts)-3))
	}
	return strings.Join(texts, "; ")
}

func comparedTo(r request) json.RawMessage {
	source := *r.Spec.Source
	source.RepoURL = r.repository.URL // without credentials
	data, err := json.Marshal(map[string]any{"source": source, "destination": r.Spec.Destination})
	if err != nil {
		panic(err) // texts and numbers
	}
	return data
}

func (l *look) resources() {
	l.status.Resources = nil
	var live []*unstructured.Unstructured
	images := map[string]bool{}
	for _, c := range l.compared {
		k := c.Key()
		r := ResourceStatus{
			Group: k.Group, Kind: k.Kind, Namespace: k.Namespace, Name: k.Name, Status: string(c.Status),
			Reason: string(c.Reason), Message: c.Message(), RequiresPruning: c.Reason == sync.Extraneous,
		}
		if obj := c.Live; obj != nil {
			r.Version = obj.GroupVersionKind().Version
			if h, _ := health.Assess(obj); h.Status != "" { // an error is in h already
				r.Health = &HealthStatus{Status: string(h.Status), Message: h.Message}
			}
			collectImages(obj, images)
		} else {
			r.Version = c.Desired.GroupVersionKind().Version
		}
		live = append(live, c.Live)
		l.status.Resources = append(l.status.Resources, r)
	}
	worst := health.Worst(live)
	l.status.Health.Status, l.status.Health.Message = string(worst.Status), worst.Message
	l.status.Summary = &Summary{Images: slices.Sorted(maps.Keys(images))}
}

func collectImages(obj *unstructured.Unstructured, into map[string]bool) {
	for _, path := range [][]string{{"spec", "template", "spec", "containers"}, {"spec", "containers"}} {
		containers, _, _ := unstructured.NestedSlice(obj.Object, path...)
		for _, entry := range containers {
			c, _ := entry.(map[string]any)
			if image, ok := c["image"].(string); ok {
				into[image] = true
			}
		}
	}
}

func (l *look) conditions() {
	for _, c := range l.compared {
		if c.Reason == sync.RolledBack {
			l.condition("RolledBack", c.Key().String()+" "+c.Message())
		}
	}
	for _, key := range l.picture.Repeated {
		l.condition("RepeatedResourceWarning", key.String()+" is in Git more than once; the last one counts")
	}
	for _, key := range slices.SortedFunc(maps.Keys(l.picture.Foreign), func(a, b sync.Key) int { return strings.Compare(a.String(), b.String()) }) {
		l.condition("SharedResourceWarning", key.String()+" belongs to application "+l.picture.Foreign[key]+"; nothing is synced until only one of them has it")
	}
	for _, warning := range l.state.source.result.Warnings {
		l.condition("RenderWarning", warning)
	}
	if last := l.state.Attempt; last != nil && !last.Succeeded && last.Commit == l.state.source.commit && l.status.OperationState != nil {
		l.condition("SyncError", fmt.Sprintf("attempt %d to sync commit %s failed: %s", last.Failures, short(last.Commit), l.status.OperationState.Message))
	}
}

// operating shows a sync on its way or at its end.
func (l *look) operating(r *running, finished *time.Time, failures int) {
	s := &OperationState{
		Operation: r.request, Phase: r.Phase, Message: r.Message, StartedAt: metav1.NewTime(r.Started), RetryCount: max(0, failures-1),
		SyncResult: &SyncResult{Revision: r.Commit},
	}
	if finished != nil {
		at := metav1.NewTime(*finished)
		s.FinishedAt = &at
		if !r.Succeeded() {
			s.Message = problems(r.Operation)
		}
	}
	for _, o := range r.Results {
		s.SyncResult.Resources = append(s.SyncResult.Resources, ResourceResult{
			Group: o.Key.Group, Version: o.Version, Kind: o.Key.Kind, Namespace: o.Key.Namespace, Name: o.Key.Name, Status: o.Status,
			Message: o.Message, HookPhase: o.HookPhase, HookType: o.HookType, SyncPhase: o.SyncPhase,
		})
	}
	l.status.OperationState = s
}

// deployed adds a commit to the history, once.
func (l *look) deployed(r *running, at time.Time, limit int) {
	h := l.status.History
	if n := len(h); n > 0 && h[n-1].Revision == r.Commit {
		return
	}
	id := int64(0)
	if n := len(h); n > 0 {
		id = h[n-1].ID + 1
	}
	h = append(h, Deployment{ID: id, Revision: r.Commit, DeployStartedAt: metav1.NewTime(r.Started), DeployedAt: metav1.NewTime(at)})
	l.status.History = h[max(0, len(h)-limit):]
}

// tell writes the status, if there is anything new to say, in one merge patch of the main resource, since the kind has
// no status subresource. The patch holds only against the version that was read.
func (a *Agent) tell(ctx context.Context, l *look) error {
	before := l.before()
	l.stamp(before, a.now())
	patch, err := l.patch()
	if err != nil || patch == nil {
		return err
	}
	stored, err := a.client.Resource(applications).Namespace(l.obj.GetNamespace()).Patch(ctx, l.obj.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: engine.Manager})
	if err != nil {
		return fmt.Errorf("write the status of Application %s: %w", l.name(), err)
	}
	l.state.status, _, _ = unstructured.NestedMap(stored.Object, "status")
	a.metrics.application(l.key(), l.status)
	a.tellEvents(l, before)
	return nil
}

// stamp sets the times of what changed.
func (l *look) stamp(before Status, at time.Time) {
	now := metav1.NewTime(at)
	for i := range l.status.Conditions {
		if l.status.Conditions[i].LastTransitionTime.IsZero() {
			l.status.Conditions[i].LastTransitionTime = now
		}
	}
	if before.Health.Status != l.status.Health.Status || before.Health.LastTransitionTime == nil {
		l.status.Health.LastTransitionTime = &now
	}
}

// patch is what the write changes; nil for nothing.
func (l *look) patch() ([]byte, error) {
	remembered, err := json.Marshal(l.state.memory)
	if err != nil {
		return nil, fmt.Errorf("write down what to remember: %w", err)
	}
	status, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&l.status)
	if err != nil {
		return nil, fmt.Errorf("write down the status: %w", err)
	}
	after := l.obj.DeepCopy()
	annotations := after.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[Annotation] = string(remembered)
	delete(annotations, refreshAnnotation)
	after.SetAnnotations(annotations)
	after.Object["status"] = status
	if l.taken {
		delete(after.Object, "operation")
	}
	old, err := l.obj.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("write down the Application: %w", err)
	}
	changed, err := after.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("write down the Application: %w", err)
	}
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(old, changed, old)
	if err != nil || string(patch) == "{}" {
		return nil, err
	}
	return withVersion(patch, l.obj.GetResourceVersion())
}

func withVersion(patch []byte, version string) ([]byte, error) {
	content := map[string]any{}
	if err := json.Unmarshal(patch, &content); err != nil {
		return nil, fmt.Errorf("write down the change: %w", err)
	}
	metadata, _ := content["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["resourceVersion"] = version
	content["metadata"] = metadata
	return json.Marshal(content)
}

func (a *Agent) tellEvents(l *look, before Status) {
	now := l.status
	if before.Sync.Status != now.Sync.Status || before.Sync.Reason != now.Sync.Reason {
		text := fmt.Sprintf("Updated sync status: %s -> %s", before.Sync.Status, now.Sync.Status)
		if now.Sync.Message != "" {
			text += " (" + now.Sync.Message + ")"
		}
		kind := "Normal"
		if now.Sync.Reason == string(sync.RolledBack) || now.Sync.Status == string(sync.Unknown) {
			kind = "Warning"
		}
		a.log.Info("sync status", "application", l.name(), "from", before.Sync.Status, "to", now.Sync.Status, "reason", now.Sync.Reason, "message", now.Sync.Message)
		a.events.Event(l.obj, kind, "ResourceUpdated", limit(text))
	}
	if before.Health.Status != now.Health.Status {
		a.log.Info("health", "application", l.name(), "from", before.Health.Status, "to", now.Health.Status, "message", now.Health.Message)
		a.events.Event(l.obj, "Normal", "ResourceUpdated", limit(fmt.Sprintf("Updated health status: %s -> %s", before.Health.Status, now.Health.Status)))
	}
}

// limit keeps an event under what the API server accepts.
func limit(text string) string { return text[:min(len(text), 1000)] }
