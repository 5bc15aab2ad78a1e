// Package providertest is the conformance kit of metric providers: what each of them promises, played against a server
// on this machine. A provider's test says how it is asked and what its recorded answers amount to; the kit adds what is
// the same for all: a server that is late, broken, silent, wordy or not there, and credentials that nobody may see.
package providertest

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sluice-delivery/sluice/analysis/provider"
	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Secret is what a kit's metric has for every password, token and key that the provider knows.
const Secret = "hush-hush-4711"

// A Kit describes one provider.
type Kit struct {
	// New builds it.
	New func(provider.Deps) provider.Provider
	// Metric asks the server at an address, with a timeout of one second and with Secret as every credential.
	Metric func(address string) v1alpha1.Metric
	// Folder of recorded answers, below testdata/responses.
	Folder string
	// Answers says what each recorded answer amounts to, by file name. There has to be one for each file.
	Answers map[string]Answer
	// Text and Empty say what an answer amounts to that is a text where JSON is usual, and one without a body.
	Text, Empty Answer
}

// An Answer is what an answer of the server amounts to.
type Answer struct {
	// Status of the answer; 200 when it is 0.
	Status int
	// Sample that it becomes, unless Err is set. NaN equals NaN here.
	Sample provider.Sample
	// Err is the text of the error.
	Err string
	// Change is applied to the metric, if given.
	Change func(*v1alpha1.Metric)
}

// Run plays everything.
func Run(t *testing.T, k Kit) {
	t.Run("every recorded answer", k.recorded)
	t.Run("a text instead of JSON", func(t *testing.T) { k.judge(t, []byte("upstream says hello"), k.Text) })
	t.Run("an answer without a body", func(t *testing.T) { k.judge(t, nil, k.Empty) })
	for name, status := range map[string]int{"a broken server": 500, "a refusal": 401, "nothing there": 404} {
		t.Run(name, func(t *testing.T) { k.fails(t, reply(status, "no. you said "+Secret), fmt.Sprint(status)) })
	}
	t.Run("a server that echoes what it was sent", func(t *testing.T) { k.fails(t, echo, "") })
	t.Run("a server that is late", k.late)
	t.Run("a caller who gives up", k.givesUp)
	t.Run("an answer without end", k.endless)
	t.Run("a connection that breaks off", func(t *testing.T) { k.fails(t, breakOff, "") })
	t.Run("nobody listens", k.nobody)
	t.Run("credentials stay where they were meant to go", k.redirected)
}

func (k Kit) recorded(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root(t), "testdata/responses", k.Folder, "*.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded answers: %v", err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		name := filepath.Base(file)
		seen[name] = true
		t.Run(name, func(t *testing.T) {
			want, known := k.Answers[name]
			if !known {
				t.Fatal("the kit does not say what this answer amounts to")
			}
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			k.judge(t, body, want)
		})
	}
	for name := range k.Answers {
		if !seen[name] {
			t.Errorf("there is no recorded answer %s", name)
		}
	}
}

// root is the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(folder, "go.mod")); missing == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			break
		}
		folder = filepath.Dir(folder)
	}
	t.Fatal("the test does not run inside the module")
	return ""
}

// judge compares what the provider makes of one answer.
func (k Kit) judge(t *testing.T, body []byte, want Answer) {
	t.Helper()
	got, err := k.measure(t, t.Context(), reply(want.Status, string(body)), want.Change)
	switch {
	case want.Err != "":
		if err == nil || err.Error() != want.Err {
			t.Errorf("got %+v, %v; want the error %s", got, err, want.Err)
		}
	case err != nil:
		t.Errorf("got the error %v, want %+v", err, want.Sample)
	case !alike(got, want.Sample):
		t.Errorf("got %#v, want %#v", got, want.Sample)
	}
}

// fails wants an error that names a word and no secret.
func (k Kit) fails(t *testing.T, server http.HandlerFunc, word string) {
	t.Helper()
	got, err := k.measure(t, t.Context(), server, nil)
	if err == nil && word == "" {
		return // an echo may well be an answer
	}
	if err == nil || !strings.Contains(err.Error(), word) {
		t.Errorf("got %+v, %v; want an error with %q in it", got, err, word)
	}
}

func (k Kit) late(t *testing.T) {
	began := time.Now()
	k.fails(t, wait, "deadline exceeded")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a timeout of one second took %s", took)
	}
}

func (k Kit) givesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if got, err := k.measure(t, ctx, wait, nil); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("got %+v, %v", got, err)
	}
}

func (k Kit) endless(t *testing.T) {
	line := strings.Repeat("x", 1<<16)
	k.fails(t, func(w http.ResponseWriter, r *http.Request) {
		for range 2 * provider.Largest / len(line) {
			if _, err := fmt.Fprint(w, line); err != nil {
				return
			}
		}
	}, fmt.Sprintf("longer than %d bytes", provider.Largest))
}

func (k Kit) nobody(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.URL
	server.Close()
	got, err := k.ask(t, t.Context(), address, nil)
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %+v, %v", got, err)
	}
}

// redirected sends the provider elsewhere; there, no credentials may arrive.
func (k Kit) redirected(t *testing.T) {
	leaked := make(chan string, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if strings.Contains(fmt.Sprint(values), Secret) || name == "Authorization" {
				leaked <- name
			}
		}
	}))
	defer elsewhere.Close()
	k.measure(t, t.Context(), func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusFound)
	}, nil)
	select {
	case name := <-leaked:
		t.Errorf("the header %s was sent to another server", name)
	default:
	}
}

// measure asks the provider about a server of its own.
func (k Kit) measure(t *testing.T, ctx context.Context, handler http.HandlerFunc, change func(*v1alpha1.Metric)) (provider.Sample, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	defer server.CloseClientConnections()
	return k.ask(t, ctx, server.URL, change)
}

// ask measures once. Whatever comes back, an error bears no secret.
func (k Kit) ask(t *testing.T, ctx context.Context, address string, change func(*v1alpha1.Metric)) (provider.Sample, error) {
	t.Helper()
	metric := k.Metric(address)
	if change != nil {
		change(&metric)
	}
	got, err := k.New(provider.Deps{HTTP: provider.NewTransport()}).Measure(ctx, provider.Query{Metric: metric, Now: time.Now()})
	if err != nil && strings.Contains(err.Error(), Secret) {
		t.Errorf("the error bears a credential: %v", err)
	}
	return got, err
}

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if status != 0 {
			w.WriteHeader(status)
		}
		fmt.Fprint(w, body)
	}
}

// echo answers with an error that repeats the request, headers included.
func echo(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"status":"error","errorType":"bad_data","error":"you sent %v to %s"}`, r.Header, r.URL)
}

// wait answers when the asker is gone, which a server only sees once it has read the question.
func wait(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	select {
	case <-r.Context().Done():
	case <-time.After(10 * time.Second):
	}
}

// breakOff ends the connection in the middle of an answer.
func breakOff(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "1000")
	fmt.Fprint(w, `{"status":`)
}

// alike compares samples; a number that is none equals itself.
func alike(a, b provider.Sample) bool {
	an, aok := a.Result.([]float64)
	bn, bok := b.Result.([]float64)
	if aok && bok && len(an) == len(bn) {
		for i := range an {
			if an[i] != bn[i] && !(math.IsNaN(an[i]) && math.IsNaN(bn[i])) {
				return false
			}
		}
		a.Result, b.Result = nil, nil
	}
	return reflect.DeepEqual(a, b)
}
