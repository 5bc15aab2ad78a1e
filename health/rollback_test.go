package health

import (
	"math/rand"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Whatever the controller writes is read as everybody else reads it.
func TestRollbackIsReadAsItIsWritten(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	letters := []rune("ab<>&\"\\/\n\t\x01é€😀\u2028 [0].")
	word := func() string {
		out := make([]rune, r.Intn(6))
		for i := range out {
			out[i] = letters[r.Intn(len(letters))]
		}
		return string(out)
	}
	revision := func() v1alpha1.RollbackRevision {
		out := v1alpha1.RollbackRevision{Hash: word(), Revision: word()}
		for range r.Intn(3) {
			out.Images = append(out.Images, word())
		}
		return out
	}
	for range 2000 {
		written := v1alpha1.Rollback{Wanted: revision(), Serving: revision(), AnalysisRun: word(), Metric: word(),
			Value: word(), Condition: word(), Message: word()}
		if r.Intn(2) == 0 {
			written.Since = metav1.NewTime(time.Unix(r.Int63n(4e9), 0).UTC())
		}
		text := written.Annotation()
		read, err := v1alpha1.RollbackOf(map[string]string{v1alpha1.RollbackAnnotation: text})
		if err != nil {
			t.Fatal(err)
		}
		message, hash, ok := readRollback(text)
		if !ok || message != read.String() || hash != read.Wanted.Hash {
			t.Fatalf("%s\ngot  %q %q %v\nwant %q %q", text, message, hash, ok, read.String(), read.Wanted.Hash)
		}
	}
}

func TestRollbackThatIsNone(t *testing.T) {
	for _, text := range []string{``, `{`, `[]`, `null`, `"x"`, `{}x`, `{"wanted":1}`, `{"wanted":{"images":["a",1]}}`, `{"wanted":{"hash":[]}}`,
		`{"since":"yesterday"}`, `{"since":"2026-11-20T09:30:00+01:00"}`, `{"x":nope}`, `{"x":-}`, `{"x":"\q"}`, `{"x":"\u12g4"}`, `{"x":1,}`, `{"x" 1}`} {
		if message, _, ok := readRollback(text); ok {
			t.Errorf("%s was read: %s", text, message)
		}
	}
}
