// Package witness brings up a real Argo CD beside the cluster of test/cluster, with Sluice's plugin, health scripts and
// actions installed as people install them, and lets it say what it sees of rollouts and rollbacks. A second, stock one
// beside it says what it sees of the same story.
//
// Nothing of Argo CD is linked: its programs run as processes, and its own API is asked over HTTP. How a point is told, as
// a test or as a demo, is left to the callers.
package witness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sluice-delivery/sluice/test/demo/story"
)

// Options say where things are.
type Options struct {
	Root       string // of the repository
	Kubeconfig string // of an administrator
	Bin        string // our commands
	Next       string // the controller with another version string
	Argo       string // what test/cluster/build.sh argocd has built
	Work       string // a folder for state and logs; short, since there are sockets in it
	// Print shows a line to whoever watches.
	Print func(line string)
}

// Witness is a run: two Argo CDs, a controller, and what was observed.
type Witness struct {
	Options
	cluster   *story.Cluster
	processes *story.Processes
	verdicts  *verdicts

	ours, stock *argo
	account     string // kubeconfig of the controller, which holds a token
	begin       time.Time

	mutex    sync.Mutex
	alive    map[string]*story.Process
	subjects []*subject
	Cells    map[int]map[string]string // of the table: point, then column
	Figures  []string
	shown    []string // what Argo CD says in each state, for the documentation

	main, same *subject // the canary with Sluice, and stock
}

// Point is one of the issue's.
type Point struct {
	Number int
	Title  string
	Tell   func(*Witness, context.Context) error
}

// Points are all, in the order in which they are told: 7 needs the state that 2 makes and 5 ends.
func Points() []Point {
	return []Point{
		{0, "From nothing to Synced", (*Witness).bringUp},
		{1, "A merge starts the canary: Synced, in three ways to compare", (*Witness).merge},
		{2, "A failed analysis: OutOfSync and Degraded", (*Witness).rollback},
		{3, "selfHeal stays on: the rejected revision never runs again", (*Witness).attempts},
		{4, "Restarts and an upgrade: still so", (*Witness).restarts},
		{7, "Sync by hand, a commit elsewhere, a parameter: no restart", (*Witness).nudges},
		{5, "git revert, and a new image after a rollback", (*Witness).revert},
		{6, "Actions do what the command line does", (*Witness).actions},
		{8, "Blue-green", (*Witness).blueGreen},
		{9, "surfaceRollback: false", (*Witness).silent},
		{11, "What is wrong in Git is said where people look", (*Witness).mistakes},
	}
}

// New connects to the cluster. Close ends what the points start.
func New(o Options) (*Witness, error) {
	if err := os.MkdirAll(filepath.Join(o.Work, "log"), 0o700); err != nil {
		return nil, err
	}
	cluster, err := story.Connect(o.Kubeconfig, o.Bin)
	if err != nil {
		return nil, err
	}
	w := &Witness{
		Options: o, cluster: cluster, processes: story.NewProcesses(filepath.Join(o.Work, "log")), begin: time.Now(),
		alive: map[string]*story.Process{}, Cells: map[int]map[string]string{},
	}
	w.verdicts, err = serveVerdicts()
	return w, err
}

// Close ends everything that was started.
func (w *Witness) Close() {
	for _, s := range w.subjects {
		s.repository.Close()
	}
	w.processes.Stop()
	w.verdicts.Close()
	_ = os.Remove(w.account) // it holds a token
}

func (w *Witness) observe(format string, values ...any) {
	w.Print("    ✔ " + fmt.Sprintf(format, values...))
}

func (w *Witness) note(format string, values ...any) {
	w.Print("      " + fmt.Sprintf(format, values...))
}

// figure is a measurement that the issue asks for.
func (w *Witness) figure(format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	w.mutex.Lock()
	w.Figures = append(w.Figures, text)
	w.mutex.Unlock()
	w.observe("%s", text)
}

// cell fills in the table from what was observed.
func (w *Witness) cell(point int, column, format string, values ...any) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.Cells[point] == nil {
		w.Cells[point] = map[string]string{}
	}
	if was := w.Cells[point][column]; was != "" {
		format = was + "; " + format
	}
	w.Cells[point][column] = fmt.Sprintf(format, values...)
}

func (w *Witness) startProcess(name string, env []string, command ...string) (*story.Process, error) {
	p, err := w.processes.Start(name, env, command...)
	if err == nil {
		w.mutex.Lock()
		w.alive[name] = p
		w.mutex.Unlock()
	}
	return p, err
}

func (w *Witness) stopProcess(name string) {
	w.mutex.Lock()
	p := w.alive[name]
	delete(w.alive, name)
	w.mutex.Unlock()
	if p != nil {
		p.Stop()
	}
}

// Alive is an error when a process has ended by itself.
func (w *Witness) Alive() error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	var all []error
	for _, p := range w.alive {
		all = append(all, p.Alive())
	}
	return errors.Join(all...)
}

// until asks again and again; it fails early when a process has died.
func (w *Witness) until(ctx context.Context, limit time.Duration, what string, ask func() (bool, string)) error {
	end := time.Now().Add(limit)
	for {
		done, seen := ask()
		if done {
			return nil
		}
		if err := w.Alive(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: not observed within %s; seen last: %s", what, limit, seen)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w; seen last: %s", what, context.Cause(ctx), seen)
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// together runs several at once and waits for all.
func together(all ...func() error) error {
	errs := make([]error, len(all))
	var group sync.WaitGroup
	for i, one := range all {
		group.Go(func() { errs[i] = one() })
	}
	group.Wait()
	return errors.Join(errs...)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
