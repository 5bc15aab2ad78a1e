package story

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Where the parts listen on Options.Address. The manifests in testdata/demo name the same.
const (
	proxyPort      = ":8000"
	proxyStatus    = ":8081"
	prometheusPort = ":9090"
	gitPort        = ":3000"
	slackPort      = ":3001"
	slackToken     = "xoxb-of-the-demo-alone"
)

// Options say where things are.
type Options struct {
	Root       string // of the repository: manifests/ and testdata/demo
	Kubeconfig string // of an administrator
	Bin        string // our commands
	Traefik    string // the program
	Prometheus string // the program
	Work       string // a folder for state and logs
	// Address that the parts beside the cluster listen on; pods have to reach it. Empty: 127.0.0.1, which pods do not.
	Address string
	// Pods: controller and agent run in the cluster, from images, as installed. Otherwise as processes beside it.
	Pods bool
	// Interval of the agent between two looks at Git.
	Interval time.Duration
}

// Surroundings are the options that test/demo/world.sh sets in the environment, for a program in the repository's folder.
func Surroundings() Options {
	return Options{
		Root: ".", Kubeconfig: os.Getenv("KUBECONFIG"), Bin: os.Getenv("STORY_BIN"), Traefik: os.Getenv("STORY_TRAEFIK"),
		Prometheus: os.Getenv("STORY_PROMETHEUS"), Address: os.Getenv("STORY_ADDRESS"), Pods: os.Getenv("STORY_PODS") != "",
	}
}

// Story is a run of the story: the parts and what was observed.
type Story struct {
	Options
	Cluster   *Cluster
	Processes *Processes
	Screen    *Screen
	Load      *Load
	Git       *Repository
	Slack     *Slack
	Recorder  *Recorder
	Results   []Result

	Figures Figures

	ctx        context.Context // of everything that runs beside the points
	stop       context.CancelFunc
	current    *Result
	accounts   map[string]string // kubeconfigs that hold a token alone
	controller *Process
	good, bad  revision
	rolledBack time.Time
}

// Figures are measurements that the issue asks for.
type Figures struct {
	ToRouting time.Duration // from the deciding measurement to weight 0 in the routing object
	ToProxy   time.Duration // from the deciding measurement to the last answer of the canary at the proxy
	Shares    []string      // weight wanted, share measured
}

// Result is a point that was told.
type Result struct {
	Number   int
	Title    string
	Observed []string
	Took     time.Duration
	Err      error
}

// revision is one that Git wanted.
type revision struct {
	tag, commit, hash string
}

// Point is one of the story.
type Point struct {
	Number int
	Title  string
	tell   func(*Story, context.Context) error
}

// Points are those of the story, in their order. The header (5) is observed inside the good merge (4).
func Points() []Point {
	return []Point{
		{1, "Kubernetes, a proxy, Prometheus", (*Story).start},
		{2, "Sluice is installed", (*Story).install},
		{3, "Git is in the cluster, requests flow", (*Story).deploy},
		{4, "A good merge becomes a canary", (*Story).goodMerge},
		{6, "A bad merge comes back by itself", (*Story).badMerge},
		{7, "A notification tells of it, once", (*Story).notification},
		{8, "The revert is no rollout", (*Story).revert},
		{9, "Blue-green: switched, and switched back", (*Story).blueGreen},
	}
}

// New connects to the cluster. Close ends what the points start.
func New(ctx context.Context, o Options, screen *Screen) (*Story, error) {
	if o.Kubeconfig == "" || o.Bin == "" || o.Traefik == "" || o.Prometheus == "" {
		return nil, errors.New("KUBECONFIG, STORY_BIN, STORY_TRAEFIK and STORY_PROMETHEUS have to be set, as test/demo/world.sh does")
	}
	if o.Address == "" {
		o.Address = local
	}
	if o.Interval == 0 {
		o.Interval = 2 * time.Second
	}
	if err := os.MkdirAll(filepath.Join(o.Work, "log"), 0o700); err != nil {
		return nil, err
	}
	cluster, err := Connect(o.Kubeconfig, o.Bin)
	if err != nil {
		return nil, err
	}
	s := &Story{
		Options: o, Cluster: cluster, Screen: screen, Processes: NewProcesses(filepath.Join(o.Work, "log")), Load: NewLoad(o.Address + proxyPort),
		Recorder: &Recorder{cluster: cluster}, accounts: map[string]string{},
	}
	s.ctx, s.stop = context.WithCancel(ctx)
	return s, nil
}

// Close ends everything that was started.
func (s *Story) Close() {
	if s.Pods && s.ctx.Err() == nil {
		s.keepLogs()
	}
	s.stop()
	s.Load.Wait()
	s.Processes.Stop()
	if s.Git != nil {
		s.Git.Close()
	}
	if s.Slack != nil {
		s.Slack.Close()
	}
	for _, file := range s.accounts {
		_ = os.Remove(file) // it holds a token
	}
}

// keepLogs writes down what the pods of Sluice have said, which ends with them.
func (s *Story) keepLogs() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for namespace, name := range map[string]string{"argo-rollouts": "argo-rollouts", "sluice-agent": "gitops-agent"} {
		text, err := s.Cluster.Kubectl(ctx, "logs", "-n", namespace, "deployment/"+name, "--tail=-1")
		if err != nil {
			text += err.Error()
		}
		_ = os.WriteFile(filepath.Join(s.Work, "log", name+".log"), []byte(text), 0o600) // nothing rests on it
	}
}

// Tell tells one point.
func (s *Story) Tell(ctx context.Context, p Point) error {
	return s.tell(p.Number, p.Title, func() error { return p.tell(s, ctx) })
}

func (s *Story) tell(number int, title string, what func() error) error {
	outer := s.current
	r := &Result{Number: number, Title: title}
	s.current = r
	begin := time.Now()
	s.Screen.Print("\n%2d  %s", number, title)
	r.Err = what()
	r.Took = time.Since(begin)
	if r.Err == nil {
		r.Err = s.alive()
	}
	s.current = outer
	s.Results = append(s.Results, *r)
	if r.Err != nil {
		s.Screen.Print("    ✘ %v", r.Err)
		return fmt.Errorf("point %d: %w", number, r.Err)
	}
	s.Screen.Print("    %s", seconds(r.Took))
	return nil
}

// observe writes down what was observed.
func (s *Story) observe(format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	if s.current != nil {
		s.current.Observed = append(s.current.Observed, text)
	}
	s.Screen.Print("    ✔ %s", text)
}

// note shows what is being done, which proves nothing.
func (s *Story) note(format string, values ...any) { s.Screen.Print("      "+format, values...) }

// alive is an error when a part that was started has ended by itself.
func (s *Story) alive() error {
	s.Processes.mutex.Lock()
	defer s.Processes.mutex.Unlock()
	var all []error
	for _, p := range s.Processes.all {
		all = append(all, p.Alive())
	}
	return errors.Join(all...)
}

// until waits for something to be observed; it fails early when a part has died.
func (s *Story) until(ctx context.Context, limit time.Duration, what string, ask func() (bool, string)) error {
	dead := error(nil)
	err := until(ctx, limit, what, func() (bool, string) {
		if dead = s.alive(); dead != nil {
			return true, ""
		}
		return ask()
	})
	if dead != nil {
		return dead
	}
	return err
}

const local = "127.0.0.1"

// read reads a file of testdata/demo, with the address that the parts have here.
func (s *Story) read(parts ...string) (string, error) {
	text, err := os.ReadFile(s.file(append([]string{"testdata", "demo"}, parts...)...))
	return s.adapt(string(text)), err
}

// adapt changes a manifest for where the story runs.
func (s *Story) adapt(text string) string {
	text = strings.ReplaceAll(text, local, s.Address)
	if s.Pods {
		text = strings.ReplaceAll(text, "cpu: 200m", "cpu: 20m") // ten such pods and ours are more than two cores
	}
	return text
}

func (s *Story) file(parts ...string) string {
	return filepath.Join(append([]string{s.Root}, parts...)...)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// rollout reads a Rollout; one that is not there is an empty one.
func (s *Story) rollout(ctx context.Context, namespace string) *v1alpha1.Rollout {
	r := &v1alpha1.Rollout{}
	r.Namespace, r.Name = namespace, "payments-api"
	key := clientKey(r)
	if s.Cluster.Get(ctx, key, r) != nil {
		return &v1alpha1.Rollout{}
	}
	return r
}

func describe(r *v1alpha1.Rollout) string {
	text := "Rollout " + string(r.Status.Phase)
	if r.Status.Phase == "" {
		return "no Rollout yet"
	}
	if r.Status.CurrentStepIndex != nil && r.Spec.Strategy.Canary != nil {
		text += fmt.Sprintf(", step %d of %d", *r.Status.CurrentStepIndex, len(r.Spec.Strategy.Canary.Steps))
	}
	if r.Status.Message != "" {
		text += " (" + strings.TrimSpace(r.Status.Message) + ")"
	}
	return text
}
