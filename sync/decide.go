package sync

import (
	"fmt"
	"slices"
	"time"
)

// A Policy is what an Application says about automatic syncs.
type Policy struct {
	// Automated allows syncs that nobody asked for.
	Automated bool
	// Prune deletes what Git does not have any more.
	Prune bool
	// SelfHeal syncs again what changed in the cluster while Git did not move.
	SelfHeal bool
	// AllowEmpty lets Git want nothing at all.
	AllowEmpty bool
	// Retry says how a failed sync is tried again.
	Retry Retry
}

// Retry spaces attempts after a failure: Duration, times Factor each time, at most Max.
type Retry struct {
	// Limit is the number of attempts after the first. Negative: without end.
	Limit         int
	Duration, Max time.Duration
	Factor        float64
}

// DefaultRetry is what counts where an Application says nothing.
var DefaultRetry = Retry{Limit: 5, Duration: 5 * time.Second, Max: 3 * time.Minute, Factor: 2}

// wait is the pause after the given number of failures, from one on.
func (r Retry) wait(failures int) time.Duration {
	d := float64(r.Duration)
	for range failures - 1 {
		d *= r.Factor
		if d >= float64(r.Max) {
			return r.Max
		}
	}
	return min(time.Duration(d), r.Max)
}

// healing is how long after the previous sync the n-th self-heal of the same commit and source may come. The last
// one stands for all later ones.
var healing = []time.Duration{0, 2, 6, 18, 54, 162, 300}

// An Attempt is what the last sync was and became.
type Attempt struct {
	// Commit and Source are what it synced. Source is any text that changes when the source's settings do.
	Commit, Source string
	Succeeded      bool
	// Finished is when it ended.
	Finished time.Time
	// Heals counts the self-heals of this commit and source, Failures the attempts that failed in a row.
	Heals, Failures int
}

// Compared is an object and the verdict over it.
type Compared struct {
	Object
	Verdict
}

// A State is all that Decide looks at.
type State struct {
	Commit, Source string
	Objects        []Compared
	// Last is nil before the first sync.
	Last *Attempt
	// Rejected are the revisions that were taken back (see Rejections).
	Rejected []Rejection
}

// Action is what to do.
type Action string

// The actions.
const (
	// Nothing: Git and the cluster agree.
	Nothing Action = "Nothing"
	// Sync: apply what Git wants.
	Sync Action = "Sync"
	// Hold: they do not agree, and the machine must not act, or not yet.
	Hold Action = "Hold"
)

// A Decision is what to do and why.
type Decision struct {
	Action Action
	// Why is for people.
	Why string
	// Keys are the objects to sync. Nil: all of them.
	Keys []Key
	// Heal says that the cluster moved, not Git.
	Heal bool
	// Wake is when to decide again although nothing changed; zero: never.
	Wake time.Time
}

// Decide says whether to sync now. The rules are asked in order; the first that has an answer gives it.
func Decide(p Policy, s State, now time.Time) Decision {
	drifted := s.drifted()
	held := s.held(drifted)
	free := slices.DeleteFunc(slices.Clone(drifted), func(c Compared) bool { return held[c.Key()] != "" })
	for _, rule := range []func(Policy, State, []Compared, map[Key]string) *Decision{agreed, manual, onlyPruning, empty, rejected} {
		if d := rule(p, s, free, held); d != nil {
			return *d
		}
	}
	return repeat(p, s, free, len(held) > 0, now)
}

func (s State) drifted() []Compared {
	var all []Compared
	for _, c := range s.Objects {
		if c.drifts() {
			all = append(all, c)
		}
	}
	return all
}

func agreed(_ Policy, s State, free []Compared, held map[Key]string) *Decision {
	if len(free) > 0 || len(held) > 0 {
		return nil
	}
	for _, c := range s.Objects {
		if c.Reason == RolledBack {
			return &Decision{Action: Hold, Why: c.Key().String() + " was rolled back: Git has to move, or a person has to retry"}
		}
	}
	return &Decision{Action: Nothing, Why: "Git and the cluster agree"}
}

func manual(p Policy, _ State, _ []Compared, _ map[Key]string) *Decision {
	if p.Automated {
		return nil
	}
	return &Decision{Action: Hold, Why: "automated sync is off"}
}

func onlyPruning(p Policy, _ State, free []Compared, _ map[Key]string) *Decision {
	if p.Prune || len(free) == 0 || slices.ContainsFunc(free, func(c Compared) bool { return c.Desired != nil }) {
		return nil
	}
	return &Decision{Action: Hold, Why: "only pruning is left to do, and prune is off"}
}

// empty protects against a source that renders to nothing by mistake.
func empty(p Policy, s State, free []Compared, _ map[Key]string) *Decision {
	if p.AllowEmpty || len(free) == 0 || slices.ContainsFunc(s.Objects, func(c Compared) bool { return c.Desired != nil }) {
		return nil
	}
	return &Decision{Action: Hold, Why: "Git wants nothing any more, which would delete every object; set allowEmpty if that is meant"}
}

func rejected(_ Policy, _ State, free []Compared, held map[Key]string) *Decision {
	if len(free) > 0 {
		return nil
	}
	for _, why := range held {
		return &Decision{Action: Hold, Why: why} // an application rarely has two; any of them is true
	}
	return nil
}

// repeat applies what is left of the rules: a commit is synced once; after that only to heal, and after a failure only
// as often as the policy says.
func repeat(p Policy, s State, free []Compared, partly bool, now time.Time) Decision {
	last := s.Last
	if last == nil || last.Commit != s.Commit || last.Source != s.Source {
		return Decision{Action: Sync, Why: "Git moved to " + s.Commit, Keys: keys(free, partly)}
	}
	if !last.Succeeded {
		return again(p.Retry, *last, keys(free, partly), now)
	}
	if !p.SelfHeal {
		return Decision{Action: Hold, Why: "commit " + s.Commit + " was synced already, and selfHeal is off"}
	}
	due := last.Finished.Add(healing[min(last.Heals, len(healing)-1)] * time.Second)
	if now.Before(due) {
		return Decision{Action: Hold, Why: fmt.Sprintf("self-heal number %d of this commit has to wait", last.Heals+1), Wake: due}
	}
	return Decision{Action: Sync, Why: "the cluster moved away from Git: " + free[0].Key().String() + " " + free[0].Message(), Keys: keys(free, true), Heal: true}
}

func again(r Retry, last Attempt, keys []Key, now time.Time) Decision {
	if r.Limit >= 0 && last.Failures > r.Limit {
		return Decision{Action: Hold, Why: fmt.Sprintf("commit %s failed to sync %d times; Git has to move", last.Commit, last.Failures)}
	}
	if due := last.Finished.Add(r.wait(last.Failures)); now.Before(due) {
		return Decision{Action: Hold, Why: fmt.Sprintf("attempt %d has to wait", last.Failures+1), Wake: due}
	}
	return Decision{Action: Sync, Why: fmt.Sprintf("attempt %d after a failure", last.Failures+1), Keys: keys}
}

// keys names the objects when only some are meant.
func keys(objects []Compared, some bool) []Key {
	if !some {
		return nil
	}
	var all []Key
	for _, c := range objects {
		all = append(all, c.Key())
	}
	return all
}
