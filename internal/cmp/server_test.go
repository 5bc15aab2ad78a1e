package cmp

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/sluice-delivery/sluice/render"
)

// A client speaks to a server over its socket as repo-server does.
type client struct {
	t          *testing.T
	config     Config
	connection *grpc.ClientConn
	stop       func()
}

func serve(t *testing.T, change func(*Config)) *client {
	t.Helper()
	folder, err := os.MkdirTemp("", "cmp") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Folder: folder, Name: "sluice", Limits: render.Limits{Entries: 100, Bytes: 1 << 20}, ArchiveBytes: 1 << 20, Timeout: 10 * time.Second, Grace: 5 * time.Second}
	if change != nil {
		change(&c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, c, slog.New(slog.NewTextHandler(io.Discard, nil))) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error("serve: ", err)
		}
	}
	t.Cleanup(func() { stop(); _ = os.RemoveAll(folder) })
	connection, err := grpc.NewClient("unix:"+c.Socket(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(codec{}), grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return &client{t, c, connection, stop}
}

// stream sends metadata and an archive in chunks of a KiB, and waits for the answer.
func (c *client) stream(method string, m *metadata, archive []byte, into message) error {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	stream, err := c.connection.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, "/plugin.ConfigManagementPluginService/"+method)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := stream.SendMsg(&appStreamRequest{Metadata: m}); err != nil {
		c.t.Fatal(err)
	}
	for len(archive) > 0 {
		n := min(1024, len(archive))
		if err := stream.SendMsg(&appStreamRequest{IsFile: true, File: archive[:n]}); err != nil {
			c.t.Fatalf("the server did not read to the end: %v", err)
		}
		archive = archive[n:]
	}
	if err := stream.CloseSend(); err != nil {
		c.t.Fatal(err)
	}
	return stream.RecvMsg(into)
}

func (c *client) generate(m *metadata, archive []byte) ([]string, error) {
	c.t.Helper()
	if m.Checksum == "" {
		sum := sha256.Sum256(archive)
		m.Checksum, m.Size = hex.EncodeToString(sum[:]), int64(len(archive))
	}
	answer := &manifestResponse{}
	err := c.stream("GenerateManifest", m, archive, answer)
	return answer.Manifests, err
}

// pack makes an archive. A content that begins with -> is a link.
func pack(t *testing.T, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for i := 0; i < len(files); i += 2 {
		header := &tar.Header{Name: files[i], Typeflag: tar.TypeReg, Size: int64(len(files[i+1])), Mode: 0o644}
		content := files[i+1]
		if target, link := strings.CutPrefix(content, "->"); link {
			header, content = &tar.Header{Name: files[i], Typeflag: tar.TypeSymlink, Linkname: target}, ""
		}
		if strings.HasSuffix(files[i], "/") || files[i] == "." {
			header = &tar.Header{Name: files[i], Typeflag: tar.TypeDir}
		}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const (
	rollout = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web:1"}]}}
  strategy: {canary: {}}
`
	configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
)

func TestGenerate(t *testing.T) {
	c := serve(t, nil)
	archive := pack(t, ".", "", "apps/", "", "apps/web/", "", ".git/config", "not: [yaml", "apps/web/kustomization.yaml", "resources: [rollout.yaml]\n", "apps/web/rollout.yaml", rollout, "apps/web/notes", "->../../README", "README", strings.Repeat("long ", 5000))
	manifests, err := c.generate(&metadata{AppName: "web", AppRelPath: "apps/web", Env: []envEntry{
		{"ARGOCD_APP_NAME", "shop"}, {"ARGOCD_APP_PARAMETERS", `[{"name":"images","array":["web=web:2"]},{"name":"replicas","map":{"web":"3"}}]`},
	}}, archive)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"annotations":{"sluice.dev/serving":"desired"},"name":"web"},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"web"}},"strategy":{"canary":{}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"image":"web:2","name":"web","resources":{}}]}}}}`
	if len(manifests) != 1 || manifests[0] != want {
		t.Errorf("got  %v\nwant %s", manifests, want)
	}
}

func TestGenerateRefuses(t *testing.T) {
	c := serve(t, nil)
	environment := func(parameters string) []envEntry {
		return []envEntry{{"ARGOCD_APP_NAME", "wrong"}, {"ARGOCD_APP_NAME", "shop"}, {"ARGOCD_APP_REVISION", "0123456789abcdef"}, {"ARGOCD_APP_PARAMETERS", parameters}}
	}
	good := pack(t, "a.yaml", configMap)
	cases := map[string]struct {
		metadata metadata
		archive  []byte
		want     string
	}{
		"a link out of the tree":           {metadata{}, pack(t, "a.yaml", configMap, "b/link", "->../../etc/passwd"), "link b/link leads out of the source tree"},
		"an absolute link":                 {metadata{}, pack(t, "a.yaml", configMap, "link", "->/etc/passwd"), "link link leads out of the source tree"},
		"an entry out of the tree":         {metadata{}, pack(t, "../a.yaml", configMap), `entry "../a.yaml" leaves the source tree`},
		"a path out of the tree":           {metadata{AppRelPath: "../x"}, good, `path "../x" leaves the source tree`},
		"a path through a link":            {metadata{AppRelPath: "nowhere"}, pack(t, "a.yaml", configMap, "nowhere", "->gone"), `path "nowhere" does not exist in the source tree`},
		"a wrong checksum":                 {metadata{Checksum: "ab"}, good, "the checksum of the archive is not what was announced"},
		"what is no archive":               {metadata{}, []byte("hello"), "read the archive: unexpected EOF"},
		"half an archive":                  {metadata{}, good[:len(good)/2], "read a.yaml: unexpected EOF"},
		"too much when unpacked":           {metadata{}, pack(t, "a.yaml", strings.Repeat("#\n", 1<<20)), "the source tree is larger than 1 MiB"},
		"no manifests":                     {metadata{}, pack(t, "README", "hello"), ". has no manifests; with pruning that would delete every object (allowEmpty accepts it)"},
		"a conflict":                       {metadata{}, pack(t, "a.yaml", "<<<<<<< HEAD\n"+configMap), "a.yaml:1: unresolved merge conflict: <<<<<<< HEAD"},
		"a parameter that nobody knows":    {metadata{Env: environment(`[{"name":"image","array":["x"]}]`)}, good, `unknown parameter "image": did you mean "images"?`},
		"a parameter that is no parameter": {metadata{Env: environment(`{`)}, good, "read ARGOCD_APP_PARAMETERS: unexpected end of JSON input"},
		"a flag that is neither":           {metadata{Env: environment(`[{"name":"allowEmpty","string":"yes"}]`)}, good, "parameter allowEmpty: true or false is needed"},
	}
	for name, k := range cases {
		t.Run(name, func(t *testing.T) {
			if k.metadata.Env == nil {
				k.metadata.Env = environment("null")
			}
			manifests, err := c.generate(&k.metadata, k.archive)
			if got := status.Convert(err).Message(); err == nil || got != "shop at 01234567: "+k.want || manifests != nil {
				t.Errorf("got  %v %q\nwant %q", manifests, got, "shop at 01234567: "+k.want)
			}
		})
	}
	if manifests, err := c.generate(&metadata{Env: environment("null")}, good); err != nil || len(manifests) != 1 {
		t.Errorf("afterwards a good one: %v, %v", manifests, err)
	}
}

func TestAnArchiveThatIsTooLargeIsReadToItsEnd(t *testing.T) {
	c := serve(t, func(c *Config) { c.ArchiveBytes = 4096 })
	noise := make([]byte, 64<<10)
	for i := range noise {
		noise[i] = byte(i*i>>3 ^ i*7919)
	}
	_, err := c.generate(&metadata{AppName: "a"}, append(pack(t, "a.yaml", configMap), noise...))
	if err == nil || !strings.Contains(err.Error(), "the archive is larger than 0 MiB: leave folders out") {
		t.Errorf("got %v", err)
	}
}

func TestTheOtherMethods(t *testing.T) {
	c := serve(t, nil)
	archive := pack(t, "a.yaml", configMap)
	configuration := &configurationResponse{IsDiscoveryConfigured: true}
	if err := c.connection.Invoke(t.Context(), "/plugin.ConfigManagementPluginService/CheckPluginConfiguration", &empty{}, configuration); err != nil {
		t.Fatal(err)
	}
	match := &repositoryResponse{}
	if err := c.stream("MatchRepository", &metadata{AppName: "a"}, archive, match); err != nil || match.IsSupported || match.IsDiscoveryEnabled {
		t.Errorf("match: %+v, %v", match, err)
	}
	announced := &announcementResponse{}
	if err := c.stream("GetParametersAnnouncement", &metadata{AppName: "a"}, archive, announced); err != nil {
		t.Fatal(err)
	}
	if len(announced.Announcements) != len(parameters) || announced.Announcements[0].Name != "images" || announced.Announcements[0].CollectionType != "array" {
		t.Errorf("announced %+v", announced)
	}
	for _, a := range announced.Announcements {
		if !strings.Contains(a.Tooltip, "Default: ") {
			t.Errorf("%s does not say its default", a.Name)
		}
	}
	if err := c.stream("GenerateManifest", nil, archive, &manifestResponse{}); err == nil || !strings.Contains(err.Error(), "the first message has no metadata") {
		t.Errorf("without metadata: %v", err)
	}
}

func TestSocket(t *testing.T) {
	c := serve(t, nil)
	for ask(t.Context(), c.config.Socket()) != nil {
		time.Sleep(10 * time.Millisecond)
	}
	info, err := os.Stat(c.config.Socket())
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket has mode %v, %v", info.Mode(), err)
	}
	if err := Serve(t.Context(), c.config, slog.Default()); err == nil || !strings.Contains(err.Error(), "somebody serves") {
		t.Errorf("a second server: %v", err)
	}
	c.stop()
	if _, err := os.Stat(c.config.Socket()); !os.IsNotExist(err) {
		t.Errorf("after the end the socket is still there: %v", err)
	}
	if err := ask(t.Context(), c.config.Socket()); err == nil {
		t.Error("a server that is gone is healthy")
	}
}

func TestListen(t *testing.T) {
	folder, err := os.MkdirTemp("", "cmp")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	left := filepath.Join(folder, "left.sock")
	listener, err := listen(left)
	if err != nil {
		t.Fatal(err)
	}
	listener.(interface{ SetUnlinkOnClose(bool) }).SetUnlinkOnClose(false) // as after a kill
	_ = listener.Close()
	if again, err := listen(left); err != nil {
		t.Errorf("a socket that was left behind: %v", err)
	} else {
		_ = again.Close()
	}
	file := filepath.Join(folder, "file.sock")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen(file); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("a file: %v", err)
	}
	if _, err := listen("/tmp/" + strings.Repeat("x", 108)); err == nil || !strings.Contains(err.Error(), "107 is all") {
		t.Errorf("a long path: %v", err)
	}
}

func TestPluginName(t *testing.T) {
	cases := map[string]struct{ content, name, want string }{
		"a name":                  {"kind: ConfigManagementPlugin\nmetadata: {name: sluice}\n", "sluice", ""},
		"a name and a version":    {"kind: ConfigManagementPlugin\nmetadata: {name: sluice}\nspec: {version: v1}\n", "sluice-v1", ""},
		"no name":                 {"kind: ConfigManagementPlugin\n", "", "kind ConfigManagementPlugin and metadata.name are needed"},
		"a command":               {"kind: ConfigManagementPlugin\nmetadata: {name: a}\nspec: {generate: {command: [cat]}}\n", "", "spec.generate: nothing is run: the renderer is built in; leave it out"},
		"discovery":               {"kind: ConfigManagementPlugin\nmetadata: {name: a}\nspec: {discover: {find: {command: [ls]}}}\n", "", "spec.discover.find.command: nothing is run: use fileName or find.glob"},
		"what nobody knows":       {"kind: ConfigManagementPlugin\nmetadata: {name: a}\nspec: {colour: x}\n", "", "spec.colour is not known"},
		"a name that is a folder": {"kind: ConfigManagementPlugin\nmetadata: {name: ../a}\n", "", `"../a" cannot be the name of a socket`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			plugin, err := parsePlugin([]byte(c.content))
			if got := plugin.Name; got != c.name || err == nil && c.want != "" || err != nil && err.Error() != c.want {
				t.Errorf("got %q, %v; want %q, %s", plugin.Name, err, c.name, c.want)
			}
		})
	}
}

func TestDiscovery(t *testing.T) {
	archive := pack(t, "apps/web/kustomization.yaml", "resources: [a.yaml]", "apps/web/a.yaml", configMap, "apps/web/deep/er/rollout.yaml", rollout, "apps/other/x.json", "{}")
	cases := map[string]struct {
		discover, path string
		supported      bool
	}{
		"a file by its name":               {"{fileName: kustomization.yaml}", "apps/web", true},
		"a file by its name, with a dot":   {"{fileName: ./kustomization.yaml}", "apps/web", true},
		"a file by a pattern":              {"{fileName: 'k*.yaml'}", "apps/web", true},
		"a file in another folder":         {"{fileName: kustomization.yaml}", "apps/other", false},
		"a file deeper than the pattern":   {"{fileName: rollout.yaml}", "apps/web", false},
		"any depth":                        {"{find: {glob: '**/rollout.yaml'}}", "apps/web", true},
		"any depth is none too":            {"{find: {glob: '**/kustomization.yaml'}}", "apps/web", true},
		"the root":                         {"{find: {glob: 'apps/*/x.json'}}", ".", true},
		"the name counts, not the pattern": {"{fileName: nothing, find: {glob: '**'}}", "apps/web", false},
	}
	for name, k := range cases {
		t.Run(name, func(t *testing.T) {
			plugin, err := parsePlugin([]byte("kind: ConfigManagementPlugin\nmetadata: {name: a}\nspec: {discover: " + k.discover + "}\n"))
			if err != nil {
				t.Fatal(err)
			}
			c := serve(t, func(c *Config) { c.Discover = plugin.Discover })
			configuration, match := &configurationResponse{}, &repositoryResponse{}
			if err := c.connection.Invoke(t.Context(), "/plugin.ConfigManagementPluginService/CheckPluginConfiguration", &empty{}, configuration); err != nil || !configuration.IsDiscoveryConfigured {
				t.Errorf("configuration: %+v, %v", configuration, err)
			}
			if err := c.stream("MatchRepository", &metadata{AppName: "a", AppRelPath: k.path}, archive, match); err != nil || match.IsSupported != k.supported || !match.IsDiscoveryEnabled {
				t.Errorf("match: %+v, %v", match, err)
			}
		})
	}
}

// Calls that are open when the signal comes are answered; the port and the socket are closed.
func TestTheEndIsGraceful(t *testing.T) {
	c := serve(t, func(c *Config) { c.Metrics = "127.0.0.1:18089" })
	archive := pack(t, "a.yaml", configMap)
	open := c.begun(t.Context(), "open", archive[:20])
	for ask(t.Context(), c.config.Socket()) != nil {
		time.Sleep(10 * time.Millisecond)
	}
	get := func(path string) (string, error) {
		answer, err := http.Get("http://127.0.0.1:18089" + path)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return string(body), err
	}
	if _, err := c.generate(&metadata{AppName: "a"}, archive); err != nil {
		t.Fatal(err)
	}
	if _, err := c.generate(&metadata{AppName: "a"}, archive); err != nil {
		t.Fatal(err)
	}
	_, _ = c.generate(&metadata{AppName: "a", AppRelPath: "nowhere"}, archive)
	if body, err := get("/healthz"); err != nil || body != "ok\n" {
		t.Errorf("healthz: %q, %v", body, err)
	}
	body, err := get("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`sluice_cmp_requests_total{method="GenerateManifest",result="ok"} 2`, `sluice_cmp_requests_total{method="GenerateManifest",result="refused"} 1`,
		`sluice_cmp_answers_total{from="archive"} 1`, `sluice_cmp_answers_total{from="render"} 1`, `sluice_cmp_refusals_total{reason="source"} 1`,
		`sluice_cmp_duration_seconds_count{method="GenerateManifest"} 3`, "sluice_cmp_cache_answers 1",
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	done := make(chan struct{})
	go func() { c.stop(); close(done) }()
	time.Sleep(50 * time.Millisecond) // the signal comes first
	if err := open.SendMsg(&appStreamRequest{IsFile: true, File: archive[20:]}); err != nil {
		t.Fatal(err)
	}
	if err := open.CloseSend(); err != nil {
		t.Fatal(err)
	}
	answer := &manifestResponse{}
	if err := open.RecvMsg(answer); err != nil || len(answer.Manifests) != 1 {
		t.Errorf("the open call got %v, %v", answer.Manifests, err)
	}
	<-done
	if _, err := get("/healthz"); err == nil {
		t.Error("the port is still served")
	}
}

// Logs say which application, revision and path, how long and why not; what is in a manifest stays there.
func TestLogsHaveNoContents(t *testing.T) {
	var out bytes.Buffer
	s := local(1 << 20)
	s.log = slog.New(slog.NewJSONHandler(&out, nil))
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n"
	s.say(t, asked{"shop", ".", "null", map[string]string{"a.yaml": secret}})
	s.say(t, asked{"shop", ".", "null", map[string]string{"a.yaml": secret + "kind: Again\n"}})
	if text := out.String(); strings.Contains(text, "hunter2") || !strings.Contains(text, `"application":"shop"`) || !strings.Contains(text, `"reason":"source"`) || !strings.Contains(text, `"revision":"0123456789"`) {
		t.Errorf("logged: %s", text)
	}
}

// Every parameter says its title, what it is for, its type and its default, and those that are sent are the same.
func TestParameters(t *testing.T) {
	for _, p := range parameters {
		if p.Title == "" || !strings.Contains(p.Tooltip, "Default: ") || p.CollectionType == "" && p.ItemType == "" && !strings.Contains(p.Name, "name") && p.String == "" {
			t.Errorf("%+v says too little", p.announcement)
		}
	}
	cases := map[string]struct{ sent, want string }{
		"nothing":                {"null", ""},
		"an empty list":          {"[]", ""},
		"a slip":                 {`[{"name":"nameprefix","string":"x"}]`, `unknown parameter "nameprefix": did you mean "namePrefix"?`},
		"nothing like it":        {`[{"name":"helmValues","string":"x"}]`, `unknown parameter "helmValues": there are images, namespace, namePrefix, nameSuffix, commonLabels, commonAnnotations, replicas, fromDeployment, strategy, stepPause, services, surfaceRollback, allowEmpty, recurse`},
		"a map for a text":       {`[{"name":"namespace","map":{"a":"b"}}]`, "parameter namespace: a text is needed"},
		"a text for a map":       {`[{"name":"commonLabels","string":"a"}]`, "parameter commonLabels: a map is needed"},
		"a text for a list":      {`[{"name":"fromDeployment","string":"a"}]`, "parameter fromDeployment: a list is needed"},
		"pods that are none":     {`[{"name":"replicas","map":{"web":"three"}}]`, `parameter replicas: web: "three" is no number of pods`},
		"Services, but how":      {`[{"name":"services","string":"yes"}]`, "parameter services: create or keep is needed"},
		"the defaults are taken": {`[{"name":"strategy","string":"canary"},{"name":"stepPause","string":"1m"},{"name":"services","string":"keep"},{"name":"surfaceRollback","string":"true"},{"name":"allowEmpty","string":"false"},{"name":"recurse","string":"false"}]`, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o, err := options(map[string]string{"ARGOCD_APP_PARAMETERS": c.sent})
			if err == nil && c.want != "" || err != nil && err.Error() != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if c.want == "" && !reflect.DeepEqual(o, render.Options{}) {
				t.Errorf("options %+v", o)
			}
		})
	}
}
