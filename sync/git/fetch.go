package git

import (
	"context"
	"errors"
	"fmt"
	"io"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/sluice-delivery/sluice/render"
)

// A Checkout is what one commit holds.
type Checkout struct {
	Commit, Author, Subject string
	Files                   filesys.FileSystem
}

// local is the name a fetched commit gets in memory.
const local = "refs/heads/wanted"

// Fetch reads the commit that a revision means now, without history where the server allows it.
func (r Repository) Fetch(ctx context.Context, revision string) (Checkout, error) {
	storage := memory.NewStorage()
	remote := gogit.NewRemote(storage, &config.RemoteConfig{Name: "origin", URLs: []string{r.URL}})
	wanted, err := r.fetch(ctx, remote, revision)
	if err != nil {
		return Checkout{}, err
	}
	commit, err := commitOf(storage, wanted)
	if err != nil {
		return Checkout{}, fmt.Errorf("repository %s: revision %q: %w", r.URL, revision, err)
	}
	files, err := files(commit)
	if err != nil {
		return Checkout{}, fmt.Errorf("repository %s: commit %s: %w", r.URL, commit.Hash, err)
	}
	return Checkout{Commit: commit.Hash.String(), Author: commit.Author.Name, Subject: subject(commit.Message), Files: files}, nil
}

func (r Repository) fetch(ctx context.Context, remote *gogit.Remote, revision string) (plumbing.Hash, error) {
	if fullHash.MatchString(revision) {
		return r.fetchHash(ctx, remote, revision)
	}
	advertised, err := r.list(ctx)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	name, commit, err := find(advertised, revision)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("repository %s: %w", r.URL, err)
	}
	// The branch may have moved since the list was made. What the list said may then not be there: look again.
	if err := r.get(ctx, remote, 1, string(name)); err != nil {
		return plumbing.ZeroHash, err
	}
	return commit, nil
}

// fetchHash asks for one commit. A server that gives only what it advertises is asked for everything.
func (r Repository) fetchHash(ctx context.Context, remote *gogit.Remote, hash string) (plumbing.Hash, error) {
	err := r.get(ctx, remote, 1, hash)
	if err != nil && ctx.Err() == nil {
		err = r.getAll(ctx, remote)
	}
	return plumbing.NewHash(hash), err
}

func (r Repository) get(ctx context.Context, remote *gogit.Remote, depth int, source string) error {
	err := remote.FetchContext(ctx, &gogit.FetchOptions{
		RefSpecs: []config.RefSpec{config.RefSpec("+" + source + ":" + local)}, Depth: depth, Auth: r.auth(), Tags: gogit.NoTags,
	})
	if err != nil && !errors.Is(err, gogit.NoErrAlreadyUpToDate) {
		return r.failed("fetch", err)
	}
	return nil
}

func (r Repository) getAll(ctx context.Context, remote *gogit.Remote) error {
	err := remote.FetchContext(ctx, &gogit.FetchOptions{
		RefSpecs: []config.RefSpec{"+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"}, Auth: r.auth(), Tags: gogit.NoTags,
	})
	if err != nil && !errors.Is(err, gogit.NoErrAlreadyUpToDate) {
		return r.failed("fetch", err)
	}
	return nil
}

// commitOf follows a tag to its commit.
func commitOf(storage *memory.Storage, hash plumbing.Hash) (*object.Commit, error) {
	commit, err := object.GetCommit(storage, hash)
	if err == nil {
		return commit, nil
	}
	if tag, err := object.GetTag(storage, hash); err == nil {
		return tag.Commit()
	}
	return nil, errors.New("the repository has no such commit (any more)")
}

// files reads the tree of a commit into memory, within render's limits.
func files(commit *object.Commit) (filesys.FileSystem, error) {
	root, err := commit.Tree()
	if err != nil {
		return nil, fmt.Errorf("read its tree: %w", err)
	}
	tree := render.NewTree(render.DefaultLimits)
	walker := object.NewTreeWalker(root, true, nil)
	defer walker.Close()
	for {
		name, entry, err := walker.Next()
		if errors.Is(err, io.EOF) {
			return tree.FileSystem()
		}
		if err != nil {
			return nil, fmt.Errorf("read its tree: %w", err)
		}
		if err := add(tree, root, name, entry.Mode); err != nil {
			return nil, err
		}
	}
}

func add(tree *render.Tree, root *object.Tree, name string, mode filemode.FileMode) error {
	if mode == filemode.Dir || mode == filemode.Submodule {
		return nil // a submodule is another repository: it stays empty, and what needs it says that it does not exist
	}
	file, err := root.File(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if file.Size > tree.Left() {
		return fmt.Errorf("%s does not fit: the source tree is too large", name)
	}
	content, err := file.Contents()
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if mode == filemode.Symlink {
		return tree.Link(name, content)
	}
	return tree.Add(name, []byte(content))
}

func subject(message string) string {
	for i, c := range message {
		if c == '\n' {
			return message[:i]
		}
	}
	return message
}
