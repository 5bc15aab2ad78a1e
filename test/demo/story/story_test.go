package story

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestDifference(t *testing.T) {
	tests := map[string]struct {
		theirs, ours any
		want         []string
	}{
		"equal values have none": {map[string]any{"a": []any{1, 2}}, map[string]any{"a": []any{1, 2}}, nil},
		"a changed value is named by its path": {
			map[string]any{"a": map[string]any{"b": 1}}, map[string]any{"a": map[string]any{"b": 2}}, []string{" a b: 1 → 2"}},
		"what only one side has is shown as a whole": {
			map[string]any{}, map[string]any{"a": map[string]any{"b": 1}}, []string{` a: nothing → {"b":1}`}},
		"lists of one length are compared one by one": {[]any{1, 2}, []any{1, 3}, []string{"[1]: 2 → 3"}},
		"others as a whole":                           {[]any{1}, []any{1, 3}, []string{": [1] → [1,3]"}},
		"of a long text the lines that differ":        {"same\n[5m]\nend\n", "same\n[10s]\nend\n", []string{`: "[5m]" → "[10s]"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := difference("", test.theirs, test.ours); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAnswersAreCounted(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("X-Case") {
		case "proxy":
			w.WriteHeader(http.StatusServiceUnavailable) // nobody's version
		case "own":
			w.Header().Set("X-Version", "2")
			w.WriteHeader(http.StatusInternalServerError)
		case "cut off":
			panic(http.ErrAbortHandler)
		default:
			w.Header().Set("X-Version", "1")
		}
	}))
	defer server.Close()
	load := NewLoad(strings.TrimPrefix(server.URL, "http://"))
	tests := map[string]struct {
		version string
		status  int
		lost    bool
		failed  int
	}{
		"good":    {version: "1", status: 200},
		"own":     {version: "2", status: 500, failed: 1},
		"proxy":   {status: 503, lost: true, failed: 1},
		"cut off": {lost: true, failed: 1},
	}
	var all []Answer
	for name, test := range tests {
		a := load.Ask(t.Context(), Stream{Method: "GET", Header: http.Header{"X-Case": {name}}})
		if a.Version != test.version || a.Status != test.status || a.Lost() != test.lost || failures([]Answer{a}) != test.failed {
			t.Errorf("%s: %+v", name, a)
		}
		all = append(all, a)
	}
	if share := Share(all, "1"); share != 25 {
		t.Errorf("share %g", share)
	}
	if got := versions(all); got != "1: 1, 2 with 500: 1, nobody with 0: 1, nobody with 503: 1" {
		t.Errorf("%s", got)
	}
}

func TestSlackChecksTheToken(t *testing.T) {
	s := &Slack{token: "right"}
	for _, token := range []string{"wrong", "right"} {
		form := url.Values{"channel": {"c"}, "text": {token}}
		r := httptest.NewRequest(http.MethodPost, "/api/chat.postMessage", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		s.post(w, r)
		if ok := strings.Contains(w.Body.String(), `"ok":true`); ok != (token == "right") {
			t.Errorf("%s: %s", token, w.Body)
		}
	}
	messages, refused := s.Messages()
	if len(messages) != 1 || messages[0].Text != "right" || messages[0].Channel != "c" || refused != 1 {
		t.Errorf("%+v, %d refused", messages, refused)
	}
}

func TestPictureIsXML(t *testing.T) {
	picture := string(Picture([]string{"", " 1  <b> & title", "    ✔ " + strings.Repeat("long ", 40), "      changed in a manifest", "        more of it"}))
	for decoder := xml.NewDecoder(strings.NewReader(picture)); ; {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(picture, "<text"); n != 3 {
		t.Errorf("%d lines instead of a title and a long line in two", n)
	}
	if strings.Contains(picture, "changed") || strings.Contains(picture, "more of it") {
		t.Error("what the demo changes is not left out")
	}
}

func TestUntilSaysWhatWasSeenLast(t *testing.T) {
	err := until(t.Context(), 0, "the moon", func() (bool, string) { return false, "a cloud" })
	if err == nil || err.Error() != "the moon: not observed within 0s; seen last: a cloud" {
		t.Error(err)
	}
}
