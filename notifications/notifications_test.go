package notifications_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/notifications"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func TestTrigger(t *testing.T) {
	for reason, want := range map[string]string{
		"RolloutStepCompleted":      "on-rollout-step-completed",
		"ScalingReplicaSet":         "on-scaling-replica-set",
		"RolloutAborted":            "on-rollout-aborted",
		"AnalysisRunFailed":         "on-analysis-run-failed",
		"SkipSteps":                 "on-skip-steps",
		"Updated VirtualService":    "on-updated-virtual-service",
		"AnalysisTemplateUnbounded": "on-analysis-template-unbounded",
	} {
		if got := notifications.Trigger(reason); got != want {
			t.Errorf("%s runs %s, want %s", reason, got, want)
		}
	}
}

func to(all ...string) (list []notifications.Destination) {
	for _, one := range all {
		service, name, _ := strings.Cut(one, ":")
		list = append(list, notifications.Destination{Service: service, Recipient: name})
	}
	return list
}

func TestSubscribers(t *testing.T) {
	cases := map[string]struct {
		settings    notifications.Settings
		labels      map[string]string
		annotations map[string]string
		want        notifications.Subscribers
		broken      bool
	}{
		"nobody subscribes to an object that says nothing": {
			annotations: map[string]string{"kubernetes.io/x": "y"}, want: notifications.Subscribers{},
			settings: notifications.Settings{DefaultTriggers: []string{"on-a"}}},
		"a trigger and a service, with several recipients": {
			annotations: map[string]string{"notifications.argoproj.io/subscribe.on-a.slack": "one; two;;"},
			want:        notifications.Subscribers{"on-a": to("slack:one", "slack:two")}},
		"a service alone stands for the default triggers": {
			settings:    notifications.Settings{DefaultTriggers: []string{"on-a", "on-b"}},
			annotations: map[string]string{"notifications.argoproj.io/subscribe.slack": "one"},
			want:        notifications.Subscribers{"on-a": to("slack:one"), "on-b": to("slack:one")}},
		"a service may have default triggers of its own": {
			settings:    notifications.Settings{DefaultTriggers: []string{"on-a"}, ServiceDefaults: map[string][]string{"slack": {"on-b"}}},
			annotations: map[string]string{"notifications.argoproj.io/subscribe.slack": "one", "notifications.argoproj.io/subscribe.mail": "x@y"},
			want:        notifications.Subscribers{"on-a": to("mail:x@y"), "on-b": to("slack:one")}},
		"a webhook needs no recipient": {
			annotations: map[string]string{"notifications.argoproj.io/subscribe.on-a.hook": ""},
			want:        notifications.Subscribers{"on-a": to("hook")}},
		"the long form names several of each": {
			settings: notifications.Settings{DefaultTriggers: []string{"on-d"}},
			annotations: map[string]string{"notifications.argoproj.io/subscriptions": `
- trigger: [on-a, on-b]
  destinations:
  - service: slack
    recipients: [one, two]
  - service: mail
    recipients: [x@y]
- destinations:
  - service: slack
    recipients: [three]`},
			want: notifications.Subscribers{"on-a": to("slack:one", "slack:two", "mail:x@y"), "on-b": to("slack:one", "slack:two", "mail:x@y"), "on-d": to("slack:three")}},
		"a long form that is no list is an error, and the short one counts": {
			annotations: map[string]string{"notifications.argoproj.io/subscriptions": "x: y", "notifications.argoproj.io/subscribe.on-a.slack": "one"},
			want:        notifications.Subscribers{"on-a": to("slack:one")}, broken: true},
		"everybody is told once, however often they subscribed": {
			settings: notifications.Settings{Global: []notifications.Subscription{{Recipients: []string{"slack:one"}, Triggers: []string{"on-a"}}}},
			annotations: map[string]string{"notifications.argoproj.io/subscribe.on-a.slack": "one;one",
				"notifications.argoproj.io/subscriptions": "[{trigger: [on-a], destinations: [{service: slack, recipients: [one]}]}]"},
			want: notifications.Subscribers{"on-a": to("slack:one")}},
		"a global subscription selects by labels": {
			settings: notifications.Settings{DefaultTriggers: []string{"on-a"}, Global: []notifications.Subscription{
				{Recipients: []string{"slack:one", "hook"}, Selector: labels.SelectorFromSet(labels.Set{"team": "a"})},
				{Recipients: []string{"slack:two"}, Selector: labels.SelectorFromSet(labels.Set{"team": "b"})}}},
			labels: map[string]string{"team": "a"},
			want:   notifications.Subscribers{"on-a": to("slack:one", "hook")}},
		"a recipient may contain a colon": {
			settings: notifications.Settings{Global: []notifications.Subscription{{Recipients: []string{"hook:https://x"}, Triggers: []string{"on-a"}}}},
			want:     notifications.Subscribers{"on-a": to("hook:https://x")}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := c.settings.Subscribers(c.labels, c.annotations)
			if !reflect.DeepEqual(got, c.want) || (err != nil) != c.broken {
				t.Errorf("got %v (error %v), want %v", got, err, c.want)
			}
		})
	}
}

// The entries of one trigger that has a subscriber in slack.
func trial(entries ...notifications.Entry) []notifications.Trial {
	return []notifications.Trial{{Namespace: "argo-rollouts", Trigger: "on-a", Entries: entries, Subscribers: to("slack:one")}}
}

func always() notifications.Entry {
	return notifications.Entry{Key: "[0].x", Templates: []string{"always"}}
}

func when(holds bool) notifications.Entry {
	return notifications.Entry{Key: "[1].y", Templates: []string{"when"}, Conditional: true, True: holds}
}

func once(per string) notifications.Entry {
	e := when(per != "")
	e.OncePer = per
	return e
}

func sent(letters []notifications.Letter) string {
	var all []string
	for _, l := range letters {
		all = append(all, fmt.Sprint(l.Templates[0], "→", l.To))
	}
	return strings.Join(all, " ")
}

// A step is something that happens to an object, and what is sent because of it.
type step struct {
	event, change []notifications.Trial
	after         time.Duration // since noon
	sent          string
	fails         bool // what was sent before this step is given up now
	arrives       bool // it arrives now
}

func TestWhatIsTold(t *testing.T) {
	const w, a = "when→slack:one", "always→slack:one"
	cases := map[string]struct {
		annotation string
		steps      []step
		told       string // the annotation at the end
	}{
		"an entry without a condition is told at every event, and never remembered": {
			steps: []step{{event: trial(always()), sent: a}, {arrives: true}, {event: trial(always()), sent: a}, {arrives: true}}},
		"an entry without a condition is not told because of a change": {
			steps: []step{{change: trial(always())}}},
		"a condition that does not hold is not told": {
			steps: []step{{event: trial(when(false))}, {change: trial(when(false))}}},
		"a condition is told when it comes to hold, and once": {
			steps: []step{{change: trial(when(false))}, {change: trial(when(true)), sent: w}, {arrives: true}, {change: trial(when(true))}},
			told:  `{"on-a:[1].y:slack:one":1777896000}`},
		"it is not told again while it is on its way": {
			steps: []step{{change: trial(when(true)), sent: w}, {change: trial(when(true))}}},
		"what was told before a restart is not told again": {
			annotation: `{"on-a:[1].y:slack:one":1777800000}`,
			steps:      []step{{change: trial(when(true))}}, told: `{"on-a:[1].y:slack:one":1777800000}`},
		"it is told anew when it held no more in between": {
			annotation: `{"on-a:[1].y:slack:one":1777800000}`,
			steps:      []step{{change: trial(when(false))}, {change: trial(when(true)), sent: w}}},
		"what could not be delivered is told at the next change": {
			steps: []step{{change: trial(when(true)), sent: w}, {fails: true}, {change: trial(when(true)), sent: w}}},
		"the event first: the change is no news": {
			steps: []step{{event: trial(when(true)), sent: w}, {change: trial(when(true))}, {arrives: true}, {change: trial(when(true))}},
			told:  `{"on-a:[1].y:slack:one":1777896000}`},
		"the change first: the event is no news": {
			steps: []step{{change: trial(when(true)), sent: w}, {arrives: true}, {event: trial(when(true)), after: time.Second}},
			told:  `{"on-a:[1].y:slack:one":1777896000}`},
		"an event whose condition does not hold yet is told by the change": {
			steps: []step{{event: trial(when(false))}, {change: trial(when(true)), sent: w, after: time.Second}}},
		"a later event is news even while the condition holds": {
			steps: []step{{change: trial(when(true)), sent: w}, {arrives: true}, {event: trial(when(true)), after: time.Minute, sent: w}, {arrives: true}},
			told:  `{"on-a:[1].y:slack:one":1777896000}`},
		"with oncePer it is told once per value, by events too": {
			steps: []step{{change: trial(once("r1")), sent: w}, {arrives: true}, {change: trial(once(""))}, {change: trial(once("r1"))},
				{event: trial(once("r1")), after: time.Hour}, {event: trial(once("r2")), after: time.Hour, sent: w}, {event: trial(once("r2")), after: time.Hour}},
			told: `{"r1:on-a:[1].y:slack:one":1777896000}`},
		"an annotation that is not readable says nothing": {
			annotation: `[1`, steps: []step{{change: trial(when(true)), sent: w}}},
		"entries are told for themselves": {
			steps: []step{{event: trial(always(), when(true)), sent: a + " " + w}}},
		"a configuration of the object's namespace is remembered with its name": {
			steps: []step{{change: []notifications.Trial{{Namespace: "shop", SelfService: true, Trigger: "on-a", Entries: []notifications.Entry{when(true)}, Subscribers: to("slack:one")}}, sent: w}, {arrives: true}},
			told:  `{"shop:on-a:[1].y:slack:one":1777896000}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := notifications.NewRecord(c.annotation)
			var flying []notifications.Letter
			for i, s := range c.steps {
				now := noon.Add(s.after)
				letters := append(r.AtEvent(s.event, now), r.OnChange(s.change, now)...)
				if got := sent(letters); got != s.sent {
					t.Fatalf("step %d sends %q, want %q", i, got, s.sent)
				}
				for _, l := range flying {
					if s.fails {
						r.GivenUp(l)
					}
					if s.arrives {
						r.Delivered(l, now)
					}
				}
				if s.fails || s.arrives {
					flying = nil
				}
				flying = append(flying, letters...)
			}
			if got := r.Told(); got != c.told {
				t.Errorf("remembers %s, want %s", got, c.told)
			}
		})
	}
}

func TestARecordForgetsTheOldestOfTooMany(t *testing.T) {
	told := notifications.Told{}
	for i := range 130 {
		told[fmt.Sprintf("k%03d", i)] = int64(i)
	}
	kept := notifications.ReadTold(told.Text())
	if _, oldest := kept["k029"]; len(kept) != 100 || oldest || kept["k030"] != 30 {
		t.Errorf("%d are kept, the oldest %v", len(kept), kept["k030"])
	}
}

func TestRetry(t *testing.T) {
	for name, c := range map[string]struct {
		attempt int
		age     time.Duration
		wait    time.Duration
		again   bool
	}{
		"soon after the first":                  {1, 0, time.Second, true},
		"twice as long after each":              {4, time.Minute, 8 * time.Second, true},
		"never longer than a minute":            {40, 10 * time.Minute, time.Minute, true},
		"not when the news is half an hour old": {40, 30 * time.Minute, time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			if wait, again := notifications.Retry(c.attempt, c.age); wait != c.wait || again != c.again {
				t.Errorf("waits %s, again: %t", wait, again)
			}
		})
	}
}

func TestRunsOfTheCurrentRevisionNewestFirst(t *testing.T) {
	ro := &v1alpha1.Rollout{ObjectMeta: metav1.ObjectMeta{UID: "u", Annotations: map[string]string{v1alpha1.RevisionAnnotation: "2"}},
		Status: v1alpha1.RolloutStatus{CurrentPodHash: "abc"}}
	run := func(name, uid, hash, revision string, age time.Duration) v1alpha1.AnalysisRun {
		return v1alpha1.AnalysisRun{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(noon.Add(-age)),
			OwnerReferences: []metav1.OwnerReference{{UID: types.UID(uid)}}, Labels: map[string]string{v1alpha1.DefaultRolloutUniqueLabelKey: hash},
			Annotations: map[string]string{v1alpha1.RevisionAnnotation: revision}}}
	}
	var names []string
	for _, r := range notifications.RunsOf(ro, []v1alpha1.AnalysisRun{
		run("old", "u", "abc", "2", time.Hour), run("other-rollout", "v", "abc", "2", 0), run("other-hash", "u", "xyz", "2", 0),
		run("other-revision", "u", "abc", "1", 0), run("new", "u", "abc", "2", time.Minute)}) {
		names = append(names, r.Name)
	}
	if got := strings.Join(names, " "); got != "new old" {
		t.Errorf("runs are %s", got)
	}
}
