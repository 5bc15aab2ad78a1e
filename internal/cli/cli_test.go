package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is an API server in memory, and what one command did to it and said.
type world struct {
	client.Client
	changed     chan struct{}
	sent        []string
	in          bytes.Buffer
	out, errOut bytes.Buffer
	noStatus    bool // the server knows no status subresource
	conflicts   int  // patches still to be refused
}

func newWorld(objects ...client.Object) *world {
	w := &world{changed: make(chan struct{}, 1)}
	w.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1alpha1.Rollout{}).
		WithInterceptorFuncs(interceptor.Funcs{Patch: w.patch, SubResourcePatch: w.patchStatus}).Build()
	return w
}

func (w *world) note(subresource string, o client.Object, p client.Patch) error {
	body, err := p.Data(o)
	kind := strings.TrimPrefix(fmt.Sprintf("%T", o), "*")
	_, kind, _ = strings.Cut(kind, ".")
	w.sent = append(w.sent, strings.Join(strings.Fields(kind+" "+subresource), "/")+" "+string(body))
	return err
}

func (w *world) patch(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, options ...client.PatchOption) error {
	if err := w.note("", o, p); err != nil {
		return err
	}
	if w.conflicts > 0 {
		w.conflicts--
		return conflict(o.GetName())
	}
	return c.Patch(ctx, o, p, options...)
}

func (w *world) patchStatus(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, options ...client.SubResourcePatchOption) error {
	if err := w.note(sub, o, p); err != nil {
		return err
	}
	if w.noStatus {
		return notFound(o.GetName())
	}
	return c.SubResource(sub).Patch(ctx, o, p, options...)
}

// run runs a command and returns its exit code.
func (w *world) run(args ...string) int {
	return Run(&Environment{
		IOStreams: genericiooptions.IOStreams{In: &w.in, Out: &w.out, ErrOut: &w.errOut},
		Flags:     genericclioptions.NewConfigFlags(true),
		Now:       func() time.Time { return noon },
		Connect: func(flags *genericclioptions.ConfigFlags) (*Cluster, error) {
			namespace := "production"
			if *flags.Namespace != "" {
				namespace = *flags.Namespace
			}
			return &Cluster{Client: w, Namespace: namespace,
				Watch: func(context.Context, string, ...client.Object) (client.Reader, <-chan struct{}, error) {
					return w, w.changed, nil
				}}, nil
		},
	}, args)
}

func rollout(name string, change ...func(*v1alpha1.Rollout)) *v1alpha1.Rollout {
	r := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "production", UID: "1", Generation: 2}}
	r.Spec.Template = template("api:1")
	r.Spec.Strategy.Canary = &v1alpha1.CanaryStrategy{Steps: []v1alpha1.CanaryStep{
		{SetWeight: new(int32(20))}, {Pause: &v1alpha1.RolloutPause{}}, {SetWeight: new(int32(60))}}}
	r.Status = v1alpha1.RolloutStatus{
		ObservedGeneration: "2", Phase: v1alpha1.RolloutPhasePaused, Message: "CanaryPauseStep", CurrentStepIndex: new(int32(1)),
		ControllerPause: true, PauseConditions: []v1alpha1.PauseCondition{{Reason: v1alpha1.PauseReasonCanaryPauseStep}},
		CurrentPodHash: "new", StableRS: "old", Replicas: 5, ReadyReplicas: 4, UpdatedReplicas: 1, AvailableReplicas: 3,
	}
	for _, c := range change {
		c(r)
	}
	return r
}

func in(phase v1alpha1.RolloutPhase, message string) func(*v1alpha1.Rollout) {
	return func(r *v1alpha1.Rollout) {
		r.Status.Phase, r.Status.Message = phase, message
		r.Status.ControllerPause = false
	}
}

func byReference(r *v1alpha1.Rollout) {
	r.Spec.Template = corev1.PodTemplateSpec{}
	r.Spec.WorkloadRef = &v1alpha1.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "work"}
}

func template(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "init", Image: "init:1"}},
		Containers:     []corev1.Container{{Name: "api", Image: image}},
	}}
}

func revisionOf(r *v1alpha1.Rollout, number, hash, image string) *appsv1.ReplicaSet {
	rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
		Name: r.Name + "-" + hash, Namespace: r.Namespace, UID: "rs" + "1",
		Labels:          map[string]string{v1alpha1.DefaultRolloutUniqueLabelKey: hash},
		Annotations:     map[string]string{v1alpha1.RevisionAnnotation: number},
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(r, v1alpha1.RolloutGroupVersionKind)},
	}}
	rs.Spec.Template = template(image)
	return rs
}
