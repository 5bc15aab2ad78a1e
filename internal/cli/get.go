package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/internal/cli/view"
)

// A watched screen is drawn anew at least each second, because ages go on, and at most every 200 ms.
const (
	redraw   = time.Second
	throttle = 200 * time.Millisecond
)

// clear moves to the upper left corner and empties the screen.
const clear = "\x1b[H\x1b[2J"

func newGet(env *Environment) *cobra.Command {
	return group("get", "Show a rollout or an experiment with all that belongs to it", newGetRollout(env), newGetExperiment(env))
}

// look is what get is asked for.
type look struct {
	watch, noColor bool
	seconds        int
}

func (l *look) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&l.watch, "watch", "w", false, "Keep showing what becomes of it")
	cmd.Flags().BoolVar(&l.noColor, "no-color", false, "Do not use colours")
}

// A screen shows one object by what a reader knows of it and of all around it.
type screen func(ctx context.Context, c *Cluster, from client.Reader, name string) (string, error)

func newGetRollout(env *Environment) *cobra.Command {
	var l look
	cmd := &cobra.Command{
		Use: "rollout ROLLOUT", Aliases: []string{"ro", "rollouts"},
		Short: "Show a rollout with its revisions, pods and analyses",
		Example: examples(`
			# Show a rollout
			%s get rollout payments-api

			# Watch it
			%s get rollout payments-api --watch`),
		Args:              exactly(1),
		ValidArgsFunction: names(env, rollouts),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.show(cmd.Context(), l, args[0], env.rolloutScreen(l))
		},
	}
	l.flags(cmd)
	cmd.Flags().IntVar(&l.seconds, "timeout-seconds", 0, "End the watch after this many seconds; 0 is never")
	return cmd
}

func newGetExperiment(env *Environment) *cobra.Command {
	var l look
	cmd := &cobra.Command{
		Use: "experiment EXPERIMENT", Aliases: []string{"exp", "experiments"},
		Short: "Show an experiment with its ReplicaSets, pods and analyses",
		Example: examples(`
			# Show an experiment
			%s get experiment baseline-vs-canary

			# Watch it
			%s get experiment baseline-vs-canary --watch`),
		Args:              exactly(1),
		ValidArgsFunction: names(env, experiments),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.show(cmd.Context(), l, args[0], env.experimentScreen(l))
		},
	}
	l.flags(cmd)
	return cmd
}

func (env *Environment) rolloutScreen(l look) screen {
	return func(ctx context.Context, c *Cluster, from client.Reader, name string) (string, error) {
		r, err := c.rollout(ctx, from, name)
		if err != nil {
			return "", err
		}
		around, err := c.around(ctx, from)
		return view.Rollout(r, around).Text(env.Now(), env.paint(l.noColor)), err
	}
}

func (env *Environment) experimentScreen(l look) screen {
	return func(ctx context.Context, c *Cluster, from client.Reader, name string) (string, error) {
		e := &v1alpha1.Experiment{}
		if err := from.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: name}, e); err != nil {
			return "", err
		}
		around, err := c.around(ctx, from)
		return view.Experiment(e, around).Text(env.Now(), env.paint(l.noColor)), err
	}
}

// around are the objects of the namespace that may belong to a Rollout.
func (c *Cluster) around(ctx context.Context, from client.Reader) (view.Objects, error) {
	var (
		sets  appsv1.ReplicaSetList
		pods  corev1.PodList
		runs  v1alpha1.AnalysisRunList
		exps  v1alpha1.ExperimentList
		here  = client.InNamespace(c.Namespace)
		bears = client.MatchingLabelsSelector{Selector: ours}
	)
	for _, err := range []error{
		from.List(ctx, &sets, here, bears), from.List(ctx, &pods, here, bears), from.List(ctx, &runs, here), from.List(ctx, &exps, here),
	} {
		if err != nil {
			return view.Objects{}, err
		}
	}
	return view.Objects{
		ReplicaSets: pointers(sets.Items), Pods: pointers(pods.Items), Runs: pointers(runs.Items), Experiments: pointers(exps.Items),
	}, nil
}

// show draws once, or again and again.
func (env *Environment) show(ctx context.Context, l look, name string, draw screen) error {
	c, err := env.Connect(env.Flags)
	if err != nil {
		return err
	}
	return env.showIn(ctx, c, l, name, draw)
}

func (env *Environment) showIn(ctx context.Context, c *Cluster, l look, name string, draw screen) error {
	// The first look goes to the API server itself: what does not exist, or may not be read, is an error at once.
	text, err := draw(ctx, c, c, name)
	if err != nil {
		return err
	}
	if !l.watch {
		_, err = env.Out.Write([]byte(text))
		return err
	}
	if l.seconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(l.seconds)*time.Second)
		defer cancel()
	}
	err = env.follow(ctx, c, text, func(from client.Reader) (string, error) { return draw(ctx, c, from, name) })
	if ctx.Err() != nil {
		return nil // the time is up
	}
	return err
}

// follow draws until the context ends.
func (env *Environment) follow(ctx context.Context, c *Cluster, text string, draw func(client.Reader) (string, error)) error {
	start := clear
	if env.Dumb {
		start = "\n"
	}
	paint := func(text string) error {
		_, err := env.Out.Write([]byte(start + text))
		return err
	}
	if err := paint(text); err != nil {
		return err
	}
	from, changed, err := c.Watch(ctx, c.Namespace, &v1alpha1.Rollout{}, &appsv1.ReplicaSet{}, &corev1.Pod{}, &v1alpha1.AnalysisRun{}, &v1alpha1.Experiment{})
	for err == nil {
		if text, err = draw(from); err != nil {
			break
		}
		if err = paint(text); err != nil || !idle(ctx, throttle, nil) || !idle(ctx, redraw-throttle, changed) {
			break
		}
	}
	return err
}

// idle waits for a time or for a change, and reports whether the context goes on.
func idle(ctx context.Context, at time.Duration, changed <-chan struct{}) bool {
	timer := time.NewTimer(at)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-changed:
	case <-timer.C:
	}
	return true
}
