package notifications

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// remembered is how many notifications an object's annotation remembers at most.
const remembered = 100

// Told is what was told about an object by conditional entries, and when, in Unix seconds. It is kept in the annotation
// notified.notifications.argoproj.io, in the notifications engine's form, so that a restart tells nothing twice.
type Told map[string]int64

// ReadTold reads the annotation. What is not readable was not told.
func ReadTold(annotation string) Told {
	told := Told{}
	if json.Unmarshal([]byte(annotation), &told) != nil || told == nil {
		return Told{}
	}
	return told
}

// Text is the annotation; empty when nothing was told. Of too many the oldest are left out.
func (t Told) Text() string {
	if len(t) == 0 {
		return ""
	}
	keys := slices.SortedFunc(maps.Keys(t), func(a, b string) int {
		if t[a] != t[b] {
			return int(min(max(t[b]-t[a], -1), 1))
		}
		return strings.Compare(a, b)
	})
	kept := Told{}
	for _, key := range keys[:min(len(keys), remembered)] {
		kept[key] = t[key]
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return "" // a map of text to numbers always has a JSON form
	}
	return string(text)
}

func (t Told) mark(key string, now time.Time) { t[key] = now.Unix() }

// Key names in the annotation one entry of a trigger at one destination. namespace is that of a configuration of the
// object's own namespace, and empty for the controller's.
func Key(namespace, trigger string, e Entry, d Destination) string {
	parts := []string{trigger, e.Key, d.Service, d.Recipient}
	if namespace != "" {
		parts = append([]string{namespace}, parts...)
	}
	if e.OncePer != "" {
		parts = append([]string{e.OncePer}, parts...)
	}
	return strings.Join(parts, ":")
}
