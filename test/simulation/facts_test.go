package simulation

import (
	"strings"
	"testing"
)

// facts is what happened in a story, in order.
type facts []traceEntry

// texts are the entries of some kinds.
func (f facts) texts(kinds ...string) []string {
	var found []string
	for _, e := range f {
		for _, kind := range kinds {
			if e.Kind == kind {
				found = append(found, e.Text)
			}
		}
	}
	return found
}

// after are the facts after the first entry that contains a text.
func (f facts) after(t *testing.T, text string) facts {
	t.Helper()
	for i, e := range f {
		if strings.Contains(e.Text, text) {
			return f[i+1:]
		}
	}
	t.Fatalf("nothing like %q happened", text)
	return nil
}

// inOrder demands that texts occur one after the other, each in an entry of its own, with anything between them.
func (f facts) inOrder(t *testing.T, texts ...string) {
	t.Helper()
	rest := f
	for i, text := range texts {
		at := -1
		for j, e := range rest {
			if strings.Contains(e.Kind+" "+e.Text, text) {
				at = j
				break
			}
		}
		if at < 0 {
			t.Errorf("%q did not happen after %q", text, strings.Join(texts[:i], "; "))
			return
		}
		rest = rest[at+1:]
	}
}

// never demands that nothing of the kind contains the text.
func (f facts) never(t *testing.T, text string) {
	t.Helper()
	for _, e := range f {
		if strings.Contains(e.Kind+" "+e.Text, text) {
			t.Errorf("%q happened: %s", text, e.Text)
		}
	}
}

// reasons are the reasons of the events, in order: what acceptance compares.
func (f facts) reasons() []string {
	var found []string
	for _, text := range f.texts("event") {
		text = strings.TrimPrefix(text, "Warning ")
		reason, _, _ := strings.Cut(text, " · ")
		found = append(found, reason)
	}
	return found
}
