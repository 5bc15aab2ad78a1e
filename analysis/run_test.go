package analysis

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const web = `provider: {web: {url: "http://x"}}`

// A play takes a run through its passes, from one waking to the next. What each metric says is a word per measurement:
// ok, bad, odd, err; the last word is said for ever.
type play struct {
	run    v1alpha1.AnalysisRun
	clock  time.Time
	events []string
	asked  []string // "12:00:07 metric"
}

func (p *play) through(t *testing.T, words map[string]string, limit time.Duration) {
	t.Helper()
	for range 100 {
		agenda := Due(&p.run, p.clock)
		if agenda.Refusal != "" {
			p.take(Refuse(&p.run, agenda.Refusal))
			return
		}
		var taken []Taken
		for _, task := range agenda.Tasks {
			taken = append(taken, Taken{Index: task.Index, Measurement: p.measure(task, words[task.Metric.Name])})
		}
		before := p.run.Status.DeepCopy()
		out := Assess(&p.run, taken, p.clock)
		p.take(out)
		switch {
		case out.Status.Phase.Completed(), out.Wake.IsZero(), out.Wake.After(noon.Add(limit)):
			return
		case out.Wake.Before(p.clock):
			t.Fatalf("wakes in the past: %s at %s", out.Wake, p.clock)
		case out.Wake.Equal(p.clock) && len(agenda.Tasks) == 0 && before.Phase == out.Status.Phase && before.StartedAt != nil:
			t.Fatal("spins")
		}
		p.clock = out.Wake
	}
	t.Fatal("no end in sight")
}

func (p *play) take(out Outcome) {
	p.run.Status = out.Status
	for _, e := range out.Events {
		p.events = append(p.events, e.Reason)
	}
}

func (p *play) measure(task Task, words string) v1alpha1.Measurement {
	name := task.Metric.Name
	p.asked = append(p.asked, p.clock.Format("04:05 ")+name)
	if task.Action == Terminate {
		return Terminated(task.Unfinished, p.clock)
	}
	list := strings.Fields(words)
	n := 0
	if found := result(&p.run.Status, name); found != nil {
		n = int(found.Count + found.Error)
	}
	word := list[min(n, len(list)-1)]
	metric := v1alpha1.Metric{SuccessCondition: "result == 'ok'", FailureCondition: "result == 'bad'"}
	var err error
	if word == "err" {
		err = errors.New("no answer")
	}
	return Measured(metric, Sample{Result: word, Value: word}, err, p.clock, p.clock, nil)
}

// The recorded cases are played by the shell's tests; these are the corners that no recording shows.
func TestRun(t *testing.T) {
	for name, c := range map[string]struct {
		spec    string
		words   map[string]string
		status  string // phase and message
		summary string
		events  string
		asked   string
	}{
		"errors are repeated after ten seconds and do not count": {
			`metrics: [{name: a, count: 2, interval: 1m, ` + web + `}]`, map[string]string{"a": "err ok err ok"},
			"Successful", "count 1 successful 1", "MetricSuccessful AnalysisRunSuccessful", "00:00 a, 00:10 a, 01:10 a, 01:20 a"},
		"four errors in a row are tolerated when nothing is said": {
			`metrics: [{name: a, ` + web + `}]`, map[string]string{"a": "err err err err ok"},
			"Successful", "count 1 successful 1", "MetricSuccessful AnalysisRunSuccessful", "00:00 a, 00:10 a, 00:20 a, 00:30 a, 00:40 a"},
		"the fifth is not": {
			`metrics: [{name: a, ` + web + `}]`, map[string]string{"a": "err"},
			`Error Metric "a" assessed Error due to consecutiveErrors (5) > consecutiveErrorLimit (4): "Error Message: no answer"`,
			"count 1 error 1", "MetricError AnalysisRunError", "00:00 a, 00:10 a, 00:20 a, 00:30 a, 00:40 a"},
		"a failure between errors starts their count anew": {
			`metrics: [{name: a, consecutiveErrorLimit: 1, count: 2, interval: 1s, failureLimit: 1, ` + web + `}]`, map[string]string{"a": "err bad err ok"},
			"Successful", "count 1 successful 1", "MetricSuccessful AnalysisRunSuccessful", "00:00 a, 00:10 a, 00:11 a, 00:21 a"},
		"failureLimit 3 tolerates three failures, the fourth fails": {
			`metrics: [{name: a, interval: 1m, failureLimit: 3, ` + web + `}]`, map[string]string{"a": "bad"},
			`Failed Metric "a" assessed Failed due to failed (4) > failureLimit (3)`, "count 1 failed 1", "MetricFailed AnalysisRunFailed", "00:00 a, 01:00 a, 02:00 a, 03:00 a"},
		"inconclusive beats failed, error beats both": {
			`metrics: [{name: a, consecutiveErrorLimit: 0, interval: 1s, failureLimit: 1, inconclusiveLimit: 1, ` + web + `}]`, map[string]string{"a": "bad odd err"},
			`Error Metric "a" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0): "Error Message: no answer"`, "count 1 error 1", "MetricError AnalysisRunError", "00:00 a, 00:01 a, 00:02 a"},
		"an initial delay holds the first measurement back, and the run goes on": {
			`metrics: [{name: a, initialDelay: 7s, ` + web + `}]`, map[string]string{"a": "ok"},
			"Successful", "count 1 successful 1", "MetricSuccessful AnalysisRunSuccessful", "00:07 a"},
		"a run with nothing but trials succeeds": {
			`{dryRun: [{metricName: .*}], metrics: [{name: a, ` + web + `}, {name: b, ` + web + `}]}`, map[string]string{"a": "bad", "b": "ok"},
			"Successful", " trials: count 2 successful 1 failed 1", "MetricFailed MetricSuccessful AnalysisRunSuccessful", "00:00 a, 00:00 b"},
		"a trial that fails does not end the others": {
			`{dryRun: [{metricName: a}], metrics: [{name: a, ` + web + `}, {name: b, count: 2, interval: 5s, ` + web + `}]}`, map[string]string{"a": "bad", "b": "ok"},
			"Successful", "count 1 successful 1 trials: count 1 failed 1", "MetricFailed MetricSuccessful AnalysisRunSuccessful", "00:00 a, 00:00 b, 00:05 b"},
		"a metric that fails ends one that was never measured": {
			`metrics: [{name: a, ` + web + `}, {name: b, initialDelay: 1h, ` + web + `}]`, map[string]string{"a": "bad", "b": "ok"},
			`Failed Metric "a" assessed Failed due to failed (1) > failureLimit (0)`, "count 2 failed 1", "MetricFailed AnalysisRunFailed", "00:00 a"},
		"the message is that of the first of the worst": {
			`metrics: [{name: a, ` + web + `}, {name: b, ` + web + `}, {name: c, ` + web + `}]`, map[string]string{"a": "odd", "b": "bad", "c": "bad"},
			`Failed Metric "b" assessed Failed due to failed (1) > failureLimit (0)`, "count 3 failed 2 inconclusive 1", "MetricInconclusive MetricFailed MetricFailed AnalysisRunFailed", "00:00 a, 00:00 b, 00:00 c"},
		"without an interval nothing is asked twice": {
			`metrics: [{name: a, count: 1, ` + web + `}]`, map[string]string{"a": "ok"},
			"Successful", "count 1 successful 1", "MetricSuccessful AnalysisRunSuccessful", "00:00 a"},
		"a run that is terminated before it began": {
			`{terminate: true, metrics: [{name: a, ` + web + `}]}`, nil,
			"Successful Run Terminated", "count 1", "AnalysisRunSuccessful", ""},
		"an interval of nothing waits ten seconds": {
			`metrics: [{name: a, count: 2, interval: 0s, ` + web + `}]`, map[string]string{"a": "ok"},
			"Successful", "count 1 successful 1", "MetricSuccessful AnalysisRunSuccessful", "00:00 a, 00:10 a"},
		"a number that is none": {
			`metrics: [{name: a, count: many, ` + web + `}]`, nil,
			`Error Analysis spec invalid: metrics[0]: invalid count string: strconv.Atoi: parsing "many": invalid syntax`, "", "AnalysisRunError", ""},
		"two plugins are two providers": {
			`metrics: [{name: a, provider: {plugin: {x: {}, y: {}}}}]`, nil,
			`Error Analysis spec invalid: metrics[0]: multiple providers specified`, "", "AnalysisRunError", ""},
		"more consecutive successes wanted than measurements, failures ignored": {
			`metrics: [{name: a, count: 2, interval: 1s, failureLimit: -1, consecutiveSuccessLimit: 3, ` + web + `}]`, nil,
			`Error Analysis spec invalid: metrics[0]: count must be >= consecutiveSuccessLimit`, "", "AnalysisRunError", ""},
		"a negative success limit": {
			`metrics: [{name: a, consecutiveSuccessLimit: -1, ` + web + `}]`, nil,
			`Error Analysis spec invalid: metrics[0]: consecutiveSuccessLimit must be >= 0`, "", "AnalysisRunError", ""},
		"a negative inconclusive limit": {
			`metrics: [{name: a, inconclusiveLimit: -1, ` + web + `}]`, nil,
			`Error Analysis spec invalid: metrics[0]: inconclusiveLimit must be >= 0`, "", "AnalysisRunError", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := &play{run: v1alpha1.AnalysisRun{Spec: given[v1alpha1.AnalysisRunSpec](t, c.spec)}, clock: noon}
			p.through(t, c.words, 2*time.Hour)
			status := p.run.Status
			if got := strings.TrimSpace(string(status.Phase) + " " + status.Message); got != c.status {
				t.Errorf("status %s, want %s", got, c.status)
			}
			if got := counted(status); got != c.summary {
				t.Errorf("summary %q, want %q", got, c.summary)
			}
			if got := strings.Join(p.events, " "); got != c.events {
				t.Errorf("events %s, want %s", got, c.events)
			}
			if got := strings.Join(p.asked, ", "); got != c.asked {
				t.Errorf("asked %s, want %s", got, c.asked)
			}
			if (status.CompletedAt != nil) == (status.StartedAt == nil) {
				t.Error("a run that was executed has completedAt, one that was refused has not")
			}
		})
	}
}

func counted(status v1alpha1.AnalysisRunStatus) string {
	of := func(s v1alpha1.RunSummary) string {
		var parts []string
		for _, n := range []struct {
			name  string
			count int32
		}{{"count", s.Count}, {"successful", s.Successful}, {"failed", s.Failed}, {"inconclusive", s.Inconclusive}, {"error", s.Error}} {
			if n.count > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", n.name, n.count))
			}
		}
		return strings.Join(parts, " ")
	}
	all := of(status.RunSummary)
	if status.DryRunSummary != nil && status.DryRunSummary.Count > 0 {
		all += " trials: " + of(*status.DryRunSummary)
	}
	return all
}

func TestABoundedRun(t *testing.T) {
	endless := `metrics: [{name: success-rate, interval: 1m, failureLimit: 3, ` + web + `}]`
	for name, c := range map[string]struct{ words, phase, asked string }{
		"the first success completes it":     {"ok bad", "Successful", "00:00"},
		"a failure within the limit goes on": {"bad bad bad ok", "Successful", "00:00 01:00 02:00 03:00"},
		"the limit fails it":                 {"bad", "Failed", "00:00 01:00 02:00 03:00"},
		"an inconclusive one halts it":       {"odd", "Inconclusive", "00:00"},
		"errors end it":                      {"err", "Error", "00:00 00:10 00:20 00:30 00:40"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := given[v1alpha1.AnalysisRunSpec](t, endless)
			p := &play{run: v1alpha1.AnalysisRun{Spec: Bound(spec)}, clock: noon}
			p.through(t, map[string]string{"success-rate": c.words}, time.Hour)
			if got := string(p.run.Status.Phase); got != c.phase {
				t.Errorf("phase %s (%s), want %s", got, p.run.Status.Message, c.phase)
			}
			if got := strings.ReplaceAll(strings.Join(p.asked, " "), " success-rate", ""); got != c.asked {
				t.Errorf("asked at %s, want %s", got, c.asked)
			}
			if spec.Metrics[0].ConsecutiveSuccessLimit != nil {
				t.Error("the template was changed")
			}
		})
	}
	p := &play{run: v1alpha1.AnalysisRun{Spec: given[v1alpha1.AnalysisRunSpec](t, endless)}, clock: noon}
	p.through(t, map[string]string{"success-rate": "ok"}, time.Hour)
	if p.run.Status.Phase != "Running" || len(p.asked) != 61 {
		t.Errorf("not bounded, it runs for ever, a minute apart: %s after %d", p.run.Status.Phase, len(p.asked))
	}
}

func TestUnbounded(t *testing.T) {
	spec := given[v1alpha1.AnalysisRunSpec](t, `metrics:
- {name: endless, interval: 1m, provider: {}}
- {name: zero, interval: 1m, count: 0, provider: {}}
- {name: zero-text, interval: 1m, count: "0", provider: {}}
- {name: once, provider: {}}
- {name: counted, interval: 1m, count: 3, provider: {}}
- {name: argument, interval: 1m, count: "{{args.n}}", provider: {}}
- {name: successes, interval: 1m, consecutiveSuccessLimit: 2, provider: {}}
- {name: ignores-failures, interval: 1m, failureLimit: -1, provider: {}}`)
	want := []string{"endless", "zero", "zero-text", "ignores-failures"}
	if got := Unbounded(spec); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Unbounded(Bound(spec)); got != nil {
		t.Errorf("bounded, %v are still endless", got)
	}
}

func TestTerminate(t *testing.T) {
	started := metav1.NewTime(noon)
	for name, c := range map[string]struct{ phase, want, message string }{
		"a measurement under way":      {"Running", "Inconclusive", "Metric Terminated"},
		"one that succeeded meanwhile": {"Successful", "Successful", "Metric Terminated"},
		"one that failed meanwhile":    {"Failed", "Failed", "why"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Terminated(v1alpha1.Measurement{Phase: v1alpha1.AnalysisPhase(c.phase), Message: "why", StartedAt: &started, ResumeAt: &started}, noon)
			if string(got.Phase) != c.want || got.Message != c.message || got.FinishedAt == nil || got.ResumeAt != nil {
				t.Errorf("got %+v", got)
			}
		})
	}
	run := &v1alpha1.AnalysisRun{Spec: given[v1alpha1.AnalysisRunSpec](t, `{terminate: true, metrics: [{name: a, inconclusiveLimit: 1, `+web+`}]}`)}
	run.Status = v1alpha1.AnalysisRunStatus{Phase: "Running", StartedAt: &started, MetricResults: []v1alpha1.MetricResult{{
		Name: "a", Phase: "Running", Measurements: []v1alpha1.Measurement{{Phase: "Running", StartedAt: &started, ResumeAt: new(metav1.NewTime(noon.Add(time.Hour)))}}}}}
	due := Due(run, noon)
	if len(due.Tasks) != 1 || due.Tasks[0].Action != Terminate {
		t.Fatalf("due is %+v", due)
	}
	if still := Assess(run, nil, noon); still.Status.Phase != "Running" {
		t.Errorf("before the measurement is given up the run is %s", still.Status.Phase)
	}
	out := Assess(run, []Taken{{Measurement: Terminated(due.Tasks[0].Unfinished, noon)}}, noon)
	if out.Status.Phase != "Successful" || out.Status.Message != "Run Terminated" || len(out.Status.MetricResults[0].Measurements) != 1 {
		t.Errorf("got %+v", out.Status)
	}
	run.Spec.Terminate = false
	if due := Due(run, noon); len(due.Tasks) != 0 {
		t.Errorf("before its time it is resumed: %+v", due)
	}
	if due := Due(run, noon.Add(time.Hour)); len(due.Tasks) != 1 || due.Tasks[0].Action != Resume {
		t.Errorf("at its time it is not resumed: %+v", due)
	}
	if out := Assess(run, nil, noon); !out.Wake.Equal(noon.Add(time.Hour)) {
		t.Errorf("wakes at %s", out.Wake)
	}
}

func TestACompletedRunStaysAsItIs(t *testing.T) {
	run := &v1alpha1.AnalysisRun{Status: v1alpha1.AnalysisRunStatus{Phase: "Error", Message: "refused"}}
	if due := Due(run, noon); due.Refusal != "" || due.Tasks != nil {
		t.Errorf("due is %+v", due)
	}
	equal(t, Assess(run, nil, noon), Outcome{Status: run.Status})
}

func TestAssessChangesNothingInPlace(t *testing.T) {
	run := &v1alpha1.AnalysisRun{Spec: given[v1alpha1.AnalysisRunSpec](t, `metrics: [{name: a, count: 2, interval: 1s, `+web+`}]`)}
	first := Assess(run, []Taken{{Measurement: Measured(v1alpha1.Metric{}, Sample{}, nil, noon, noon, nil)}}, noon)
	run.Status = first.Status
	before := run.Status.DeepCopy()
	Assess(run, []Taken{{Measurement: Measured(v1alpha1.Metric{}, Sample{}, nil, noon, noon, nil)}}, noon)
	equal(t, run.Status, before)
}

func TestMeasured(t *testing.T) {
	huge := strings.Repeat("x", 2*long)
	for name, c := range map[string]struct {
		condition      string
		said           Sample
		err            error
		phase          string
		message, value string
	}{
		"an answer":                         {"result > 3", Sample{Result: 5.0, Value: "5"}, nil, "Successful", "", "5"},
		"an error":                          {"", Sample{}, errors.New("no answer for s3cret"), "Error", "no answer for *****", ""},
		"a condition that cannot be judged": {"result >", Sample{Result: 5.0, Value: "5"}, nil, "Error", `could not evaluate successCondition "result >": unexpected token EOF`, ""},
		"a condition with a secret in it":   {"result == s3cret", Sample{Result: 5.0}, nil, "Error", `could not evaluate successCondition "result == *****": unknown name *****`, ""},
		"an echo of a secret":               {"", Sample{Result: "s3cret", Value: `"s3cret"`}, nil, "Successful", "", `"*****"`},
		"a provider that judges by itself":  {"result > 3", Sample{Phase: "Failed", Message: "job failed"}, nil, "Failed", "job failed", ""},
		"a huge answer":                     {"len(result) > 9", Sample{Result: huge, Value: huge}, nil, "Successful", "", huge[:long] + "… (cut, 16384 bytes)"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Measured(v1alpha1.Metric{SuccessCondition: c.condition}, c.said, c.err, noon, noon.Add(1500*time.Millisecond), []string{"s3cret"})
			if string(got.Phase) != c.phase || got.Message != c.message || got.Value != c.value {
				t.Errorf("got %+v", got)
			}
			if !got.StartedAt.Time.Equal(noon) || !got.FinishedAt.Time.Equal(noon.Add(time.Second)) {
				t.Errorf("instants are whole seconds: %s, %s", got.StartedAt, got.FinishedAt)
			}
		})
	}
	if got := Measured(v1alpha1.Metric{}, Sample{Metadata: map[string]string{"warnings": "slow s3cret"}}, nil, noon, noon, []string{"s3cret"}); got.Metadata["warnings"] != "slow *****" {
		t.Errorf("metadata %v", got.Metadata)
	}
}

func TestExpired(t *testing.T) {
	done := metav1.NewTime(noon)
	for name, c := range map[string]struct {
		ttl, phase string
		after      time.Duration // 0: never
	}{
		"success has its own":           {`{secondsAfterSuccess: 4, secondsAfterCompletion: 600}`, "Successful", 5 * time.Second},
		"failure has its own":           {`{secondsAfterFailure: 4, secondsAfterCompletion: 600}`, "Failed", 5 * time.Second},
		"otherwise any completion":      {`{secondsAfterFailure: 4, secondsAfterCompletion: 600}`, "Successful", 601 * time.Second},
		"a failure is no success":       {`{secondsAfterSuccess: 4}`, "Failed", 0},
		"an error heeds only the last":  {`{secondsAfterFailure: 4, secondsAfterSuccess: 4, secondsAfterCompletion: 9}`, "Error", 10 * time.Second},
		"so does an inconclusive run":   {`{secondsAfterFailure: 4, secondsAfterSuccess: 4}`, "Inconclusive", 0},
		"zero seconds":                  {`{secondsAfterCompletion: 0}`, "Successful", time.Second},
		"a run that goes on never goes": {`{secondsAfterCompletion: 0}`, "Running", 0},
	} {
		t.Run(name, func(t *testing.T) {
			run := &v1alpha1.AnalysisRun{Spec: v1alpha1.AnalysisRunSpec{TTLStrategy: new(given[v1alpha1.TTLStrategy](t, c.ttl))}}
			run.Status.Phase, run.Status.CompletedAt = v1alpha1.AnalysisPhase(c.phase), &done
			over, at := Expired(run, noon.Add(c.after).Add(-time.Millisecond))
			if over || c.after == 0 && !at.IsZero() || c.after > 0 && !at.Equal(noon.Add(c.after)) {
				t.Errorf("over %v, at %s", over, at)
			}
			if over, _ := Expired(run, noon.Add(max(c.after, time.Hour))); over != (c.after > 0) {
				t.Errorf("over is %v in the end", over)
			}
		})
	}
	refused := &v1alpha1.AnalysisRun{Spec: v1alpha1.AnalysisRunSpec{TTLStrategy: &v1alpha1.TTLStrategy{SecondsAfterCompletion: new(int32(0))}}}
	refused.Status.Phase = "Error"
	if over, at := Expired(refused, noon.Add(time.Hour)); over || !at.IsZero() {
		t.Error("a run without completedAt is never deleted")
	}
}
