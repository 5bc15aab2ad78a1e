package notifications

import "time"

// sameNews is how soon after a change an event that fires the same conditional entry tells nothing new: the change and
// the event are two sights of one fact, and either may be seen first.
const sameNews = 5 * time.Second

// A Letter is one notification to be sent.
type Letter struct {
	Namespace string // of the configuration
	Trigger   string
	Templates []string
	To        Destination
	Key       string // in the record; empty for entries without a condition, which are told at every event
}

// A Trial is a trigger of one configuration, evaluated against an object, with those who want to know.
type Trial struct {
	Namespace   string // of the configuration
	SelfService bool   // it is the object's own namespace's, not the controller's
	Trigger     string
	Entries     []Entry
	Subscribers []Destination
}

func (t Trial) key(e Entry, d Destination) string {
	if t.SelfService {
		return Key(t.Namespace, t.Trigger, e, d)
	}
	return Key("", t.Trigger, e, d)
}

func (t Trial) letter(e Entry, d Destination, key string) Letter {
	return Letter{Namespace: t.Namespace, Trigger: t.Trigger, Templates: e.Templates, To: d, Key: key}
}

// A Record is what one object's readers know, and what is on its way to them. The zero value knows nothing.
type Record struct {
	told   Told
	flying map[string]int       // handed out and neither delivered nor given up
	change map[string]time.Time // when a change, not an event, was the reason
}

// NewRecord starts from what the annotation says.
func NewRecord(annotation string) *Record {
	return &Record{told: ReadTold(annotation), flying: map[string]int{}, change: map[string]time.Time{}}
}

// Told is the annotation as it should be.
func (r *Record) Told() string { return r.told.Text() }

// Reread takes over an annotation that somebody else may have changed.
func (r *Record) Reread(annotation string) { r.told = ReadTold(annotation) }

// AtEvent says what an event that happened at a time makes known: every entry without a condition, and those whose
// condition holds, unless the same was just told for the change that the event is about.
func (r *Record) AtEvent(trials []Trial, at time.Time) (letters []Letter) {
	for _, t := range trials {
		for _, e := range t.Entries {
			if e.Conditional && !e.True {
				continue
			}
			for _, d := range t.Subscribers {
				if !e.Conditional {
					letters = append(letters, t.letter(e, d, ""))
					continue
				}
				key := t.key(e, d)
				if r.once(key, e) || at.Before(r.change[key].Add(sameNews)) {
					continue
				}
				r.flying[key]++
				letters = append(letters, t.letter(e, d, key))
			}
		}
	}
	return letters
}

func (r *Record) once(key string, e Entry) bool {
	_, told := r.told[key]
	return e.OncePer != "" && (told || r.flying[key] > 0)
}

// OnChange says what the present state of an object makes known: the conditional entries that hold and were not told.
// An entry that does not hold any more is forgotten, so that it is told anew when it holds again; with `oncePer` it is not.
func (r *Record) OnChange(trials []Trial, now time.Time) (letters []Letter) {
	for _, t := range trials {
		for _, e := range t.Entries {
			if !e.Conditional {
				continue
			}
			for _, d := range t.Subscribers {
				key := t.key(e, d)
				_, told := r.told[key]
				switch {
				case !e.True:
					delete(r.told, key)
					delete(r.change, key)
				case !told && r.flying[key] == 0:
					r.flying[key], r.change[key] = 1, now
					letters = append(letters, t.letter(e, d, key))
				}
			}
		}
	}
	return letters
}

// Delivered notes that a letter arrived.
func (r *Record) Delivered(l Letter, now time.Time) {
	if l.Key == "" {
		return
	}
	r.landed(l.Key)
	r.told.mark(l.Key, now)
}

// Remember notes once more that a letter arrived: the annotation that was read does not know it yet.
func (r *Record) Remember(l Letter, now time.Time) {
	if l.Key != "" {
		r.told.mark(l.Key, now)
	}
}

// GivenUp notes that a letter did not arrive and is not tried again. A change of the object may tell it anew.
func (r *Record) GivenUp(l Letter) {
	r.landed(l.Key)
	delete(r.change, l.Key)
}

func (r *Record) landed(key string) {
	if r.flying[key]--; r.flying[key] <= 0 {
		delete(r.flying, key)
	}
}
