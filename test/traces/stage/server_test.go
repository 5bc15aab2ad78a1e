package stage

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-delivery/sluice/test/traces/story"
)

func TestServerAnswersWhatIsScriptedAndRemembersWhatItWasAsked(t *testing.T) {
	s, err := startServer()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.answer(map[string]story.Answer{"/ok": {Status: 201, Body: "first", Headers: map[string]string{"X-A": "b"}}})
	get := func() (int, string) {
		response, err := http.Get(s.URL + "/ok?at=1764000000&q=a%20b")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(body)
	}
	if status, body := get(); status != 201 || body != "first" {
		t.Errorf("answer = %d %q", status, body)
	}
	s.answer(map[string]story.Answer{"/ok": {Status: 500}})
	if status, body := get(); status != 500 || body != "" {
		t.Errorf("answer = %d %q", status, body)
	}
	response, err := http.Post(s.URL+"/unknown", "application/x-www-form-urlencoded", strings.NewReader("query=up%7B%7D&time=1764000000.5"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("an unscripted path was answered with %d", response.StatusCode)
	}
	asked := s.asked()
	for _, want := range []string{
		"GET /ok?at=<number>&q=a b",
		"POST /unknown · Content-Type: application/x-www-form-urlencoded · body query=up{}&time=<number>",
	} {
		if asked[want] != true {
			t.Errorf("%q was not remembered: %v", want, asked)
		}
	}
	if len(asked) != 2 {
		t.Errorf("asked = %v", asked)
	}
}
