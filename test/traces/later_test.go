package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-delivery/sluice/test/traces/recording"
	"github.com/sluice-delivery/sluice/test/traces/story"
)

func TestLaterLeavesOutWholeNames(t *testing.T) {
	file := filepath.Join(t.TempDir(), "later.txt")
	if err := os.WriteFile(file, []byte("# comment\n\nsmi-.*   the router\nanalysis-job the provider\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := loadLater(file)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, source := range leaveOut([]story.Source{{Name: "smi-a"}, {Name: "analysis-job"}, {Name: "analysis-job-bad"}, {Name: "not-smi-a"}}, all) {
		kept = append(kept, source.Name)
	}
	if got := strings.Join(kept, " "); got != "analysis-job-bad not-smi-a" {
		t.Errorf("kept %q", got)
	}
	if all[0].count != 1 || all[0].why != "the router" {
		t.Errorf("first line: %+v", *all[0])
	}
}

func TestLaterWantsAReason(t *testing.T) {
	file := filepath.Join(t.TempDir(), "later.txt")
	if err := os.WriteFile(file, []byte("smi-.*\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadLater(file); err == nil || !strings.Contains(err.Error(), "later.txt:1: smi-.* has no reason") {
		t.Errorf("got %v", err)
	}
}

// A line that no case matches is a mistake, or a case that was renamed.
func TestLaterAndExceptionsInTheTreeAreWellFormed(t *testing.T) {
	all, err := loadLater("later.txt")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := story.Load("cases")
	if err != nil {
		t.Fatal(err)
	}
	leaveOut(sources, all)
	for _, l := range all {
		if l.count == 0 {
			t.Errorf("later.txt: no case matches %s", l.text)
		}
	}
	if _, err := recording.LoadExceptions("except.yaml"); err != nil {
		t.Error(err)
	}
}
