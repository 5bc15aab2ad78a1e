package git

import (
	"context"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A forge is a real git server on loopback, by way of git's own http-backend, and a working copy to push from.
type forge struct {
	t        *testing.T
	url      string
	bare     string
	work     string
	password string // asked for when it is set
}

func serve(t *testing.T) *forge {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("these tests need the git program: ", err)
	}
	f := &forge{t: t, work: t.TempDir()}
	folder := t.TempDir()
	f.bare = filepath.Join(folder, "shop.git")
	f.git("", "init", "-q", "--bare", "--initial-branch=main", f.bare)
	f.git("", "init", "-q", "--initial-branch=main", f.work)
	libexec := strings.TrimSpace(f.git("", "--exec-path"))
	backend := &cgi.Handler{Path: filepath.Join(libexec, "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + folder, "GIT_HTTP_EXPORT_ALL=1"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if _, given, _ := q.BasicAuth(); given != f.password {
			w.Header().Set("WWW-Authenticate", `Basic realm="forge"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, q)
	}))
	t.Cleanup(server.Close)
	f.url = server.URL + "/shop.git"
	return f
}

func (f *forge) git(folder string, arguments ...string) string {
	f.t.Helper()
	command := exec.Command("git", arguments...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=a@example", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=a@example")
	out, err := command.CombinedOutput()
	if err != nil {
		f.t.Fatalf("git %v: %v\n%s", arguments, err, out)
	}
	return string(out)
}

// commit writes a file, commits and pushes it, and returns the hash.
func (f *forge) commit(name, content string) string {
	f.t.Helper()
	file := filepath.Join(f.work, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		f.t.Fatal(err)
	}
	return f.push("Change " + name)
}

func (f *forge) push(message string) string {
	f.t.Helper()
	f.git(f.work, "add", "-A")
	f.git(f.work, "commit", "-q", "-m", message)
	f.git(f.work, "push", "-q", f.bare, "HEAD")
	return strings.TrimSpace(f.git(f.work, "rev-parse", "HEAD"))
}

func (f *forge) open() Repository {
	f.t.Helper()
	r, err := Open(f.url)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestResolveAndFetch(t *testing.T) {
	f := serve(t)
	first := f.commit("apps/web/a.yaml", "one")
	f.git(f.work, "tag", "-a", "v1", "-m", "first")
	f.git(f.work, "push", "-q", f.bare, "v1")
	second := f.commit("apps/web/a.yaml", "two")
	f.git(f.work, "checkout", "-q", "-b", "feature/x")
	third := f.commit("apps/web/a.yaml", "three")
	for revision, want := range map[string]struct{ commit, content string }{
		"":                   {second, "two"},
		"HEAD":               {second, "two"},
		"main":               {second, "two"},
		"refs/heads/main":    {second, "two"},
		"v1":                 {first, "one"},
		"refs/tags/v1":       {first, "one"},
		"feature/x":          {third, "three"},
		first:                {first, "one"},
		second:               {second, "two"},
		strings.Clone(third): {third, "three"},
	} {
		t.Run("revision "+revision, func(t *testing.T) {
			commit, err := f.open().Resolve(soon(t), revision)
			if err != nil || commit != want.commit {
				t.Errorf("resolves to %s, %v; want %s", commit, err, want.commit)
			}
			checkout, err := f.open().Fetch(soon(t), revision)
			if err != nil {
				t.Fatal(err)
			}
			content, err := checkout.Files.ReadFile("/apps/web/a.yaml")
			if err != nil || string(content) != want.content || checkout.Commit != want.commit || checkout.Author != "Ada" || checkout.Subject != "Change apps/web/a.yaml" {
				t.Errorf("got %+v with %q, %v; want %+v", checkout, content, err, want)
			}
		})
	}
}

func TestWhatIsNotThere(t *testing.T) {
	f := serve(t)
	f.commit("a.yaml", "a")
	gone := f.open()
	gone.URL = strings.Replace(gone.URL, "shop.git", "gone.git", 1)
	nobody := Repository{URL: "http://127.0.0.1:1/x.git"}
	empty := f.open()
	f.git("", "init", "-q", "--bare", filepath.Join(filepath.Dir(f.bare), "empty.git"))
	empty.URL = strings.Replace(empty.URL, "shop.git", "empty.git", 1)
	cases := map[string]struct {
		repository     Repository
		revision, want string
	}{
		"a repository that is gone":  {gone, "main", "list " + gone.URL + ": repository not found"},
		"a server that is gone":      {nobody, "main", "connection refused"},
		"a branch that is gone":      {f.open(), "old", "repository " + f.url + `: revision "old" is no branch, tag or full commit hash there`},
		"a commit that is not there": {f.open(), strings.Repeat("a", 40), `the repository has no such commit (any more)`},
		"a repository without any":   {empty, "main", "list " + empty.URL + ": the repository has no commits"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := c.repository.Fetch(soon(t), c.revision); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	f := serve(t)
	f.commit("a.yaml", "a")
	f.password = "s3cr3t/&"
	without := f.open()
	wrong, right := without, without
	wrong.Password, right.Password = "wr0ng-s3cr3t", f.password
	if _, err := right.Fetch(soon(t), "main"); err != nil {
		t.Errorf("with the right password: %v", err)
	}
	for name, r := range map[string]Repository{"no": without, "a wrong": wrong} {
		_, err := r.Fetch(soon(t), "main")
		if err == nil || !strings.Contains(err.Error(), "the server asks for other credentials") || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("with %s password: %v", name, err)
		}
	}
	inURL, err := Open(strings.Replace(f.url, "http://", "http://user:s3cr3t%2F&@", 1))
	if err != nil || inURL.URL != f.url || inURL.Password != f.password {
		t.Errorf("a password in the URL: %+v, %v", inURL, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for address, want := range map[string]string{
		"git@github.com:a/b.git":        "repository URL cannot be parsed",
		"ssh://git:pw@host/a":           "repository ssh://host/a: only http and https are supported",
		"file:///srv/a.git":             "repository file:///srv/a.git: only http and https are supported",
		"https:///a":                    "repository https:///a: no host",
		"http://u:s3cr3t@host:port/%zz": "repository URL cannot be parsed",
	} {
		if _, err := Open(address); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
	}
}

func TestLinks(t *testing.T) {
	f := serve(t)
	f.commit("real/a.yaml", "a")
	if err := os.Symlink("real", filepath.Join(f.work, "link")); err != nil {
		t.Fatal(err)
	}
	f.push("Link inside")
	checkout, err := f.open().Fetch(soon(t), "main")
	if err != nil {
		t.Fatal(err)
	}
	if content, err := checkout.Files.ReadFile("/link/a.yaml"); err != nil || string(content) != "a" {
		t.Errorf("through a link: %q, %v", content, err)
	}
	if err := os.Symlink("../../etc/passwd", filepath.Join(f.work, "real", "out")); err != nil {
		t.Fatal(err)
	}
	f.push("Link outside")
	if _, err := f.open().Fetch(soon(t), "main"); err == nil || !strings.Contains(err.Error(), "link real/out leads out of the source tree") {
		t.Errorf("a link out of the tree: %v", err)
	}
}

func TestFetchEndsWithItsContext(t *testing.T) {
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }))
	t.Cleanup(silent.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := (Repository{URL: silent.URL + "/a.git"}).Fetch(ctx, "main"); err == nil || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("got %v", err)
	}
}
