package sync

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	noon      = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	automated = Policy{Automated: true, Prune: true, SelfHeal: true, Retry: DefaultRetry}
)

func compared(o Object) Compared { return Compared{o, Compare(o, "c1")} }

func TestDecide(t *testing.T) {
	service := given(t, `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}}`)
	agree, drift := compared(same(service)), compared(Object{Desired: service, Live: service, Changes: []string{"spec.ports"}})
	missing, extra := compared(Object{Desired: service}), compared(Object{Live: service})
	back := compared(same(rollout(t, annotation, `{observedGeneration: "4", currentPodHash: bad, stableRS: good, abort: true, phase: Degraded}`)))
	synced := func(ago time.Duration, heals int) *Attempt {
		return &Attempt{Commit: "c1", Succeeded: true, Finished: noon.Add(-ago), Heals: heals}
	}
	failed := func(ago time.Duration, failures int) *Attempt {
		return &Attempt{Commit: "c1", Finished: noon.Add(-ago), Failures: failures}
	}
	without := func(change func(*Policy)) Policy { p := automated; change(&p); return p }
	cases := map[string]struct {
		policy  Policy
		objects []Compared
		last    *Attempt
		action  Action
		why     string
		keys    int
		wake    time.Duration
	}{
		"nothing to do":                            {automated, []Compared{agree}, synced(time.Hour, 0), Nothing, "Git and the cluster agree", 0, 0},
		"a new application":                        {automated, []Compared{missing}, nil, Sync, "Git moved to c1", 0, 0},
		"a new commit":                             {automated, []Compared{drift}, &Attempt{Commit: "c0", Succeeded: true, Finished: noon}, Sync, "Git moved to c1", 0, 0},
		"other settings of the source":             {automated, []Compared{drift}, &Attempt{Commit: "c1", Source: "other", Succeeded: true, Finished: noon}, Sync, "Git moved to c1", 0, 0},
		"automated sync is off":                    {Policy{}, []Compared{drift}, nil, Hold, "automated sync is off", 0, 0},
		"a rollback is not healed":                 {automated, []Compared{back}, synced(time.Hour, 0), Hold, "Rollout shop/p was rolled back: Git has to move, or a person has to retry", 0, 0},
		"a rollback does not keep others from it":  {automated, []Compared{back, drift}, synced(time.Hour, 0), Sync, "the cluster moved away from Git: Service shop/s differs from Git in spec.ports", 1, 0},
		"only pruning is left and prune is off":    {without(func(p *Policy) { p.Prune = false }), []Compared{agree, extra}, nil, Hold, "only pruning is left to do, and prune is off", 0, 0},
		"pruning":                                  {automated, []Compared{agree, extra}, nil, Sync, "Git moved to c1", 0, 0},
		"Git wants nothing any more":               {automated, []Compared{extra}, nil, Hold, "Git wants nothing any more, which would delete every object; set allowEmpty if that is meant", 0, 0},
		"Git wants nothing and that is meant":      {without(func(p *Policy) { p.AllowEmpty = true }), []Compared{extra}, nil, Sync, "Git moved to c1", 0, 0},
		"selfHeal is off":                          {without(func(p *Policy) { p.SelfHeal = false }), []Compared{drift}, synced(time.Hour, 0), Hold, "commit c1 was synced already, and selfHeal is off", 0, 0},
		"the first heal comes at once":             {automated, []Compared{drift}, synced(0, 0), Sync, "the cluster moved away from Git: Service shop/s differs from Git in spec.ports", 1, 0},
		"the second heal waits two seconds":        {automated, []Compared{drift}, synced(time.Second, 1), Hold, "self-heal number 2 of this commit has to wait", 0, time.Second},
		"the third heal waits six seconds":         {automated, []Compared{drift}, synced(2*time.Second, 2), Hold, "self-heal number 3 of this commit has to wait", 0, 4 * time.Second},
		"the hundredth heal waits five minutes":    {automated, []Compared{drift}, synced(time.Minute, 99), Hold, "self-heal number 100 of this commit has to wait", 0, 4 * time.Minute},
		"the hundredth heal comes in the end":      {automated, []Compared{drift}, synced(5*time.Minute, 99), Sync, "the cluster moved away from Git: Service shop/s differs from Git in spec.ports", 1, 0},
		"a failure is tried again after five":      {automated, []Compared{drift}, failed(3*time.Second, 1), Hold, "attempt 2 has to wait", 0, 2 * time.Second},
		"a failure is tried again":                 {automated, []Compared{drift}, failed(5*time.Second, 1), Sync, "attempt 2 after a failure", 0, 0},
		"a second failure waits twice as long":     {automated, []Compared{drift}, failed(5*time.Second, 2), Hold, "attempt 3 has to wait", 0, 5 * time.Second},
		"too many failures":                        {automated, []Compared{drift}, failed(time.Hour, 6), Hold, "commit c1 failed to sync 6 times; Git has to move", 0, 0},
		"failures without a limit wait at most so": {without(func(p *Policy) { p.Retry.Limit = -1 }), []Compared{drift}, failed(time.Minute, 60), Hold, "attempt 61 has to wait", 0, 2 * time.Minute},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := Decide(c.policy, State{Commit: "c1", Objects: c.objects, Last: c.last}, noon)
			if d.Action != c.action || d.Why != c.why || len(d.Keys) != c.keys {
				t.Errorf("got  %s %q %v\nwant %s %q %d keys", d.Action, d.Why, d.Keys, c.action, c.why, c.keys)
			}
			if want := noon.Add(c.wake); c.wake > 0 && !d.Wake.Equal(want) || c.wake == 0 && !d.Wake.IsZero() {
				t.Errorf("wakes at %v, want %v", d.Wake, want)
			}
		})
	}
}

// A rejected revision is not started again after somebody put the old one into the cluster by hand.
func TestARejectedRevisionIsNotStartedAgain(t *testing.T) {
	wanted := rollout(t, "", `{}`)
	aborted := rollout(t, annotation, `{observedGeneration: "4", currentPodHash: bad, stableRS: good, abort: true, phase: Degraded}`)
	remembered := Rejections(nil, []Compared{compared(Object{Desired: wanted, Live: aborted})})
	if len(remembered) != 1 || remembered[0].Hash != "bad" || remembered[0].Commit != "c1" {
		t.Fatalf("remembered %+v", remembered)
	}
	undone := given(t, strings.ReplaceAll(string(mustJSON(t, aborted)), "p:1.4.4", "p:1.4.3"))
	image := []string{"spec.template.spec.containers[0].image"}
	other := given(t, strings.ReplaceAll(string(mustJSON(t, wanted)), "p:1.4.4", "p:1.4.5"))
	promoted := rollout(t, "", `{observedGeneration: "4", currentPodHash: bad, stableRS: bad, phase: Healthy}`)
	cases := map[string]struct {
		object   Object
		last     *Attempt
		action   Action
		remember int
	}{
		"after an undo selfHeal holds":           {Object{Desired: wanted, Live: undone, Changes: image}, &Attempt{Commit: "c1", Succeeded: true}, Hold, 1},
		"after an undo an unrelated commit also": {Object{Desired: wanted, Live: undone, Changes: image}, &Attempt{Commit: "c0", Succeeded: true}, Hold, 1},
		"after it was deleted it stays away":     {Object{Desired: wanted}, &Attempt{Commit: "c1", Succeeded: true}, Hold, 1},
		"a label may be healed":                  {Object{Desired: wanted, Live: undone, Changes: []string{"metadata.labels.team"}}, &Attempt{Commit: "c1", Succeeded: true}, Sync, 1},
		"Git wants another image":                {Object{Desired: other, Live: aborted, Changes: image}, &Attempt{Commit: "c0", Succeeded: true}, Sync, 0},
		"a person retried and it serves":         {Object{Desired: wanted, Live: promoted}, &Attempt{Commit: "c1", Succeeded: true}, Nothing, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			objects := []Compared{compared(c.object)}
			rejected := Rejections(remembered, objects)
			if len(rejected) != c.remember {
				t.Errorf("remembers %+v, want %d", rejected, c.remember)
			}
			d := Decide(automated, State{Commit: "c1", Objects: objects, Last: c.last, Rejected: rejected}, noon)
			if d.Action != c.action {
				t.Errorf("got %s %q, want %s", d.Action, d.Why, c.action)
			}
			if d.Action == Hold && (!strings.Contains(d.Why, "p:1.4.4") || !strings.Contains(d.Why, "success-rate")) {
				t.Errorf("the reason does not say what was rejected: %q", d.Why)
			}
		})
	}
	service := given(t, `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}}`)
	mixed := []Compared{compared(Object{Desired: wanted, Live: undone, Changes: image}), compared(Object{Desired: service})}
	d := Decide(automated, State{Commit: "c2", Objects: mixed, Last: &Attempt{Commit: "c1", Succeeded: true}, Rejected: remembered}, noon)
	if d.Action != Sync || !slices.Equal(d.Keys, []Key{KeyOf(service)}) {
		t.Errorf("a new commit beside it: %s %v, want the Service alone", d.Action, d.Keys)
	}
}
