// Package notifications decides who is told what about an object: which triggers an event runs, who subscribed, which
// entries of a trigger fire, what was told already, and when to try again after a failure. It renders no template,
// evaluates no expression and talks to nobody: that is notifications/deliver, and the shell that hands one to the other.
// The rules are those of spec 11.7.
package notifications

import (
	"strings"
	"unicode"
)

// Trigger is the name of the trigger that an event with a reason runs: RolloutStepCompleted runs
// on-rollout-step-completed.
func Trigger(reason string) string {
	var name strings.Builder
	name.WriteString("on-")
	var last rune
	for _, r := range reason {
		switch {
		case unicode.IsSpace(r):
			r = '-'
		case unicode.IsUpper(r) && (unicode.IsLower(last) || unicode.IsDigit(last)):
			name.WriteByte('-')
		}
		name.WriteRune(unicode.ToLower(r))
		last = r
	}
	return name.String()
}

// An Entry is one item of a trigger's list, evaluated against an object.
type Entry struct {
	Key         string   // tells the entries of a trigger apart, and changes with the text of `when`
	Templates   []string // what it sends, merged into one notification
	Conditional bool     // it has a `when`
	True        bool     // its `when` holds
	OncePer     string   // the value of its `oncePer`, if it has one and its `when` holds
}

// A Destination is a service of the configuration and somebody whom it reaches.
type Destination struct {
	Service   string
	Recipient string // a channel, an address; empty for services that have only one
}

func (d Destination) String() string {
	if d.Recipient == "" {
		return d.Service
	}
	return d.Service + ":" + d.Recipient
}
