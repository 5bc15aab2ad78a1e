package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// sets are the ReplicaSets as they really are.
func (w *World) sets() []*appsv1.ReplicaSet { return list[*appsv1.ReplicaSet](w.truth, "ReplicaSet") }

// podsOf are the living pods of a ReplicaSet.
func (w *World) podsOf(rs *appsv1.ReplicaSet) []*corev1.Pod {
	var found []*corev1.Pod
	for _, p := range list[*corev1.Pod](w.truth, "Pod") {
		if p.OwnerReferences[0].UID == rs.UID {
			found = append(found, p)
		}
	}
	return found
}

func ready(p *corev1.Pod) bool { return p.Status.Conditions[0].Status == corev1.ConditionTrue }

func (w *World) available(p *corev1.Pod, minReady int32) bool {
	return ready(p) && !w.Now.Before(p.Status.Conditions[0].LastTransitionTime.Add(time.Duration(minReady)*time.Second))
}

// syncReplicaSet is one pass of the ReplicaSet controller: make or delete pods, those that are not ready first and
// then the youngest, and count them. It reports whether anything changed.
func (w *World) syncReplicaSet(rs *appsv1.ReplicaSet) bool {
	pods := w.podsOf(rs)
	changed := w.resize(rs, pods)
	pods = w.podsOf(rs)
	s := appsv1.ReplicaSetStatus{Replicas: int32(len(pods)), FullyLabeledReplicas: int32(len(pods)), ObservedGeneration: rs.Generation, Conditions: rs.Status.Conditions}
	for _, p := range pods {
		if ready(p) {
			s.ReadyReplicas++
		}
		if w.available(p, rs.Spec.MinReadySeconds) {
			s.AvailableReplicas++
		}
	}
	if fmt.Sprint(s) == fmt.Sprint(rs.Status) {
		return changed
	}
	c := rs.DeepCopy()
	c.Status = s
	w.put("ReplicaSet", c, -1)
	return true
}

func (w *World) resize(rs *appsv1.ReplicaSet, pods []*corev1.Pod) bool {
	missing := int(revision.Size(rs)) - len(pods)
	for range missing {
		w.createPod(rs)
	}
	if missing < 0 {
		slices.SortStableFunc(pods, func(a, b *corev1.Pod) int {
			if ready(a) != ready(b) {
				if ready(b) {
					return -1
				}
				return 1
			}
			return b.CreationTimestamp.Compare(a.CreationTimestamp.Time)
		})
		for _, p := range pods[:-missing] {
			w.remove(key{"Pod", p.Name})
		}
	}
	return missing != 0
}

func (w *World) createPod(rs *appsv1.ReplicaSet) {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("%s-%d", rs.Name, w.version), Namespace: Namespace, UID: types.UID(fmt.Sprint("p", w.version)), CreationTimestamp: w.stamp(),
			Labels: maps.Clone(rs.Spec.Template.Labels), Annotations: maps.Clone(rs.Spec.Template.Annotations),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))},
		},
		Spec:   rs.Spec.Template.Spec,
		Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: w.stamp()}}},
	}
	w.put("Pod", p, 0)
	if after := w.startup(p); after >= 0 {
		w.readyAt[p.Name] = w.Now.Add(after)
	}
}

func (w *World) setReady(p *corev1.Pod, status corev1.ConditionStatus) {
	c := p.DeepCopy()
	c.Status.Conditions[0].Status = status
	c.Status.Conditions[0].LastTransitionTime = w.stamp()
	w.put("Pod", c, -1)
}

// flap takes a pod's readiness away for a while.
func (w *World) flap(p *corev1.Pod, pause time.Duration) {
	w.lenient = true
	w.setReady(p, corev1.ConditionFalse)
	w.readyAt[p.Name] = w.Now.Add(pause)
}

// tick does what is due in the cluster at this instant: pods become ready, measurements are taken.
func (w *World) tick() bool {
	changed := false
	for _, name := range slices.Sorted(maps.Keys(w.readyAt)) {
		if w.readyAt[name].After(w.Now) {
			continue
		}
		delete(w.readyAt, name)
		if p := get[*corev1.Pod](w.truth, "Pod", name); p != nil && !ready(p) {
			w.setReady(p, corev1.ConditionTrue)
			changed = true
		}
	}
	for _, run := range list[*v1alpha1.AnalysisRun](w.truth, "AnalysisRun") {
		if at, ok := w.verdicts[run.Name]; run.Status.Phase.Completed() || ok && at.After(w.Now) && !run.Spec.Terminate {
			continue
		}
		changed = w.assess(run) || changed
	}
	return changed
}

// assess is one pass of the analysis controller, with results from the world's script.
func (w *World) assess(run *v1alpha1.AnalysisRun) bool {
	agenda := analysis.Due(run, w.Now)
	var taken []analysis.Taken
	for _, task := range agenda.Tasks {
		if task.Action != analysis.Measure {
			continue
		}
		sample, err := w.sample(run, task)
		taken = append(taken, analysis.Taken{Index: task.Index, Measurement: analysis.Measured(task.Metric, sample, err, w.Now, w.Now, nil)})
	}
	outcome := analysis.Assess(run, taken, w.Now)
	if agenda.Refusal != "" {
		outcome = analysis.Refuse(run, agenda.Refusal)
	}
	delete(w.verdicts, run.Name)
	if !outcome.Wake.IsZero() {
		w.verdicts[run.Name] = outcome.Wake
	} else if !outcome.Status.Phase.Completed() {
		w.verdicts[run.Name] = w.Now.Add(1000 * time.Hour)
	}
	if fmt.Sprint(outcome.Status) == fmt.Sprint(run.Status) {
		return false
	}
	c := run.DeepCopy()
	c.Status = outcome.Status
	w.put("AnalysisRun", c, -1)
	if outcome.Status.Phase != run.Status.Phase {
		w.say("analysis", "%s is %s%s", run.Name, outcome.Status.Phase, because(outcome.Status.Message))
	}
	return true
}

func (w *World) sample(run *v1alpha1.AnalysisRun, task analysis.Task) (analysis.Sample, error) {
	if w.answer != nil {
		metric, err := analysis.Resolve(task.Metric, run.Spec.Args)
		if err != nil {
			return analysis.Sample{}, err
		}
		result, err := w.answer(metric)
		return analysis.Sample{Result: result, Value: fmt.Sprint(result)}, err
	}
	script, taken := w.measure(run), 0
	for _, r := range run.Status.MetricResults {
		if r.Name == task.Metric.Name {
			taken = int(r.Count + r.Error)
		}
	}
	if len(script) == 0 {
		return analysis.Sample{}, fmt.Errorf("nobody answers")
	}
	result := script[min(taken, len(script)-1)]
	if err, ok := result.(error); ok {
		return analysis.Sample{}, err
	}
	return analysis.Sample{Result: result, Value: fmt.Sprint(result)}, nil
}

// collect is the garbage collector: what belonged to an object that is gone goes too.
func (w *World) collect() bool {
	changed := false
	for _, p := range list[*corev1.Pod](w.truth, "Pod") {
		rs := get[*appsv1.ReplicaSet](w.truth, "ReplicaSet", p.OwnerReferences[0].Name)
		if rs == nil || rs.UID != p.OwnerReferences[0].UID {
			w.remove(key{"Pod", p.Name})
			changed = true
		}
	}
	return changed
}

// cluster lets everything that is not our controller do what it has to do now; it reports whether anything happened.
func (w *World) cluster() bool {
	changed := w.collect()
	changed = w.tick() || changed
	for _, rs := range w.sets() {
		changed = w.syncReplicaSet(rs) || changed
	}
	w.tellPods()
	return changed
}

// alarm is the earliest instant at which something happens by itself; the zero time when nothing will.
func (w *World) alarm() time.Time {
	var earliest time.Time
	consider := func(t time.Time) {
		if t.After(w.Now) && (earliest.IsZero() || t.Before(earliest)) {
			earliest = t
		}
	}
	for name, at := range w.readyAt {
		if w.truth[key{"Pod", name}] != nil {
			consider(at)
		}
	}
	for name, at := range w.verdicts {
		if run := get[*v1alpha1.AnalysisRun](w.truth, "AnalysisRun", name); run != nil && !run.Status.Phase.Completed() && at.Sub(w.Now) < 500*time.Hour {
			consider(at)
		}
	}
	for _, rs := range w.sets() {
		for _, p := range w.podsOf(rs) {
			if ready(p) && rs.Spec.MinReadySeconds > 0 {
				consider(p.Status.Conditions[0].LastTransitionTime.Add(time.Duration(rs.Spec.MinReadySeconds) * time.Second))
			}
		}
	}
	consider(w.wake)
	consider(w.downUntil)
	return earliest
}

func because(message string) string {
	if message == "" {
		return ""
	}
	return ": " + strings.TrimSpace(message)
}

// revision is the ReplicaSet that goes by a letter in the timeline.
func (w *World) revision(letter string) *appsv1.ReplicaSet {
	for hash, name := range w.names {
		if name == letter {
			return revision.WithHash(w.sets(), hash)
		}
	}
	return nil
}
