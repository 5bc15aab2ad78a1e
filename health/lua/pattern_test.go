package lua

import (
	"context"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	vm "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/pm"
)

// TestPatternsAgree holds our matcher against that of the virtual machine, on patterns of all kinds.
func TestPatternsAgree(t *testing.T) {
	l := vm.NewState(vm.Options{SkipOpenLibs: true})
	defer l.Close()
	pieces := []string{"a", "b", "ab", ".", "%a", "%d", "%s", "%A", "%%", "%.", "%-", "[ab]", "[^ab]", "[a-c]", "[%d_]", "[a-]", "[]a]", "[^]]", "[-a]",
		"[%a-z]", "*", "+", "-", "?", "(", ")", "()", "%1", "%2", "%b()", "%bab", "$", "^", "]", "%", "[", "[a", "%0", "%f[a]", " "}
	r := rand.New(rand.NewSource(7))
	matched, failed := 0, 0
	for range 60_000 {
		var text, pattern strings.Builder
		for range r.Intn(9) {
			text.WriteString([]string{"a", "b", "c", "1", "(", ")", " ", "-", "]", "%"}[r.Intn(10)])
		}
		if r.Intn(4) == 0 {
			pattern.WriteByte('^')
		}
		for range 1 + r.Intn(5) {
			pattern.WriteString(pieces[r.Intn(len(pieces))])
		}
		offset, limit := r.Intn(3), []int{1, -1, 2}[r.Intn(3)]
		want, wantErr := theirs(pattern.String(), text.String(), offset, limit)
		if wantErr == "panic" {
			continue // the virtual machine falls over its own feet; so would Argo CD
		}
		got, gotErr := ours(l, pattern.String(), text.String(), offset, limit)
		if got != want || (gotErr == "") != (wantErr == "") {
			t.Fatalf("%q in %q from %d, limit %d\ngot  %s %s\nwant %s %s", pattern.String(), text.String(), offset, limit, got, gotErr, want, wantErr)
		}
		matched += boolean(want != "")
		failed += boolean(wantErr != "")
	}
	if matched < 4000 || failed < 1000 {
		t.Errorf("only %d matched and %d were malformed", matched, failed)
	}
}

func theirs(pattern, text string, offset, limit int) (out, failure string) {
	defer func() {
		if recover() != nil {
			failure = "panic"
		}
	}()
	found, err := pm.Find(pattern, []byte(text), offset, limit)
	if err != nil {
		return "", err.Error()
	}
	for _, m := range found {
		for i := 0; i < m.CaptureLength(); i += 2 {
			if m.IsPosCapture(i) {
				out += fmt.Sprintf("@%d ", m.Capture(i))
			} else {
				out += fmt.Sprintf("%d-%d ", m.Capture(i), m.Capture(i+1))
			}
		}
		out += "; "
	}
	return out, ""
}

func ours(l *vm.LState, pattern, text string, offset, limit int) (out, failure string) {
	p, err := parsePattern(pattern)
	if err != nil {
		return "", err.Error()
	}
	defer func() {
		if e, is := recover().(*vm.ApiError); is {
			out, failure = "", e.Error()
		}
	}()
	l.SetContext(&meter{parent: context.Background(), limits: Limits{1 << 30, 1 << 30}})
	for _, m := range find(l, p, text, offset, limit) {
		for i := range m.places {
			if m.places[i] {
				out += fmt.Sprintf("@%d ", m.ends[2*i])
			} else {
				out += fmt.Sprintf("%d-%d ", m.ends[2*i], m.ends[2*i+1])
			}
		}
		out += "; "
	}
	return out, ""
}
