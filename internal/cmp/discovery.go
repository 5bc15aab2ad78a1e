package cmp

import (
	"archive/tar"
	"io"
	"path"
	"strings"
)

// Discovery says by which files a repository is recognised. It is evaluated on the names in the archive; nothing of
// their content is read.
type Discovery struct {
	// FileName is a pattern as path.Match has it, Glob one in which ** stands for any number of folders. Both are relative
	// to the folder of the application. FileName counts if both are set.
	FileName, Glob string
	matches        func(string) bool
}

// finds reports whether one of the files in an archive is what is looked for.
func (d *Discovery) finds(p *packed, folder string, most int64) (bool, error) {
	found := false
	err := each(p, most, func(_ io.Reader, header *tar.Header) error {
		if header.Typeflag != tar.TypeReg && header.Typeflag != tar.TypeSymlink || found {
			return nil
		}
		relative := path.Clean(header.Name)
		if at := path.Clean(folder); at != "." {
			below, inside := strings.CutPrefix(relative, at+"/")
			if !inside {
				return nil
			}
			relative = below
		}
		found = d.matches(relative)
		return nil
	})
	return found, err
}
