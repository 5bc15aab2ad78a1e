package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// archive is a packed repository.
type archive []byte

func (a archive) sum() string {
	sum := sha256.Sum256(a)
	return hex.EncodeToString(sum[:])
}

func pack(files map[string]string) archive {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if folder := path.Dir(name); folder != "." && !seen[folder] {
			seen[folder] = true
			_ = w.WriteHeader(&tar.Header{Name: folder, Typeflag: tar.TypeDir, Mode: 0o755})
		}
		_ = w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(files[name])), Mode: 0o644})
		_, _ = io.WriteString(w, files[name])
	}
	_, _ = w.Close(), zipped.Close() // into memory
	return out.Bytes()
}

func read(folder string) (map[string]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		all[e.Name()] = string(content)
	}
	return all, nil
}

func with(files map[string]string, name, content string) map[string]string {
	all := maps.Clone(files)
	all[name] = content
	return all
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
