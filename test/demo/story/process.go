package story

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Processes starts programs and sees to it that they end with this one, whatever ends it.
type Processes struct {
	logs    string
	starter chan func()
	mutex   sync.Mutex
	all     []*Process
}

// Process is a program that runs beside the cluster.
type Process struct {
	Name    string
	command *exec.Cmd
	done    chan struct{}
	log     string
}

// NewProcesses keeps what programs say in a folder.
func NewProcesses(logs string) *Processes {
	p := &Processes{logs: logs, starter: make(chan func())}
	go func() {
		runtime.LockOSThread() // a child is told of its parent's end when the thread that started it ends: this one stays
		for start := range p.starter {
			start()
		}
	}()
	return p
}

// Start runs a program in a process group of its own. Its log is the folder's NAME.log, which goes on after a restart.
func (p *Processes) Start(name string, env []string, command ...string) (*Process, error) {
	file := filepath.Join(p.logs, name+".log")
	log, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	c := exec.Command(command[0], command[1:]...)
	c.Env, c.Stdout, c.Stderr = append(os.Environ(), env...), log, log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	p.starter <- func() { started <- c.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	one := &Process{Name: name, command: c, done: make(chan struct{}), log: file}
	go func() {
		_ = c.Wait() // how it ended is in its log
		close(one.done)
	}()
	p.mutex.Lock()
	p.all = append(p.all, one)
	p.mutex.Unlock()
	return one, nil
}

// Alive is an error when the program has ended by itself, with the last lines of its log.
func (p *Process) Alive() error {
	select {
	case <-p.done:
		text, _ := os.ReadFile(p.log)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		return fmt.Errorf("%s has ended: %s", p.Name, strings.Join(lines[max(0, len(lines)-5):], "\n"))
	default:
		return nil
	}
}

// Stop asks the program to end and waits; what does not end in time is killed, with all it has started.
func (p *Process) Stop() {
	pid := p.command.Process.Pid
	_ = syscall.Kill(-pid, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		<-p.done
	}
}

// Stop ends everything, at once.
func (p *Processes) Stop() {
	p.mutex.Lock()
	all := p.all
	p.all = nil
	p.mutex.Unlock()
	var ended sync.WaitGroup
	for _, one := range all {
		ended.Go(one.Stop)
	}
	ended.Wait()
}

// Forget is for a program that is about to be ended on purpose: its end is no failure.
func (p *Processes) Forget(one *Process) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for i := range p.all {
		if p.all[i] == one {
			p.all = append(p.all[:i], p.all[i+1:]...)
			return
		}
	}
}
