package witness

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// argo is an Argo CD: application controller, repo-server, API server and Redis as processes on this machine, with the
// settings of test/cluster/argocd/up.sh.
type argo struct {
	w          *Witness
	column     string // of the table
	namespace  string
	port       int // of the API server, and the next four
	data       string
	mutex      sync.Mutex
	token      string
	histories  map[string]*history[app]
	configured []byte // the plugin's configuration, as installed
}

const (
	server       = "argocd-server"
	repoServer   = "argocd-repo-server"
	appControl   = "argocd-application-controller"
	plugin       = "cmp-server"
	healFirst    = "1" // seconds; the stock 2, 3 and 300 make seven attempts in 10 minutes
	healFactor   = "2"
	healCap      = "2"
	healAttempts = 7
)

func (w *Witness) newArgo(column, namespace string, port int) (*argo, error) {
	a := &argo{w: w, column: column, namespace: namespace, port: port, data: filepath.Join(w.Work, namespace), histories: map[string]*history[app]{}}
	for _, folder := range []string{"tmp", "home", "tls", "ssh", "plugins"} {
		if err := os.MkdirAll(filepath.Join(a.data, folder), 0o700); err != nil {
			return nil, err
		}
	}
	if length := len(filepath.Join(a.data, "plugins", "sluice.sock")); length > 107 {
		return nil, fmt.Errorf("%s is too long: a socket path has at most 107 bytes", a.data)
	}
	return a, nil
}

func (a *argo) name(part string) string { return a.namespace + "-" + part }
func (a *argo) redis() string           { return filepath.Join(a.data, "tmp", "redis.sock") }
func (a *argo) address(offset int) string {
	return fmt.Sprintf("127.0.0.1:%d", a.port+offset)
}

// start starts one part, also again.
func (a *argo) start(ctx context.Context, part string) error {
	port := func(offset int) string { return fmt.Sprint(a.port + offset) }
	common := []string{"--logformat", "text", "--loglevel", "info", "--redis", a.redis()}
	repository := []string{"--repo-server", a.address(1), "--repo-server-plaintext", "--namespace", a.namespace}
	var command []string
	health := ""
	switch part {
	case "redis":
		command = []string{"redis-server", "--port", "0", "--unixsocket", a.redis(), "--save", "", "--appendonly", "no", "--dir", filepath.Join(a.data, "tmp")}
	case plugin:
		config := filepath.Join(a.data, "plugin.yaml")
		if err := os.WriteFile(config, a.configured, 0o600); err != nil {
			return err
		}
		command = []string{filepath.Join(a.w.Bin, plugin), "--config", config, "--socket-folder", filepath.Join(a.data, "plugins")}
	case repoServer:
		command = append([]string{filepath.Join(a.w.Argo, part), "--address", "127.0.0.1", "--port", port(1), "--metrics-address", "127.0.0.1", "--metrics-port", port(4),
			"--disable-tls", "--client-ca-path", "", "--revision-cache-expiration", "2s"}, common...)
		health = "http://" + a.address(4) + "/healthz?full=true"
	case appControl:
		command = append(append([]string{filepath.Join(a.w.Argo, part), "--metrics-port", port(3), "--self-heal-backoff-timeout-seconds", healFirst,
			"--self-heal-backoff-factor", healFactor, "--self-heal-backoff-cap-seconds", healCap}, common...), repository...)
		health = "http://" + a.address(3) + "/healthz"
	case server:
		command = append(append([]string{filepath.Join(a.w.Argo, part), "--insecure", "--address", "127.0.0.1", "--port", port(0), "--metrics-port", port(5)}, common...), repository...)
		health = "http://" + a.address(0) + "/healthz"
	}
	if _, err := a.w.startProcess(a.name(part), a.environment(), command...); err != nil {
		return err
	}
	switch {
	case part == "redis":
		return a.w.until(ctx, time.Minute, "Redis", exists(a.redis()))
	case part == plugin:
		return a.w.until(ctx, time.Minute, "the plugin's socket", exists(filepath.Join(a.data, "plugins", "sluice.sock")))
	}
	return a.w.until(ctx, time.Minute, a.name(part), func() (bool, string) {
		err := get(ctx, health)
		return err == nil, fmt.Sprint(err)
	})
}

// restart ends a part, with SIGTERM as a kubelet would, and starts it again.
func (a *argo) restart(ctx context.Context, part string) error {
	a.w.stopProcess(a.name(part))
	return a.start(ctx, part)
}

// environment is everything that Argo CD would look for in /app, /home/argocd, /tmp and the environment of its pods.
func (a *argo) environment() []string {
	in := func(parts ...string) string { return filepath.Join(append([]string{a.data}, parts...)...) }
	return []string{
		"PATH=" + a.w.Argo + ":" + os.Getenv("PATH"), "HOME=" + in("home"), "TMPDIR=" + in("tmp"), "KUBECONFIG=" + a.w.Kubeconfig,
		"ARGOCD_FAKE_IN_CLUSTER=true", "ARGOCD_TLS_DATA_PATH=" + in("tls"), "ARGOCD_SSH_DATA_PATH=" + in("ssh"), "ARGOCD_GPG_ENABLED=false",
		"ARGOCD_PLUGINSOCKFILEPATH=" + in("plugins"), "ARGOCD_ASK_PASS_SOCK=" + in("tmp", "ask-pass.sock"),
		"ARGOCD_RECONCILIATION_TIMEOUT=120s", "ARGOCD_RECONCILIATION_JITTER=0s",
		"ARGOCD_PAUSE_GEN_AFTER_FAILED_ATTEMPTS=0",
	}
}

func exists(file string) func() (bool, string) {
	return func() (bool, string) {
		_, err := os.Stat(file)
		return err == nil, fmt.Sprint(err)
	}
}

func get(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		return fmt.Errorf("%s: %s", response.Status, text)
	}
	return nil
}
