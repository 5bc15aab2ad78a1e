// Package git reads a repository: which commit a revision means now, and what that commit holds, as a file system in
// memory. It never writes to a repository or to a disk, and needs no git program.
//
// It leaves to others what to do with the files (package render) and when to look again (internal/agent).
package git

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"
)

// A Repository is where to read from. Only http and https are supported.
type Repository struct {
	// URL without credentials; credentials in it are taken out of it (see Open).
	URL string
	// Username and Password of basic authentication; a token is a password. Both empty: none.
	Username, Password string
}

// Open checks a URL and separates credentials from it, so that no error or log can show them.
func Open(address string) (Repository, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Repository{}, errors.New("repository URL cannot be parsed") // the reason would repeat it, password and all
	}
	r := Repository{}
	if u.User != nil {
		r.Username = u.User.Username()
		r.Password, _ = u.User.Password()
		u.User = nil
	}
	r.URL = u.String()
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return Repository{}, fmt.Errorf("repository %s: only http and https are supported", r.URL)
	case u.Host == "":
		return Repository{}, fmt.Errorf("repository %s: no host", r.URL)
	}
	return r, nil
}

var fullHash = regexp.MustCompile(`^[0-9a-f]{40}$`)

// Resolve says which commit a revision means now: a branch, a tag, a full reference name, HEAD (or empty), or the full
// hash of a commit, which is taken as it is.
func (r Repository) Resolve(ctx context.Context, revision string) (string, error) {
	if fullHash.MatchString(revision) {
		return revision, nil
	}
	advertised, err := r.list(ctx)
	if err != nil {
		return "", err
	}
	_, commit, err := find(advertised, revision)
	if err != nil {
		return "", fmt.Errorf("repository %s: %w", r.URL, err)
	}
	return commit.String(), nil
}

func (r Repository) list(ctx context.Context) ([]*plumbing.Reference, error) {
	remote := gogit.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: "origin", URLs: []string{r.URL}})
	advertised, err := remote.ListContext(ctx, &gogit.ListOptions{Auth: r.auth(), PeelingOption: gogit.AppendPeeled})
	if err != nil {
		return nil, r.failed("list", err)
	}
	return advertised, nil
}

// auth is a nil interface without credentials.
func (r Repository) auth() transport.AuthMethod {
	if r.Username == "" && r.Password == "" {
		return nil
	}
	user := r.Username
	if user == "" {
		user = "git" // hosts ignore it beside a token, but it may not be empty
	}
	return &githttp.BasicAuth{Username: user, Password: r.Password}
}

// find is the reference that a revision names, branches before tags, and the commit it leads to.
func find(advertised []*plumbing.Reference, revision string) (plumbing.ReferenceName, plumbing.Hash, error) {
	byName := map[plumbing.ReferenceName]*plumbing.Reference{}
	for _, ref := range advertised {
		byName[ref.Name()] = ref
	}
	if revision == "" {
		revision = "HEAD"
	}
	for _, name := range []string{revision, "refs/heads/" + revision, "refs/tags/" + revision} {
		ref, found := byName[plumbing.ReferenceName(name)]
		for found && ref.Type() == plumbing.SymbolicReference {
			ref, found = byName[ref.Target()]
		}
		if !found {
			continue
		}
		if peeled, annotated := byName[ref.Name()+"^{}"]; annotated {
			return ref.Name(), peeled.Hash(), nil
		}
		return ref.Name(), ref.Hash(), nil
	}
	return "", plumbing.ZeroHash, fmt.Errorf("revision %q is no branch, tag or full commit hash there", revision)
}

// failed words an error without anything secret.
func (r Repository) failed(verb string, err error) error {
	switch {
	case errors.Is(err, transport.ErrRepositoryNotFound):
		err = errors.New("repository not found")
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		err = errors.New("the server asks for other credentials")
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		err = errors.New("the repository has no commits")
	case errors.Is(err, context.DeadlineExceeded):
		err = errors.New("no answer in time")
	default:
		text := err.Error()
		if r.Password != "" {
			text = strings.NewReplacer(r.Password, "…", url.QueryEscape(r.Password), "…").Replace(text)
		}
		err = errors.New(text)
	}
	return fmt.Errorf("%s %s: %w", verb, r.URL, err)
}
