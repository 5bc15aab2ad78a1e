package lua

import (
	"io/fs"
	"testing"

	"github.com/sluice-delivery/sluice/health"
)

// Our health checks read by names alone, so that they are as fast as the figures say.
func TestOurScriptsReadByNamesAlone(t *testing.T) {
	files, err := fs.Glob(health.Customizations(), "*/*/health.lua")
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(health.Customizations(), file)
		if err != nil {
			t.Fatal(err)
		}
		if p := compile(string(text), file); p.err != nil || !p.contained || p.keys == nil || !p.reuse {
			t.Errorf("%s: %v, contained %v, by names %v, tables reused %v", file, p.err, p.contained, p.keys != nil, p.reuse)
		}
	}
}
