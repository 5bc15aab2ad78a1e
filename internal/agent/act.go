package agent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-delivery/sluice/sync"
	"github.com/sluice-delivery/sluice/sync/engine"
)

// running is a sync that has begun.
type running struct {
	engine.Operation
	request  Operation // as shown in the status
	settings engine.Settings
	source   string
	heal     bool
	byHand   bool
}

// act goes on with a sync that has begun, or decides whether to begin one.
func (a *Agent) act(l *look) {
	s := l.state
	if s.running != nil && s.running.Commit != s.source.commit {
		a.terminate(l) // it waits for what Git does not want any more
	}
	if s.running == nil {
		a.begin(l)
	}
	if s.running != nil {
		a.step(l)
	}
}

func (a *Agent) begin(l *look) {
	s := l.state
	if len(l.picture.Foreign) > 0 {
		return // told in a condition; two applications would undo each other's work
	}
	if l.request.Operation != nil {
		a.beginByHand(l)
		return
	}
	now := a.now()
	if now.Before(s.settle) {
		l.sooner(s.settle)
		return
	}
	d := sync.Decide(l.request.policy, sync.State{
		Commit: s.source.commit, Source: s.source.key, Objects: l.compared, Last: s.Attempt, Rejected: s.Rejected,
	}, now)
	l.sooner(d.Wake)
	a.log.Debug("decided", "application", l.name(), "action", d.Action, "reason", d.Why)
	if d.Action != sync.Sync {
		if d.Action == sync.Hold && d.Wake.IsZero() {
			l.condition("SyncHeld", d.Why)
		}
		return
	}
	a.log.Info("sync", "application", l.name(), "commit", short(s.source.commit), "reason", d.Why, "heal", d.Heal)
	settings := l.request.settings
	settings.Prune, settings.Keys = l.request.policy.Prune, d.Keys
	s.running = &running{
		Operation: engine.Operation{Commit: s.source.commit, Started: now}, settings: settings, source: s.source.key, heal: d.Heal,
		request: Operation{Sync: &OperationSync{Revision: s.source.commit, Prune: settings.Prune}, InitiatedBy: &Initiator{Automated: true}},
	}
	a.events.Event(l.obj, "Normal", "OperationStarted", "Initiated automated sync to '"+s.source.commit+"': "+d.Why)
}

// beginByHand does what a person asked for, also where the machine would hold.
func (a *Agent) beginByHand(l *look) {
	l.taken = true
	s, asked := l.state, *l.request.Operation
	if want := asked.Sync.Revision; want != "" && want != s.source.commit && want != l.request.Spec.Source.TargetRevision {
		l.condition("SyncError", fmt.Sprintf("operation.sync.revision %q is not what targetRevision means; change spec.source.targetRevision instead", want))
		return
	}
	settings := l.request.settings
	settings.Prune = asked.Sync.Prune
	asked.Sync = &OperationSync{Revision: s.source.commit, Prune: asked.Sync.Prune}
	s.Rejected = nil
	s.running = &running{Operation: engine.Operation{Commit: s.source.commit, Started: a.now()}, settings: settings, source: s.source.key, request: asked, byHand: true}
	who := "somebody"
	if asked.InitiatedBy != nil && asked.InitiatedBy.Username != "" {
		who = asked.InitiatedBy.Username
	}
	a.log.Info("sync", "application", l.name(), "commit", short(s.source.commit), "reason", who+" asked for it")
	a.events.Event(l.obj, "Normal", "OperationStarted", who+" initiated sync to '"+s.source.commit+"'")
}

// step takes the sync one wave further.
func (a *Agent) step(l *look) {
	s := l.state
	next, err := a.engine.Step(l.request.app, l.picture, s.running.settings, s.running.Operation)
	if err != nil {
		next.Phase, next.Message = "Error", err.Error()
	}
	s.running.Operation = next
	s.settle = a.now().Add(settling)
	if !next.Done() {
		l.sooner(a.now().Add(time.Second))
		l.operating(s.running, nil, 0)
		return
	}
	a.finish(l)
}

func (a *Agent) finish(l *look) {
	s := l.state
	done := s.running
	s.running = nil
	now := a.now()
	s.Attempt = attempted(s.Attempt, done, now)
	l.sooner(s.settle)
	l.operating(done, &now, s.Attempt.Failures)
	a.metrics.synced(l.key(), done.Phase)
	if done.Succeeded() {
		l.deployed(done, now, l.request.history)
		a.await(l)
		a.log.Info("synced", "application", l.name(), "commit", short(done.Commit), "message", done.Message)
		a.events.Event(l.obj, "Normal", "OperationCompleted", "Sync operation to "+done.Commit+" succeeded")
		return
	}
	message := problems(done.Operation)
	a.log.Error("sync failed", "application", l.name(), "commit", short(done.Commit), "message", message)
	a.events.Event(l.obj, "Warning", "OperationCompleted", "Sync operation to "+done.Commit+" failed: "+message)
}

// await waits a moment for the watch to show what was applied, so that the verdict is not about the time before.
func (a *Agent) await(l *look) {
	for range 10 {
		if !slices.ContainsFunc(l.compared, func(c sync.Compared) bool { return c.Status == sync.OutOfSync && c.Reason != sync.RolledBack }) {
			return
		}
		time.Sleep(settling / 10)
		if err := a.compare(l); err != nil {
			return // the next look says what is wrong
		}
	}
}

// attempted counts: a new commit, other settings, or a person start the count of self-heals again.
func attempted(before *sync.Attempt, done *running, now time.Time) *sync.Attempt {
	next := &sync.Attempt{Commit: done.Commit, Source: done.source, Succeeded: done.Succeeded(), Finished: now}
	same := before != nil && before.Commit == next.Commit && before.Source == next.Source && !done.byHand
	if same {
		next.Heals = before.Heals
	}
	if done.heal {
		next.Heals++
	}
	if !next.Succeeded {
		next.Failures = 1
		if same {
			next.Failures += before.Failures
		}
	}
	return next
}

// problems are the messages of what failed, since the message of the whole often only says that something did.
func problems(o engine.Operation) string {
	text := o.Message
	for _, r := range o.Results {
		failed := r.Status == "SyncFailed" || r.HookPhase == "Failed" || r.HookPhase == "Error"
		if failed && !strings.Contains(text, r.Message) {
			text += "; " + r.Key.String() + ": " + r.Message
		}
	}
	return text
}

func (a *Agent) terminate(l *look) {
	s := l.state
	if _, err := a.engine.Terminate(l.request.app, l.picture, s.running.settings, s.running.Operation); err != nil {
		a.log.Error("end a sync", "application", l.name(), "error", err)
	}
	a.log.Info("sync given up, Git moved on", "application", l.name(), "commit", short(s.running.Commit))
	s.running = nil
}
