package cmp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/status"

	"github.com/sluice-delivery/sluice/render"
)

// asked is one question of one application.
type asked struct {
	application, path, parameters string
	files                         map[string]string
}

func (a asked) archive(t *testing.T) []byte {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(a.files)) {
		all = append(all, name, a.files[name])
	}
	return pack(t, all...)
}

func (a asked) metadata() *metadata {
	return &metadata{AppName: a.application, AppRelPath: a.path, Env: []envEntry{
		{"ARGOCD_APP_NAME", a.application}, {"ARGOCD_APP_REVISION", "0123456789"}, {"ARGOCD_APP_PARAMETERS", a.parameters},
	}}
}

// local is a service without a server, with a cache or as good as none.
func local(cacheBytes int64) *service {
	a, c := newAdmission(4, 100, 1<<28), newCache(cacheBytes)
	return &service{limits: render.DefaultLimits, archive: 1 << 24, timeout: time.Minute, admission: a, cache: c, metrics: newMetrics(a, c), log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

// say asks a service as a stream would, and returns what it answers, error or manifests, as one text.
func (s *service) say(t *testing.T, a asked) string {
	t.Helper()
	m, archive := a.metadata(), a.archive(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answer, err := s.generate(ctx, &replay{messages: []*appStreamRequest{{Metadata: m}, {IsFile: true, File: archive}}})
	if err != nil {
		return "error: " + status.Convert(err).Message()
	}
	var read manifestResponse
	if err := read.decode(answer.encode()); err != nil {
		t.Fatal(err)
	}
	return strings.Join(read.Manifests, "\n")
}

// replay is a stream of messages that are there already.
type replay struct{ messages []*appStreamRequest }

func (r *replay) RecvMsg(into any) error {
	if len(r.messages) == 0 {
		return io.EOF
	}
	*into.(*appStreamRequest) = *r.messages[0]
	r.messages = r.messages[1:]
	return nil
}

func cm(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {v: %q}\n", name, value)
}

// Pairs that a careless key would take for one. Each is asked in both orders, twice, of one service.
func TestTheCacheTellsApplicationsApart(t *testing.T) {
	plain := map[string]string{"a/x.yaml": cm("x", "1"), "b/x.yaml": cm("x", "2"), "x.yaml": cm("x", "3")}
	with := func(more ...string) map[string]string {
		all := maps.Clone(plain)
		for i := 0; i < len(more); i += 2 {
			if all[more[i]] = more[i+1]; more[i+1] == "" {
				delete(all, more[i])
			}
		}
		return all
	}
	kustomized := map[string]string{"a/kustomization.yaml": "resources: [../base]\nnamePrefix: p-\n", "base/kustomization.yaml": "resources: [x.yaml]\nconfigMapGenerator: [{name: g, files: [data]}]\n", "base/x.yaml": cm("x", "1"), "base/data": "1"}
	other := func(more ...string) map[string]string {
		all := maps.Clone(kustomized)
		for i := 0; i < len(more); i += 2 {
			if all[more[i]] = more[i+1]; more[i+1] == "" {
				delete(all, more[i])
			}
		}
		return all
	}
	null := "null"
	prefix := func(p string) string { return `[{"name":"namePrefix","string":"` + p + `"}]` }
	cases := map[string][2]asked{
		"two folders of one repository":           {{"one", "a", null, plain}, {"two", "b", null, plain}},
		"one name, two repositories":              {{"one", "a", null, plain}, {"one", "a", null, with("a/x.yaml", cm("x", "9"))}},
		"one path spelled twice":                  {{"one", "a", null, plain}, {"two", "a/../b", null, plain}},
		"parameters that look like a path":        {{"one", "a", null, kustomized}, {"one", "a" + null, "", kustomized}},
		"other parameters":                        {{"one", "a", prefix("q-"), kustomized}, {"one", "a", prefix("r-"), kustomized}},
		"a file of a base":                        {{"one", "a", null, kustomized}, {"two", "a", null, other("base/x.yaml", cm("x", "2"))}},
		"a file that a generator reads":           {{"one", "a", null, kustomized}, {"two", "a", null, other("base/data", "2")}},
		"a second kustomization":                  {{"one", "a", null, kustomized}, {"two", "a", null, other("a/kustomization.yml", "resources: [../base]\n")}},
		"a kustomization beside plain files":      {{"one", "a", null, plain}, {"two", "a", null, with("a/kustomization.yaml", "resources: [x.yaml]\nnamePrefix: p-\n")}},
		"one more plain file":                     {{"one", "a", null, plain}, {"two", "a", null, with("a/y.yaml", cm("y", "1"))}},
		"one plain file less":                     {{"one", ".", null, with("y.yaml", cm("y", "1"))}, {"two", ".", null, plain}},
		"the same content under another name":     {{"one", "a", null, plain}, {"two", "a", null, with("a/x.yaml", "", "a/z.yaml", cm("x", "2"))}},
		"a link instead of a file":                {{"one", "a", null, plain}, {"two", "a", null, with("a/x.yaml", "->../b/x.yaml")}},
		"a folder of a chart":                     {{"one", "a", null, plain}, {"two", "a", null, with("a/Chart.yaml", "name: x")}},
		"a source that is wrong":                  {{"one", "a", null, kustomized}, {"two", "a", null, other("base/x.yaml", "kind: [")}},
		"an empty source":                         {{"one", "a", null, plain}, {"two", "a", null, with("a/x.yaml", "# nothing\n")}},
		"a folder in place of a file":             {{"one", "a", null, kustomized}, {"two", "a", null, other("base/x.yaml", "", "base/x.yaml/kustomization.yaml", "resources: [y.yaml]", "base/x.yaml/y.yaml", cm("x", "7"))}},
		"what is wrong names its own application": {{"one", "c", null, plain}, {"two", "c", null, plain}},
		"a parameter that is wrong names its own": {{"one", "a", "[", plain}, {"two", "a", "[", plain}},
	}
	for name, pair := range cases {
		t.Run(name, func(t *testing.T) {
			fresh := [2]string{local(1).say(t, pair[0]), local(1).say(t, pair[1])}
			if fresh[0] == fresh[1] && !strings.Contains(name, "link") {
				t.Fatalf("the pair shows nothing: both are %s", fresh[0])
			}
			for _, order := range [][]int{{0, 1, 0, 1}, {1, 0, 0, 1, 1}} {
				s := local(1 << 20)
				for step, i := range order {
					if got := s.say(t, pair[i]); got != fresh[i] {
						t.Errorf("order %v, step %d: got\n%s\nwant\n%s", order, step, got, fresh[i])
					}
				}
			}
		})
	}
}

// What a client says of an archive is no key: neither its checksum nor its size.
func TestTheCacheDoesNotTrustTheClient(t *testing.T) {
	s := local(1 << 20)
	a := asked{"one", ".", "null", map[string]string{"x.yaml": cm("x", "secret")}}
	want := s.say(t, a)
	if s.say(t, a) != want || s.cache.order.Len() != 1 {
		t.Fatal("the answer is not cached: nothing is shown")
	}
	sum := sha256.Sum256(a.archive(t))
	m := a.metadata()
	m.AppName, m.Checksum, m.Size = "thief", hex.EncodeToString(sum[:]), int64(len(a.archive(t)))
	for name, archive := range map[string][]byte{"another archive": pack(t, "x.yaml", cm("x", "mine")), "no archive": nil, "half of it": a.archive(t)[:40]} {
		answer, err := s.generate(t.Context(), &replay{messages: []*appStreamRequest{{Metadata: m}, {IsFile: true, File: archive}}})
		if err == nil || !strings.Contains(err.Error(), "the checksum of the archive is not what was announced") {
			t.Errorf("%s with the checksum of another: %v, %v", name, answer, err)
		}
	}
}

func TestTheCacheAnswers(t *testing.T) {
	s := local(1 << 20)
	from := func(a asked) string {
		t.Helper()
		p := &packed{parts: [][]byte{a.archive(t)}}
		p.size, p.sum = int64(len(p.parts[0])), sha256.Sum256(p.parts[0])
		memory := &held{of: s.admission, users: 1}
		answer, err := s.answer(t.Context(), p, memory, a.metadata(), map[string]string{"ARGOCD_APP_NAME": a.application, "ARGOCD_APP_PARAMETERS": a.parameters})
		if err != nil {
			t.Fatal(err)
		}
		return answer.from
	}
	a := asked{"one", "a", "null", map[string]string{"a/x.yaml": cm("x", "1"), "b/x.yaml": cm("x", "1")}}
	changed := a
	changed.files = maps.Clone(a.files)
	changed.files["b/x.yaml"] = cm("x", "2") // a commit in another folder
	for i, step := range []struct {
		asked
		want string
	}{{a, "render"}, {a, "archive"}, {changed, "tree"}, {changed, "archive"}, {asked{"two", "a", "null", a.files}, "archive"}, {asked{"one", "b", "null", a.files}, "render"}} {
		if got := from(step.asked); got != step.want {
			t.Errorf("step %d came from %s, not %s", i, got, step.want)
		}
	}
}

// Random trees, changed at random: what the cache says is what a fresh renderer says, word for word.
func TestTheCacheNeverDiffersFromARender(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	contents := map[string][]string{
		"a.yaml":                 {cm("a", "1"), cm("a", "2"), "->b.yaml", "# nothing\n"},
		"b.yaml":                 {cm("b", "1"), cm("b", "2"), cm("c", "1")},
		"data":                   {"1", "2"},
		"kustomization.yaml":     {"resources: [a.yaml]\n", "resources: [a.yaml, b.yaml]\n", "resources: [sub]\nnameSuffix: -y\n", "resources: [b.yaml]\nconfigMapGenerator: [{name: g, files: [data]}]\n", "resources: [../base]\nnamePrefix: x-\n"},
		"kustomization.yml":      {"resources: [b.yaml]\n"},
		"sub/kustomization.yaml": {"resources: [c.yaml]\n", "resources: [c.yaml]\nnamePrefix: z-\n"},
		"sub/c.yaml":             {cm("d", "1"), cm("d", "2"), "->../b.yaml"},
		"Chart.yaml":             {"name: x\n"},
	}
	names := slices.Sorted(maps.Keys(contents))
	pathsOf := []string{".", "app", "base", "app/sub"}
	parameters := []string{"null", `[{"name":"recurse","string":"true"}]`, `[{"name":"namePrefix","string":"q-"}]`, `[{"name":"allowEmpty","string":"true"}]`}
	s, rendered := local(1<<20), 0
	files := map[string]string{}
	for round := range 500 {
		for range random.IntN(3) {
			name := names[random.IntN(len(names))]
			full := []string{"", "app/", "base/"}[random.IntN(3)] + name
			if random.IntN(4) == 0 || strings.HasSuffix(name, ".yml") && random.IntN(2) == 0 {
				delete(files, full)
			} else {
				files[full] = contents[name][random.IntN(len(contents[name]))]
			}
		}
		files["keep"] = "x"
		a := asked{fmt.Sprintf("app%d", random.IntN(3)), pathsOf[random.IntN(len(pathsOf))], parameters[random.IntN(len(parameters))], files}
		got, want := s.say(t, a), local(1).say(t, a)
		if got != want {
			t.Fatalf("round %d, %s %s %v:\ngot  %s\nwant %s", round, a.path, a.parameters, files, got, want)
		}
		if !strings.HasPrefix(want, "error: ") {
			rendered++
		}
	}
	if hits := counted(s, "tree") + counted(s, "archive"); hits < 50 || rendered < 100 {
		t.Errorf("only %d of %d answers came from the cache: that shows little", hits, rendered)
	} else {
		t.Logf("%d answers, %d of them from the cache", rendered, hits)
	}
}

func counted(s *service, from string) int {
	families, _ := s.metrics.registry.Gather()
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == "sluice_cmp_answers_total" && m.Label[0].GetValue() == from {
				return int(m.Counter.GetValue())
			}
		}
	}
	return 0
}

func TestTheCacheIsBounded(t *testing.T) {
	s := local(64 << 10)
	for i := range 500 {
		s.say(t, asked{"a", ".", "null", map[string]string{"x.yaml": cm("x", strings.Repeat("y", i))}})
		s.say(t, asked{"a", fmt.Sprintf("f%d", i), "null", map[string]string{fmt.Sprintf("f%d/x.yaml", i): cm("x", "1")}})
	}
	s.say(t, asked{"a", ".", "null", map[string]string{"x.yaml": cm("x", strings.Repeat("y", 40<<10))}})
	total, archives := int64(0), 0
	for e := s.cache.order.Front(); e != nil; e = e.Next() {
		total, archives = total+e.Value.(*cached).size, archives+len(e.Value.(*cached).archives)
	}
	if total != s.cache.bytes || total > 64<<10 || total < 32<<10 || archives != len(s.cache.archives) || len(s.cache.answers) > s.cache.order.Len() {
		t.Errorf("%d bytes are counted as %d, %d archives as %d", total, s.cache.bytes, archives, len(s.cache.archives))
	}
}

// Many at once, with few turns and a small cache: everybody gets their own.
func TestApplicationsAtOnce(t *testing.T) {
	s := local(20 << 10)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 60 {
				name := fmt.Sprintf("app%d", (worker*7+i)%12)
				files := map[string]string{name + "/kustomization.yaml": "resources: [x.yaml]\nnamePrefix: p-\n", name + "/x.yaml": cm(name, name), "other": fmt.Sprint(i % 5)}
				if i%10 == 9 {
					files[name+"/kustomization.yaml"] += "openapi: {version: v1.20.4}\n"
				}
				got := s.say(t, asked{name, name, "null", files})
				if want := fmt.Sprintf(`{"apiVersion":"v1","data":{"v":%q},"kind":"ConfigMap","metadata":{"name":"p-%s"}}`, name, name); got != want && !strings.Contains(got, "not built in") {
					t.Errorf("%s got %s", name, got)
				}
			}
		}()
	}
	all.Wait()
}
