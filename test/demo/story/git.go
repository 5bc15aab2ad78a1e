package story

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// Repository is a Git repository, served over HTTP by git itself, and a clone to work in.
type Repository struct {
	URL    string
	clone  string
	server *http.Server
	asked  atomic.Int64
	log    *os.File
}

// Serve makes an empty repository NAME below a folder, and serves it on an address of this machine.
func Serve(ctx context.Context, folder, address, name string) (*Repository, error) {
	served := filepath.Join(folder, "git")
	r := &Repository{clone: filepath.Join(folder, "clone")}
	programs, err := exec.CommandContext(ctx, "git", "--exec-path").Output()
	if err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	bare := filepath.Join(served, name)
	for _, arguments := range [][]string{
		{"init", "--quiet", "--bare", "--initial-branch=main", bare},
		{"-C", bare, "config", "http.receivepack", "true"},
	} {
		if err := git(ctx, arguments...); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Join(folder, "log"), 0o700); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(folder, "log", "git.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(programs)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + served, "GIT_HTTP_EXPORT_ALL=1"}, Stderr: log,
	}
	r.log = log
	r.URL = "http://" + listener.Addr().String() + "/" + name
	r.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Query().Get("service") == "git-upload-pack" {
			r.asked.Add(1)
		}
		backend.ServeHTTP(w, q)
	})}
	go func() { _ = r.server.Serve(listener) }() // ends when it is closed
	if err := git(ctx, "clone", "--quiet", r.URL, r.clone); err != nil {
		return nil, err
	}
	return r, r.git(ctx, "checkout", "--quiet", "-B", "main")
}

// Commit changes files of the clone, commits and pushes, and returns the commit's hash.
func (r *Repository) Commit(ctx context.Context, message string, change func(clone string) error) (string, error) {
	if err := change(r.clone); err != nil {
		return "", err
	}
	for _, arguments := range [][]string{{"add", "--all"}, {"commit", "--quiet", "--message", message}} {
		if err := r.git(ctx, arguments...); err != nil {
			return "", err
		}
	}
	return r.push(ctx)
}

// Revert is git revert of the last commit.
func (r *Repository) Revert(ctx context.Context) (string, error) {
	if err := r.git(ctx, "revert", "--no-edit", "HEAD"); err != nil {
		return "", err
	}
	return r.push(ctx)
}

func (r *Repository) push(ctx context.Context) (string, error) {
	if err := r.git(ctx, "push", "--quiet", "origin", "main"); err != nil {
		return "", err
	}
	hash, err := exec.CommandContext(ctx, "git", "-C", r.clone, "rev-parse", "HEAD").Output()
	return strings.TrimSpace(string(hash)), err
}

// Asked is how many times somebody has asked what is in the repository.
func (r *Repository) Asked() int { return int(r.asked.Load()) }

// Close ends the server.
func (r *Repository) Close() {
	_ = r.server.Close()
	_ = r.log.Close()
}

func (r *Repository) git(ctx context.Context, arguments ...string) error {
	return git(ctx, append([]string{"-C", r.clone}, arguments...)...)
}

func git(ctx context.Context, arguments ...string) error {
	command := exec.CommandContext(ctx, "git", arguments...)
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}
