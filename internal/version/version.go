// Package version says what a binary was built from. The Makefile sets the values with the linker's -X; a binary built
// by other means says "dev".
package version

var (
	Version = "dev" // of the release, as git describe says it
	Commit  = ""    // of the source tree
	Date    = ""    // of the commit, RFC 3339
)
