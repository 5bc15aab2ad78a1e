package cmp

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
		return nil, refuse("stream", "read the request: %w", err)
	}
	if first.Metadata == nil {
		return nil, refuse("stream", "the first message has no metadata")
	}
	return first.Metadata, nil
}

// packed is an archive as it came, with the digest of its bytes.
type packed struct {
	parts [][]byte
	size  int64
	sum   digest
}

// receive reads an archive to its end, also when it is refused: an answer before that makes the client's next message
// fail, and the client shows that failure instead of the answer.
func receive(stream receiver, m *metadata, limit int64, memory *held) (*packed, error) {
	p, sum := &packed{}, sha256.New()
	var refused error
	for {
		next := &appStreamRequest{}
		err := stream.RecvMsg(next)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, refuse("stream", "read the archive: %w", err)
		}
		if refused != nil {
			continue
		}
		switch p.size += int64(len(next.File)); {
		case !next.IsFile:
			refused = refuse("stream", "a later message has no part of the archive")
		case p.size > limit:
			refused = refuse("archive", "the archive is larger than %d MiB: leave folders out with ARGOCD_REPO_SERVER_PLUGIN_TAR_EXCLUSIONS or the annotation argocd.argoproj.io/manifest-generate-paths", limit>>20)
		case m.Size > 0 && p.size > m.Size:
			refused = refuse("archive", "the archive is larger than the %d bytes that were announced", m.Size)
		default:
			refused = memory.more(len(next.File))
		}
		if refused != nil {
			p.parts = nil
			memory.drop()
			continue
		}
		sum.Write(next.File)
		p.parts = append(p.parts, next.File)
	}
	if refused != nil {
		return nil, refused
	}
	p.sum = digest(sum.Sum(nil))
	if got := hex.EncodeToString(p.sum[:]); m.Checksum != "" && got != m.Checksum {
		return nil, refuse("checksum", "the checksum of the archive is not what was announced")
	}
	return p, nil
}

func (p *packed) reader() io.Reader {
	all := make([]io.Reader, len(p.parts))
	for i, part := range p.parts {
		all[i] = bytes.NewReader(part)
	}
	return io.MultiReader(all...)
}

// ratio is how many times its size an archive may unpack to, once that is more than a small one would need. Text comes to 5 to
// 20, and gzip ends at 1,032. It is looked at on the way, so that a bomb is refused for its first part.
const (
	ratio       = 200
	alwaysSmall = 64 << 20
)

// unpack reads an archive into memory. Nothing touches a disk.
func unpack(p *packed, limits render.Limits, memory *held) (filesys.FileSystem, error) {
	tree := render.NewTree(limits)
	err := each(p, limits.Bytes, func(archive io.Reader, header *tar.Header) error {
		return enter(archive, header, tree, memory)
	})
	if err != nil {
		return nil, err
	}
	files, err := tree.FileSystem()
	if err != nil {
		return nil, refusal{"archive", err}
	}
	return files, nil
}

// each visits the entries of an archive.
func each(p *packed, most int64, visit func(io.Reader, *tar.Header) error) error {
	came := &counting{from: p.reader()}
	zipped, err := gzip.NewReader(came)
	if err != nil {
		return refuse("archive", "read the archive: %w", unexpected(err))
	}
	archive := tar.NewReader(&inflating{from: zipped, most: most, packed: came})
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return archiveError("read the archive", err)
		}
		if clean := path.Clean(header.Name); clean == ".git" || strings.HasPrefix(clean, ".git/") {
			continue // Argo CD sends it by default; no manifest is in it
		}
		if err := visit(archive, header); err != nil {
			return err
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func archiveError(doing string, err error) error {
	var r refusal
	if errors.As(err, &r) {
		return r
	}
	return refuse("archive", "%s: %w", doing, err)
}

// inflating bounds what comes out of gzip, also of entries that are skipped.
type inflating struct {
	from       io.Reader
	most, read int64
	packed     *counting
}

// counting counts what is read. It is no io.ByteReader, so gzip reads a few KiB ahead, which does not matter here.
type counting struct {
	from io.Reader
	read int64
}

func (c *counting) Read(into []byte) (int, error) {
	n, err := c.from.Read(into)
	c.read += int64(n)
	return n, err
}

func (i *inflating) Read(into []byte) (int, error) {
	n, err := i.from.Read(into)
	i.read += int64(n)
	if i.read > alwaysSmall && i.read > ratio*i.packed.read {
		return n, refuse("archive", "the archive unpacks to more than %d times its size: leave out the file that does", ratio)
	}
	if i.read > i.most+i.most/4+alwaysSmall { // headers and padding
		return n, refuse("archive", "the archive unpacks to more than %d MiB", i.most>>20)
	}
	return n, err
}

// enter puts one entry into the tree.
func enter(archive io.Reader, header *tar.Header, tree *render.Tree, memory *held) error {
	var err error
	switch header.Typeflag {
	case tar.TypeDir:
		err = tree.Folder(header.Name)
	case tar.TypeSymlink:
		err = tree.Link(header.Name, header.Linkname)
	case tar.TypeLink:
		err = tree.Same(header.Name, header.Linkname)
	case tar.TypeXGlobalHeader: // git archive writes one
	case tar.TypeReg:
		return file(archive, header, tree, memory)
	default:
		err = fmt.Errorf("entry %q is no file, folder or link", header.Name)
	}
	if err != nil {
		return refusal{"archive", err}
	}
	return nil
}

func file(archive io.Reader, header *tar.Header, tree *render.Tree, memory *held) error {
	if !tree.Keeps(header.Size) {
		if err := tree.Omit(header.Name, header.Size); err != nil {
			return refusal{"archive", err}
		}
		return nil
	}
	// Read one byte more than there is room for: then the tree says that it is too much.
	content, err := readAll(io.LimitReader(archive, tree.Left()+1), header.Size, memory)
	if err != nil {
		return archiveError("read "+header.Name, err)
	}
	if err := tree.Add(header.Name, content); err != nil {
		return refusal{"archive", err}
	}
	return nil
}

// readAll takes the memory before it uses it. The size that a header announces is not to be trusted for more than a start.
func readAll(from io.Reader, size int64, memory *held) ([]byte, error) {
	content := make([]byte, 0, min(max(size, 0), 64<<10)+1)
	for {
		if len(content) == cap(content) {
			content = append(content, 0)[:len(content)]
		}
		n, err := from.Read(content[len(content):cap(content)])
		if n > 0 {
			if full := memory.more(n); full != nil {
				return nil, full
			}
		}
		content = content[:len(content)+n]
		if errors.Is(err, io.EOF) {
			return content, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
