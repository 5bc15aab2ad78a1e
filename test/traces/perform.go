package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/sluice-delivery/sluice/test/traces/recording"
	"github.com/sluice-delivery/sluice/test/traces/stage"
	"github.com/sluice-delivery/sluice/test/traces/story"
)

// job is one case on its way: its runs, and the recording it is compared with.
type job struct {
	source   story.Source
	recorded *recording.Recording // nil when there is none

	mu      sync.Mutex
	runs    []recording.Recording
	errors  []error
	seconds float64
}

// perform plays or records the selected cases.
func perform(ctx context.Context, s settings) error {
	sources, cases, err := s.selected()
	if err != nil {
		return err
	}
	var exceptions []*recording.Exception
	if s.except != "" {
		if exceptions, err = recording.LoadExceptions(s.except); err != nil {
			return err
		}
	}
	jobs, err := s.jobs(sources)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cluster, err := stage.Connect(s.kubeconfig)
	if err != nil {
		return err
	}
	if err := s.install(ctx, cluster, cases); err != nil {
		return err
	}
	if s.controller != "" {
		controller, err := stage.StartController(s.controller, s.kubeconfig, s.log)
		if err != nil {
			return err
		}
		defer controller.Stop()
		fmt.Println("controller output:", controller.Log)
		go func() {
			<-controller.Done()
			cancel(errors.New("the controller has ended by itself, see its output"))
		}()
	}
	if err := cluster.Watch(ctx); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	if err := cluster.Answers(ctx, 2*time.Minute); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	results := &results{exceptions: exceptions}
	s.playAll(ctx, cluster, jobs, results)
	printLater(s.later)
	if err := results.finish(s.json); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if results.failed > 0 {
		return errFailed
	}
	return nil
}

func (s settings) jobs(sources []story.Source) ([]*job, error) {
	var jobs []*job
	for _, source := range sources {
		j := &job{source: source}
		recorded, err := recording.Load(s.file(source.Name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			j.recorded = &recorded
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

func (s settings) install(ctx context.Context, cluster *stage.Cluster, cases []story.Case) error {
	if s.crds != "" {
		if err := cluster.InstallFolder(ctx, s.crds); err != nil {
			return err
		}
	}
	installed := map[string]bool{}
	for _, c := range cases {
		for _, need := range c.Needs {
			if installed[need] {
				continue
			}
			if err := cluster.InstallSet(ctx, need); err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			installed[need] = true
		}
	}
	return nil
}

// playAll plays all jobs, several at a time, and judges each one after its last run.
func (s settings) playAll(ctx context.Context, cluster *stage.Cluster, jobs []*job, results *results) {
	var wait sync.WaitGroup
	slots := make(chan struct{}, max(s.parallel, 1))
	start := func(work func()) {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() == nil {
				work()
			}
		})
	}
	for _, j := range jobs {
		switch {
		case s.record:
			for range max(s.times, 1) {
				start(func() { s.recordOnce(ctx, cluster, j, results) })
			}
		case j.recorded == nil:
			results.skip(j.source.Name)
		default:
			start(func() { s.playUntilClean(ctx, cluster, j, results) })
		}
	}
	wait.Wait()
}

// recordOnce adds a run to a job; the last one writes the recording.
func (s settings) recordOnce(ctx context.Context, cluster *stage.Cluster, j *job, results *results) {
	start := time.Now()
	run, err := cluster.Play(ctx, j.source, s.stage)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seconds = max(j.seconds, time.Since(start).Seconds())
	if err != nil {
		j.errors = append(j.errors, err)
	} else {
		j.runs = append(j.runs, run)
	}
	if len(j.runs)+len(j.errors) == max(s.times, 1) && ctx.Err() == nil {
		s.keep(j, results)
	}
}

// playUntilClean plays a case, and again if it differs: what happens in between two
// writes of a controller depends on the moment, and a few runs do not show it all.
func (s settings) playUntilClean(ctx context.Context, cluster *stage.Cluster, j *job, results *results) {
	start := time.Now()
	var attempts []attempt
	for range s.again + 1 {
		run, err := cluster.Play(ctx, j.source, s.stage)
		if err != nil {
			j.errors = append(j.errors, err)
			break
		}
		one := results.compare(j, run)
		attempts = append(attempts, one)
		if one.open == 0 {
			break
		}
	}
	j.seconds = time.Since(start).Seconds()
	if ctx.Err() == nil {
		results.judge(j, attempts)
	}
}

// keep merges the runs of a case and writes them down.
func (s settings) keep(j *job, results *results) {
	if len(j.errors) > 0 {
		results.broken(j)
		return
	}
	merged := j.runs[0]
	if s.add && j.recorded != nil {
		if !samePictures(*j.recorded, merged) {
			j.errors = append(j.errors, errors.New("the recorded pictures are not those of the script: record without -add"))
			results.broken(j)
			return
		}
		merged = recording.Merge(*j.recorded, merged)
	}
	for _, run := range j.runs[1:] {
		merged = recording.Merge(merged, run)
	}
	if err := errors.Join(os.MkdirAll(s.recorded, 0o755), recording.Save(s.file(j.source.Name), merged)); err != nil {
		j.errors = append(j.errors, err)
		results.broken(j)
		return
	}
	results.kept(j, merged)
}

func samePictures(a, b recording.Recording) bool {
	return slices.EqualFunc(a.Pictures, b.Pictures, func(x, y recording.Picture) bool { return x.Name == y.Name })
}
