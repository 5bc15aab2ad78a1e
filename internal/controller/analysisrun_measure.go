package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sluice-delivery/sluice/analysis"
	"github.com/sluice-delivery/sluice/analysis/provider"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// lack is the reason why arguments have no values, and will not have without somebody's help.
type lack struct{ error }

func asLack(err error, target *lack) bool { return errors.As(err, target) }

// secrets reads the values of the arguments that come from Secrets, by name of the argument. They are read at every
// measurement, so that a new one counts at once; without one due, nothing is read.
func (a *analysisRuns) secrets(ctx context.Context, run *v1alpha1.AnalysisRun, tasks []analysis.Task) (map[string]string, error) {
	values, read := map[string]string{}, map[string]*corev1.Secret{}
	if len(tasks) == 0 {
		return values, nil
	}
	for _, arg := range run.Spec.Args {
		ref := analysis.Secret(arg)
		if ref == nil {
			continue
		}
		secret := read[ref.Name]
		if secret == nil {
			secret = &corev1.Secret{}
			err := a.Direct.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: ref.Name}, secret)
			switch {
			case apierrors.IsNotFound(err) || apierrors.IsForbidden(err):
				return nil, lack{err}
			case err != nil:
				return nil, fmt.Errorf("read secret %q: %w", ref.Name, err)
			}
			read[ref.Name] = secret
		}
		value, found := secret.Data[ref.Key]
		if !found {
			return nil, lack{analysis.MissingKey(*ref)}
		}
		values[arg.Name] = string(value)
	}
	return values, nil
}

// measure carries out the tasks at the same time, as far as there are slots, and returns the answers in the order in
// which they came.
func (a *analysisRuns) measure(ctx context.Context, run *v1alpha1.AnalysisRun, tasks []analysis.Task, secrets map[string]string) ([]analysis.Taken, error) {
	args := analysis.Supply(run.Spec.Args, secrets)
	hidden := slices.Collect(maps.Values(secrets))
	var resolved []v1alpha1.Metric
	for _, task := range tasks {
		metric, err := analysis.Resolve(task.Metric, args)
		if err != nil {
			return nil, lack{errors.New(analysis.Hide(err.Error(), hidden))}
		}
		resolved = append(resolved, metric)
	}
	answers := make(chan analysis.Taken, len(tasks))
	for i, task := range tasks {
		go func() { answers <- a.carryOut(ctx, run, task, resolved[i], hidden) }()
	}
	var taken []analysis.Taken
	for range tasks {
		taken = append(taken, <-answers)
	}
	// A pass that was cut short by our own end has measured nothing: the next leader does.
	return taken, ctx.Err()
}

// carryOut does one task. Whatever goes wrong is a measurement too.
func (a *analysisRuns) carryOut(ctx context.Context, run *v1alpha1.AnalysisRun, task analysis.Task, metric v1alpha1.Metric, hidden []string) analysis.Taken {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done(): // nothing of this pass will be written
		return analysis.Taken{Index: task.Index}
	}
	began := a.Now()
	taken := analysis.Taken{Index: task.Index}
	door, err := a.Providers.Find(metric)
	switch {
	case task.Action == analysis.Terminate:
		taken.Measurement = analysis.Terminated(task.Unfinished, began)
		return taken
	case err == nil && task.Action == analysis.Resume:
		err = errors.New("a measurement of this metric cannot be resumed")
	}
	var said provider.Sample
	if err == nil {
		taken.Description = describe(door, run, task.Metric)
		said, err = a.ask(ctx, door, provider.Query{Run: run, Metric: metric, Now: began})
	}
	taken.Measurement = analysis.Measured(metric, said, err, began, a.Now(), hidden)
	if err != nil {
		a.Log.Warn("measurement failed", "analysisrun", run.Namespace+"/"+run.Name, "metric", task.Metric.Name, "error", taken.Measurement.Message)
	}
	return taken
}

// ask is a provider's answer within our limit. A provider that panics must not take the others with it.
func (a *analysisRuns) ask(ctx context.Context, door provider.Provider, q provider.Query) (said provider.Sample, err error) {
	ctx, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	defer func() {
		if trouble := recover(); trouble != nil {
			err = fmt.Errorf("the metric provider panicked: %v", trouble)
			a.Log.Error("a metric provider panicked", "analysisrun", q.Run.Namespace+"/"+q.Run.Name, "stack", string(debug.Stack()))
		}
	}()
	return door.Measure(ctx, q)
}

// describe is what the provider says about the metric as it may be shown.
func describe(door provider.Provider, run *v1alpha1.AnalysisRun, metric v1alpha1.Metric) map[string]string {
	describer, ok := door.(provider.Describer)
	if !ok {
		return nil
	}
	shown, err := analysis.Resolve(metric, analysis.Masked(run.Spec.Args))
	if err != nil {
		return nil
	}
	return describer.Describe(shown)
}
