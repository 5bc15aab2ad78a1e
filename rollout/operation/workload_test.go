package operation

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

func template(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
		Spec: corev1.PodSpec{
			InitContainers: []corev1.Container{{Name: "init", Image: "init:1"}},
			Containers:     []corev1.Container{{Name: "side", Image: "side:1"}, {Name: "web", Image: image}},
		},
	}
}

func TestSetImage(t *testing.T) {
	deployment := Workload{Kind: "Deployment", Name: "work", Template: template("web:1")}
	own := Workload{Kind: "Rollout", Name: "web", ResourceVersion: "12", Template: template("web:1")}
	for name, tc := range map[string]struct {
		in        Workload
		container string
		want      string
	}{
		"changes the container of that name, if nobody else wrote": {own, "web",
			`[{"op":"replace","path":"/metadata/resourceVersion","value":"12"},` +
				`{"op":"add","path":"/spec/template/spec/containers/1/image","value":"web:2"}]` + "\nrollout \"web\" image updated"},
		"changes init containers too": {deployment, "init",
			`[{"op":"add","path":"/spec/template/spec/initContainers/0/image","value":"web:2"}]` + "\ndeployment \"work\" image updated"},
		"changes all of them": {deployment, "*",
			`[{"op":"add","path":"/spec/template/spec/initContainers/0/image","value":"web:2"},` +
				`{"op":"add","path":"/spec/template/spec/containers/0/image","value":"web:2"},` +
				`{"op":"add","path":"/spec/template/spec/containers/1/image","value":"web:2"}]` + "\ndeployment \"work\" image updated"},
		"knows that a PodTemplate has no spec": {
			Workload{Kind: "PodTemplate", Name: "pt", Template: template("web:1")}, "web",
			`[{"op":"add","path":"/template/spec/containers/1/image","value":"web:2"}]` + "\npodtemplate \"pt\" image updated"},
		"refuses a name that no container has": {own, "wbe", `error: unable to find container named "wbe"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := SetImage(tc.in, tc.container, "web:2")
			said := say(got)
			if err != nil {
				said = "error: " + err.Error()
			}
			if said != tc.want {
				t.Errorf("got\n%s\nwant\n%s", said, tc.want)
			}
		})
	}
}

func set(r *v1alpha1.Rollout, revision, hash, image string) *appsv1.ReplicaSet {
	rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
		Name: "web-" + hash, Labels: map[string]string{v1alpha1.DefaultRolloutUniqueLabelKey: hash},
		Annotations:     map[string]string{v1alpha1.RevisionAnnotation: revision},
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(r, v1alpha1.RolloutGroupVersionKind)},
	}}
	rs.Spec.Template = template(image)
	rs.Spec.Template.Labels[v1alpha1.DefaultRolloutUniqueLabelKey] = hash
	return rs
}

const restored = `[{"op":"replace","path":"/spec/template","value":{"metadata":{"labels":{"app":"web"}},"spec":{` +
	`"initContainers":[{"name":"init","image":"init:1","resources":{}}],` +
	`"containers":[{"name":"side","image":"side:1","resources":{}},{"name":"web","image":"web:2","resources":{}}]}}}]` +
	"\nrollout 'web' undo"

func TestUndo(t *testing.T) {
	r := rollout()
	foreign := set(rollout(func(r *v1alpha1.Rollout) { r.UID = "8" }), "9", "ffff", "web:9")
	marked := set(r, "2", "bbbb", "web:2")
	marked.Annotations[v1alpha1.EphemeralMetadataAnnotation] = `{"labels":{"role":"stable"}}`
	marked.Spec.Template.Labels["role"] = "stable"
	marked.Spec.Template.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{LabelSelector: &metav1.LabelSelector{
			MatchExpressions: []metav1.LabelSelectorRequirement{{Key: v1alpha1.DefaultRolloutUniqueLabelKey, Operator: "In", Values: []string{"aaaa"}}},
		}}}}}
	wanted := template("web:3")
	defaulted := set(r, "3", revision.Hash(&wanted, nil), "web:3")
	defaulted.Spec.Template.Spec.TerminationGracePeriodSeconds = new(int64(30))

	for name, tc := range map[string]struct {
		in     *v1alpha1.Rollout
		sets   []*appsv1.ReplicaSet
		number int64
		want   string
	}{
		"goes back by one": {r,
			[]*appsv1.ReplicaSet{set(r, "3", "cccc", "web:3"), set(r, "1", "aaaa", "web:1"), set(r, "2", "bbbb", "web:2")}, 0, restored},
		"goes back to a revision": {r,
			[]*appsv1.ReplicaSet{set(r, "3", "cccc", "web:3"), set(r, "1", "aaaa", "web:1"), set(r, "2", "bbbb", "web:2")}, 2, restored},
		"leaves out what the controller put into the template": {r,
			[]*appsv1.ReplicaSet{set(r, "3", "cccc", "web:3"), marked}, 0, restored},
		"passes over what belongs to somebody else": {r,
			[]*appsv1.ReplicaSet{foreign, set(r, "3", "cccc", "web:3"), set(r, "2", "bbbb", "web:2")}, 0, restored},
		"says that the template is the wanted one already": {r,
			[]*appsv1.ReplicaSet{set(r, "3", "cccc", "web:3")}, 3, "skipped rollback (current template already matches revision 3)"},
		"says so when only the API server's defaults differ": {r,
			[]*appsv1.ReplicaSet{defaulted}, 3, "skipped rollback (current template already matches revision 3)"},
		"refuses a revision that is not there": {r,
			[]*appsv1.ReplicaSet{set(r, "3", "cccc", "web:3")}, 7, "error: unable to find specified revision 7 in history"},
		"refuses when there is no earlier one": {r,
			[]*appsv1.ReplicaSet{set(r, "3", "cccc", "web:3")}, 0, `error: no revision found for rollout "web"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Undo(tc.in, Workload{Kind: "Rollout", Name: "web", Template: template("web:3")}, tc.sets, tc.number)
			said := say(got)
			if err != nil {
				said = "error: " + err.Error()
			}
			if said != tc.want {
				t.Errorf("got\n%s\nwant\n%s", said, tc.want)
			}
		})
	}
}
