package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/sluice-delivery/sluice/test/traces/story"
)

// later is a line of the -later file: cases that are left out, and why.
type later struct {
	cases *regexp.Regexp
	text  string // of the expression
	why   string
	count int // cases that it has left out
}

// loadLater reads lines of an expression and a reason; # begins a comment.
func loadLater(file string) ([]*later, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []*later
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, why, _ := strings.Cut(line, " ")
		if why = strings.TrimSpace(why); why == "" {
			return nil, fmt.Errorf("%s:%d: %s has no reason", file, i+1, name)
		}
		cases, err := regexp.Compile("^(?:" + name + ")$")
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
		all = append(all, &later{cases: cases, text: name, why: why})
	}
	return all, nil
}

// leaveOut takes the cases away that a line of the file names.
func leaveOut(sources []story.Source, all []*later) []story.Source {
	var kept []story.Source
	for _, source := range sources {
		if !isLater(source.Name, all) {
			kept = append(kept, source)
		}
	}
	return kept
}

func isLater(name string, all []*later) bool {
	for _, l := range all {
		if l.cases.MatchString(name) {
			l.count++
			return true
		}
	}
	return false
}

func printLater(all []*later) {
	for _, l := range all {
		if l.count > 0 {
			fmt.Printf("not played yet: %s (%d): %s\n", l.text, l.count, l.why)
		}
	}
}
