package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-delivery/sluice/test/traces/recording"
)

// result is one case's line in the JSON file.
type result struct {
	Case        string                 `json:"case"`
	Result      string                 `json:"result"`
	Seconds     float64                `json:"seconds"`
	Error       string                 `json:"error,omitempty"`
	Differences []recording.Difference `json:"differences,omitempty"`
	Earlier     []string               `json:"earlier,omitempty"` // of the first attempt, when a later one was clean
}

// results prints and counts.
type results struct {
	exceptions []*recording.Exception

	mu                      sync.Mutex
	all                     []result
	passed, failed, skipped int
}

const mostShown = 40 // differences per case on the screen; the JSON file has all

func (r *results) add(one result, count *int, remark string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*count++
	r.all = append(r.all, one)
	fmt.Printf("%-8s %s  %.1f s%s\n", one.Result, one.Case, one.Seconds, remark)
	if one.Error != "" {
		fmt.Println("    " + one.Error)
	}
	for _, text := range one.Earlier[:min(len(one.Earlier), 3)] {
		fmt.Println("    at attempt 1: " + text)
	}
	for i, d := range one.Differences {
		if i == mostShown {
			fmt.Printf("    … and %d more (-json has them all)\n", len(one.Differences)-i)
			break
		}
		text := "    " + d.String()
		if d.Excepted != "" {
			text += "  EXCEPTED: " + d.Excepted
		}
		fmt.Println(text)
	}
}

// attempt is one comparison; open differences have no exception.
type attempt struct {
	differences []recording.Difference
	open        int
}

func (r *results) compare(j *job, run recording.Recording) attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	differences := recording.Compare(*j.recorded, run)
	return attempt{differences, recording.Excuse(j.source.Name, differences, r.exceptions)}
}

// judge takes the attempt with the fewest open differences.
func (r *results) judge(j *job, attempts []attempt) {
	if len(j.errors) > 0 {
		r.broken(j)
		return
	}
	best := slices.MinFunc(attempts, func(a, b attempt) int { return cmp.Compare(a.open, b.open) })
	one := result{Case: j.source.Name, Result: "PASS", Seconds: j.seconds, Differences: recording.Collapse(best.differences)}
	count, remark := &r.passed, ""
	switch {
	case best.open > 0:
		one.Result, count = "FAIL", &r.failed
	case len(best.differences) > 0:
		one.Result, count = "EXCEPTED", &r.skipped
	}
	if best.open == 0 && len(attempts) > 1 {
		remark = fmt.Sprintf("  (at attempt %d)", len(attempts))
		for _, d := range attempts[0].differences {
			one.Earlier = append(one.Earlier, d.String())
		}
	}
	r.add(one, count, remark)
}

func (r *results) broken(j *job) {
	r.add(result{Case: j.source.Name, Result: "FAIL", Seconds: j.seconds, Error: errors.Join(j.errors...).Error()}, &r.failed, "")
}

func (r *results) skip(name string) {
	r.add(result{Case: name, Result: "SKIP"}, &r.skipped, "  (not recorded)")
}

// kept reports a recording: how much of it is compared, and what will not be.
func (r *results) kept(j *job, merged recording.Recording) {
	total := merged.Total()
	remark := fmt.Sprintf("  %d runs, %d facts, %d unstable", merged.Runs, total.Facts, total.Unstable)
	counts := merged.Count()
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		if counts[kind].Unstable > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", kind, counts[kind].Unstable))
		}
	}
	if parts != nil {
		remark += " (" + strings.Join(parts, ", ") + ")"
	}
	for _, step := range slices.Sorted(maps.Keys(merged.Script)) {
		if outcome := merged.Script[step]; outcome != "arrived" {
			remark += fmt.Sprintf("\n    %s: %v", step, outcome)
		}
	}
	r.add(result{Case: j.source.Name, Result: "RECORDED", Seconds: j.seconds}, &r.passed, remark)
}

// finish prints the last line and writes the JSON file.
func (r *results) finish(file string) error {
	for _, e := range r.exceptions {
		if !e.Used && slices.ContainsFunc(r.all, func(one result) bool { return e.Concerns(one.Case) }) {
			fmt.Printf("exception never needed: case %q, fact %q\n", e.Case, e.Fact)
		}
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	if file == "" {
		return nil
	}
	slices.SortFunc(r.all, func(a, b result) int { return cmp.Compare(a.Case, b.Case) })
	text, err := json.MarshalIndent(r.all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
