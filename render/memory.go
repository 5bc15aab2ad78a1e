package render

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// memory is a source tree as kustomize wants to see it: paths from the root on, everything read only. Nobody may change
// what ReadFile returns.
type memory struct {
	files   map[string][]byte
	folders map[string][]string // the names in each folder, in order
	omitted map[string]int64    // files that were too large to be kept, with their size
}

var _ filesys.FileSystem = (*memory)(nil)

func newMemory() *memory {
	return &memory{files: map[string][]byte{}, folders: map[string][]string{"/": nil}, omitted: map[string]int64{}}
}

// add is for the time before anybody reads; settle ends it.
func (m *memory) add(name string, content []byte) error {
	file := path.Join("/", name)
	if _, folder := m.folders[file]; folder {
		return fmt.Errorf("%s is a file and a folder", name)
	}
	if _, again := m.files[file]; !again {
		if err := m.enter(file); err != nil {
			return err
		}
	}
	m.files[file] = content
	return nil
}

// enter puts an entry into its folder, and that one into its own.
func (m *memory) enter(entry string) error {
	for entry != "/" {
		folder := path.Dir(entry)
		if _, file := m.files[folder]; file {
			return fmt.Errorf("%s is a file and a folder", strings.TrimPrefix(folder, "/"))
		}
		names, known := m.folders[folder]
		m.folders[folder] = append(names, path.Base(entry))
		if known {
			return nil
		}
		entry = folder
	}
	return nil
}

func (m *memory) settle() *memory {
	for _, names := range m.folders {
		slices.Sort(names)
	}
	return m
}

func rooted(name string) string { return path.Join("/", name) }

// Exists implements filesys.FileSystem.
func (m *memory) Exists(name string) bool {
	_, file := m.files[rooted(name)]
	return file || m.IsDir(name)
}

// IsDir implements filesys.FileSystem.
func (m *memory) IsDir(name string) bool {
	_, found := m.folders[rooted(name)]
	return found
}

// ReadFile implements filesys.FileSystem.
func (m *memory) ReadFile(name string) ([]byte, error) {
	content, found := m.files[rooted(name)]
	if !found {
		return nil, fmt.Errorf("%q does not exist", shown(rooted(name)))
	}
	if size, omitted := m.omitted[rooted(name)]; omitted {
		return nil, fmt.Errorf("%s has %d MiB: too large for a manifest", shown(rooted(name)), size>>20)
	}
	return content, nil
}

// ReadDir implements filesys.FileSystem.
func (m *memory) ReadDir(name string) ([]string, error) {
	names, found := m.folders[rooted(name)]
	if !found {
		return nil, fmt.Errorf("%q is no folder", shown(rooted(name)))
	}
	return slices.Clone(names), nil
}

// CleanedAbs implements filesys.FileSystem.
func (m *memory) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	return cleaned(m, name)
}

func cleaned(tree interface {
	Exists(string) bool
	IsDir(string) bool
}, name string) (filesys.ConfirmedDir, string, error) {
	switch at := rooted(name); {
	case tree.IsDir(at):
		return filesys.ConfirmedDir(at), "", nil
	case tree.Exists(at):
		return filesys.ConfirmedDir(path.Dir(at)), path.Base(at), nil
	default:
		return "", "", fmt.Errorf("%q does not exist", shown(at))
	}
}

// Glob implements filesys.FileSystem.
func (m *memory) Glob(pattern string) ([]string, error) {
	var all []string
	for file := range m.files {
		if matched, err := path.Match(rooted(pattern), file); err != nil {
			return nil, fmt.Errorf("pattern %q: %w", pattern, err)
		} else if matched {
			all = append(all, file)
		}
	}
	slices.Sort(all)
	return all, nil
}

// Walk implements filesys.FileSystem.
func (m *memory) Walk(name string, visit filepath.WalkFunc) error {
	err := m.walk(rooted(name), visit)
	if err == filepath.SkipDir || err == filepath.SkipAll { //nolint:errorlint // as the standard library does
		return nil
	}
	return err
}

func (m *memory) walk(at string, visit filepath.WalkFunc) error {
	names, folder := m.folders[at]
	if !folder {
		content, found := m.files[at]
		if !found {
			return visit(at, nil, fs.ErrNotExist)
		}
		return visit(at, entryInfo{path.Base(at), int64(len(content)), false}, nil)
	}
	if err := visit(at, entryInfo{path.Base(at), 0, true}, nil); err != nil {
		if err == filepath.SkipDir { //nolint:errorlint // as the standard library does
			return nil
		}
		return err
	}
	for _, name := range names {
		if err := m.walk(path.Join(at, name), visit); err != nil {
			if err == filepath.SkipDir { //nolint:errorlint // a file said so: the rest of its folder is left out
				return nil
			}
			return err
		}
	}
	return nil
}

var errReadOnly = fmt.Errorf("the source tree is read only: %w", fs.ErrPermission)

// Create implements filesys.FileSystem.
func (*memory) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Open implements filesys.FileSystem.
func (*memory) Open(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir implements filesys.FileSystem.
func (*memory) Mkdir(string) error { return errReadOnly }

// MkdirAll implements filesys.FileSystem.
func (*memory) MkdirAll(string) error { return errReadOnly }

// RemoveAll implements filesys.FileSystem.
func (*memory) RemoveAll(string) error { return errReadOnly }

// WriteFile implements filesys.FileSystem.
func (*memory) WriteFile(string, []byte) error { return errReadOnly }

// entryInfo is all that is known of an entry: there are no times and no rights.
type entryInfo struct {
	name   string
	size   int64
	folder bool
}

func (i entryInfo) Name() string     { return i.name }
func (i entryInfo) Size() int64      { return i.size }
func (entryInfo) ModTime() time.Time { return time.Time{} }
func (i entryInfo) IsDir() bool      { return i.folder }
func (entryInfo) Sys() any           { return nil }

func (i entryInfo) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// overlay shows some files of a tree anew, and a few more. The tree stays as it is, so many builds can share one.
type overlay struct {
	filesys.FileSystem
	written map[string][]byte
}

// Exists implements filesys.FileSystem.
func (o *overlay) Exists(name string) bool {
	_, written := o.written[rooted(name)]
	return written || o.FileSystem.Exists(name)
}

// ReadFile implements filesys.FileSystem.
func (o *overlay) ReadFile(name string) ([]byte, error) {
	if content, written := o.written[rooted(name)]; written {
		return content, nil
	}
	return o.FileSystem.ReadFile(name)
}

// CleanedAbs implements filesys.FileSystem.
func (o *overlay) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	return cleaned(o, name)
}
