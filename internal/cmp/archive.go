package cmp

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/sluice-delivery/sluice/render"
)

// receiver is the stream of one call.
type receiver interface{ RecvMsg(any) error }

// begin reads the first message, which has to be metadata.
func begin(stream receiver) (*metadata, error) {
	first := &appStreamRequest{}
	if err := stream.RecvMsg(first); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if first.Metadata == nil {
		return nil, errors.New("the first message has no metadata")
	}
	return first.Metadata, nil
}

// chunks is the archive as a reader. It counts and hashes what passes.
type chunks struct {
	stream receiver
	left   []byte
	read   int64
	limit  int64
	sum    hash.Hash
	err    error
}

func newChunks(stream receiver, limit int64) *chunks {
	return &chunks{stream: stream, limit: limit, sum: sha256.New()}
}

func (c *chunks) Read(into []byte) (int, error) {
	for len(c.left) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.next()
	}
	n := copy(into, c.left)
	c.left = c.left[n:]
	return n, nil
}

func (c *chunks) next() {
	m := &appStreamRequest{}
	if err := c.stream.RecvMsg(m); err != nil {
		c.err = err // io.EOF at the end of the archive
		return
	}
	if !m.IsFile {
		c.err = errors.New("a later message has no part of the archive")
		return
	}
	c.read += int64(len(m.File))
	if c.read > c.limit {
		c.err = fmt.Errorf("the archive is larger than %d MiB", c.limit>>20)
		return
	}
	c.sum.Write(m.File)
	c.left = m.File
}

// drain reads to the end: an answer before that makes the client's next message fail, and the client shows that
// failure instead of the answer.
func (c *chunks) drain() {
	for c.err == nil {
		c.left = nil
		c.next()
	}
	for { // over the limit or broken: nothing is kept any more
		if err := c.stream.RecvMsg(&appStreamRequest{}); err != nil {
			return
		}
	}
}

// unpack reads an archive into memory. Nothing touches a disk.
func unpack(c *chunks, checksum string, limits render.Limits) (filesys.FileSystem, error) {
	tree := render.NewTree(limits)
	if err := entries(c, tree); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, c); err != nil { // what follows the archive belongs to the checksum
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	if got := hex.EncodeToString(c.sum.Sum(nil)); checksum != "" && got != checksum {
		return nil, errors.New("the checksum of the archive is not what was announced")
	}
	return tree.FileSystem()
}

func entries(c *chunks, tree *render.Tree) error {
	zipped, err := gzip.NewReader(c)
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	archive := tar.NewReader(zipped)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		if err := entry(archive, header, tree); err != nil {
			return err
		}
	}
}

func entry(archive io.Reader, header *tar.Header, tree *render.Tree) error {
	if clean := path.Clean(header.Name); clean == ".git" || strings.HasPrefix(clean, ".git/") {
		return nil // Argo CD sends it by default; no manifest is in it
	}
	switch header.Typeflag {
	case tar.TypeSymlink:
		return tree.Link(header.Name, header.Linkname)
	case tar.TypeReg:
		// Read one byte more than there is room for: then the tree says that it is too much.
		content, err := io.ReadAll(io.LimitReader(archive, tree.Left()+1))
		if err != nil {
			return fmt.Errorf("read %s: %w", header.Name, err)
		}
		return tree.Add(header.Name, content)
	}
	return nil
}
