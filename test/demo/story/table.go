package story

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Live are the lines that a terminal shows while something goes on.
func (s *Story) Live() []string {
	if s.Git == nil || s.ctx.Err() != nil {
		return nil
	}
	r, a := s.rollout(s.ctx, production), s.application(s.ctx)
	recent := s.Load.Since(time.Now().Add(-2*time.Second), "customers")
	share, wanted := 0.0, 0
	if r.Status.CurrentPodHash != r.Status.StableRS {
		for _, answer := range recent {
			if answer.Version != s.good.tag {
				share += 100 / float64(len(recent))
			}
		}
	}
	if w := s.Recorder.weights(time.Time{}, production); len(w) > 0 {
		wanted = w[len(w)-1].Value
	}
	all := append(s.Load.Since(time.Time{}, "customers"), s.Load.Since(time.Time{}, "testers")...)
	lost := 0
	for _, answer := range all {
		if answer.Lost() {
			lost++
		}
	}
	return []string{
		"",
		fmt.Sprintf("      canary  wanted %3d %% %s", wanted, bar(float64(wanted))),
		fmt.Sprintf("            measured %3.0f %% %s", share, bar(share)),
		fmt.Sprintf("      %d requests, %d lost; %s", len(all), lost, versions(all)),
		"      " + describe(r),
		"      " + a.String(),
	}
}

func bar(percent float64) string {
	n := int(percent / 2.5)
	return strings.Repeat("█", n) + strings.Repeat("·", 40-n)
}

// versions is a count by version and status in words.
func versions(answers []Answer) string {
	counts := Counts(answers)
	var texts []string
	for version, statuses := range counts {
		for status, n := range statuses {
			name := version
			if name == "" {
				name = "nobody"
			}
			if status != 200 {
				name += fmt.Sprintf(" with %d", status)
			}
			texts = append(texts, fmt.Sprintf("%s: %d", name, n))
		}
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

// Table is point 10: what was observed, how long it took, and the figures.
func (s *Story) Table() string {
	var b strings.Builder
	b.WriteString("\n10  What was observed\n\n")
	results := slices.Clone(s.Results)
	slices.SortStableFunc(results, func(x, y Result) int { return x.Number - y.Number })
	total := time.Duration(0)
	for _, r := range results {
		mark := "✔"
		if r.Err != nil {
			mark = "✘"
		}
		fmt.Fprintf(&b, "%s %2d  %-46s %8s\n", mark, r.Number, r.Title, seconds(r.Took))
		for _, text := range r.Observed {
			fmt.Fprintf(&b, "        %s\n", text)
		}
		if r.Err != nil {
			fmt.Fprintf(&b, "        not observed: %v\n", r.Err)
		}
		if r.Number != 5 { // its time is part of point 4's
			total += r.Took
		}
	}
	b.WriteString("\n" + s.Sums() + fmt.Sprintf("  the whole story %s\n", seconds(total)))
	return b.String()
}

// Sums are the figures below the table.
func (s *Story) Sums() string {
	var b strings.Builder
	byStream := map[string][]Answer{}
	for _, a := range s.Load.Since(time.Time{}, "") {
		byStream[a.Stream] = append(byStream[a.Stream], a)
	}
	for _, stream := range slices.Sorted(maps.Keys(byStream)) {
		answers, lost := byStream[stream], 0
		for _, a := range answers {
			if a.Lost() {
				lost++
			}
		}
		fmt.Fprintf(&b, "  requests %-13s sent %5d, lost %2d; answered by %s\n", stream, len(answers), lost, versions(answers))
		if stream == preview.Name && lost > 0 {
			b.WriteString("           (the preview Service selects a new revision before its pods are ready, as upstream's)\n")
		}
	}
	if s.Figures.ToProxy > 0 || s.Figures.ToRouting > 0 {
		fmt.Fprintf(&b, "  from the deciding measurement to weight 0 in the Ingress %d ms, to 0 %% at the proxy %d ms\n",
			s.Figures.ToRouting.Milliseconds(), s.Figures.ToProxy.Milliseconds())
	}
	return b.String()
}
