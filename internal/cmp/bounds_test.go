package cmp

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/render"
)

// packed1 makes an archive of one header and as many zeros as it announces, or fewer.
func packed1(t testing.TB, header tar.Header, zeros int64) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	archive := tar.NewWriter(zipped)
	if err := archive.WriteHeader(&header); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(archive, zero{}, zeros); err != nil && zeros > 0 {
		t.Fatal(err)
	}
	if zeros == header.Size {
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type zero struct{}

func (zero) Read(into []byte) (int, error) { clear(into); return len(into), nil }

func TestBoundsOfAnArchive(t *testing.T) {
	c := serve(t, func(c *Config) {
		c.Limits = render.Limits{Entries: 20, Bytes: 1 << 20, Depth: 5, FileBytes: 100 << 10}
	})
	good := "a.yaml"
	special := func(kind byte) []byte {
		return packed1(t, tar.Header{Name: "x", Typeflag: kind, Linkname: "../../etc/passwd", Devmajor: 1, Devminor: 3}, 0)
	}
	var many []string
	for i := range 21 {
		many = append(many, fmt.Sprintf("f%d.txt", i), "")
	}
	cases := map[string]struct {
		archive []byte
		want    string
	}{
		"too many entries":                 {pack(t, many...), "the source tree has more than 20 entries"},
		"too many folders":                 {pack(t, "a/", "", "b/", "", "c/", "", "d/", "", "e/", "", "f/", "", "g/", "", "h/", "", "i/", "", "j/", "", "k/", "", "l/", "", "m/", "", "n/", "", "o/", "", "p/", "", "q/", "", "r/", "", "s/", "", "t/", "", "u/", ""), "the source tree has more than 20 entries"},
		"a deep path":                      {pack(t, "a/b/c/d/e/f.yaml", configMap), `entry "a/b/c/d/e/f.yaml…" is deeper than 5 folders`},
		"a deep folder":                    {pack(t, good, configMap, "a/b/c/d/e/f/", ""), `entry "a/b/c/d/e/f…" is deeper than 5 folders`},
		"an absolute path":                 {pack(t, "/etc/passwd", configMap), `entry "/etc/passwd" leaves the source tree`},
		"a path that goes up":              {pack(t, "a/../../b.yaml", configMap), `entry "a/../../b.yaml" leaves the source tree`},
		"a folder that goes up":            {pack(t, "../b/", ""), `entry "../b/" leaves the source tree`},
		"a file twice":                     {pack(t, good, configMap, good, rollout), "the source tree has a.yaml twice"},
		"a file twice by another spelling": {pack(t, good, configMap, "./a.yaml", rollout), "the source tree has a.yaml twice"},
		"a link over a file":               {pack(t, good, configMap, "b", "", good, "->b"), "the source tree has a.yaml twice"},
		"a file and a folder":              {pack(t, "a", configMap, "a/b", configMap), "a is a file and a folder"},
		"a link that goes up":              {pack(t, good, configMap, "l", "->../x"), "link l leads out of the source tree"},
		"links in a circle":                {pack(t, good, configMap, "l", "->m", "m", "->l"), "link l leads in a circle"},
		"a hard link that goes up":         {special(tar.TypeLink), "hard link x leads out of the source tree"},
		"a hard link to nothing":           {packed1(t, tar.Header{Name: "x", Typeflag: tar.TypeLink, Linkname: "y"}, 0), `hard link x leads to "y", which is not in the source tree before it`},
		"a character device":               {special(tar.TypeChar), `entry "x" is no file, folder or link`},
		"a block device":                   {special(tar.TypeBlock), `entry "x" is no file, folder or link`},
		"a pipe":                           {special(tar.TypeFifo), `entry "x" is no file, folder or link`},
		"many files that are kept":         {pack(t, "a", strings.Repeat("x", 1<<16), "b", strings.Repeat("y", 1<<16), "c", strings.Repeat("z", 1<<16), "d/big", strings.Repeat("\x00", 900<<10)), "the source tree is larger than 1 MiB"},
		"a manifest that is too large":     {pack(t, good, strings.Repeat("#\n", 60<<10)), "read a.yaml: a.yaml has 0 MiB: too large for a manifest"},
		"a size that is not there":         {packed1(t, tar.Header{Name: good, Typeflag: tar.TypeReg, Size: 90 << 10}, 10), "read a.yaml: unexpected EOF"},
	}
	for name, k := range cases {
		t.Run(name, func(t *testing.T) {
			manifests, err := c.generate(&metadata{AppName: "shop"}, k.archive)
			if got := status.Convert(err).Message(); k.want != "" && (err == nil || got != "shop: "+k.want) || k.want == "" && err == nil || manifests != nil {
				t.Errorf("got  %v %q\nwant %q", manifests, got, "shop: "+k.want)
			}
		})
	}
	for name, archive := range map[string][]byte{
		"a large file that nobody reads": pack(t, good, configMap, "photo.png", strings.Repeat("\x00", 200<<10)),
		"a hard link within":             pack(t, good, configMap, "b/", ""),
		"a global header":                pack(t, "pax_global_header", "", good, configMap),
	} {
		if manifests, err := c.generate(&metadata{AppName: "shop"}, archive); err != nil || len(manifests) != 1 {
			t.Errorf("%s: %v, %v", name, manifests, err)
		}
	}
}

// bombOf is an archive of one file of zeros: gzip may be put together from parts, of which one is made.
func bombOf(t testing.TB, size int64) []byte {
	t.Helper()
	const part = 64 << 20
	squeeze := func(content []byte) []byte {
		var out bytes.Buffer
		zipped, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
		_, _ = zipped.Write(content)
		_ = zipped.Close()
		return out.Bytes()
	}
	var header bytes.Buffer
	if err := tar.NewWriter(&header).WriteHeader(&tar.Header{Name: "a.yaml", Typeflag: tar.TypeReg, Size: size}); err != nil {
		t.Fatal(err)
	}
	return append(squeeze(header.Bytes()), bytes.Repeat(squeeze(make([]byte, part)), int(size/part))...)
}

// Ten gigabytes of zeros in an archive of some ten megabytes: refused for what little of it has to be looked at.
func TestABombDoesNotGoOff(t *testing.T) {
	size := int64(10 << 30)
	bomb := bombOf(t, size)
	c := serve(t, func(c *Config) {
		c.Limits, c.ArchiveBytes = render.Limits{Entries: 100_000, Bytes: 1 << 30, FileBytes: 16 << 20}, messageBytes
	})
	for name, limits := range map[string]render.Limits{
		"a file that is too large to be kept": {Entries: 100, Bytes: 100 << 30, FileBytes: 16 << 20},
		"a file that would be kept":           {Entries: 100, Bytes: 100 << 30},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := unpack(&packed{parts: [][]byte{bomb}, size: int64(len(bomb))}, limits, &held{of: newAdmission(1, 1, 256<<20)})
			runtime.ReadMemStats(&after)
			t.Logf("%d MiB in %d bytes: %v after %s, %d MiB allocated", size>>20, len(bomb), err, time.Since(start).Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20)
			if err == nil || !strings.Contains(err.Error(), "the archive unpacks to more than 200 times its size") {
				t.Errorf("got %v", err)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 512<<20 {
				t.Errorf("%d MiB were allocated", got>>20)
			}
		})
	}
	if _, err := c.generate(&metadata{AppName: "a"}, bomb); err == nil || !strings.Contains(err.Error(), "larger than 1024 MiB") && !strings.Contains(err.Error(), "unpacks to more than") {
		t.Errorf("got %v", err)
	}
	if manifests, err := c.generate(&metadata{AppName: "b"}, pack(t, "a.yaml", configMap)); err != nil || len(manifests) != 1 {
		t.Errorf("afterwards: %v, %v", manifests, err)
	}
}

// A sparse file has a size, and nothing behind it that gzip would have to make.
func TestASparseFileIsBoundedToo(t *testing.T) {
	raw := packed1(t, tar.Header{Name: "a.yaml", Typeflag: tar.TypeReg, Size: 512, Format: tar.FormatPAX, PAXRecords: map[string]string{"comment": "x"}}, 512)
	zipped, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(zipped)
	if err != nil {
		t.Fatal(err)
	}
	// GNU's sparse format 0.1 in PAX records: 512 bytes at the start of 50 GiB.
	records := ""
	for _, r := range []string{"GNU.sparse.major=0", "GNU.sparse.minor=1", "GNU.sparse.name=a.yaml", "GNU.sparse.size=53687091200", "GNU.sparse.numblocks=1", "GNU.sparse.map=0,512"} {
		n := len(r) + 3
		for len(fmt.Sprintf("%d %s\n", n, r)) != n {
			n++
		}
		records += fmt.Sprintf("%d %s\n", n, r)
	}
	copy(plain[512:1024], make([]byte, 512))
	copy(plain[512:], records)
	copy(plain[124:136], fmt.Sprintf("%011o\x00", len(records)))
	sum := 0
	copy(plain[148:156], "        ")
	for _, b := range plain[:512] {
		sum += int(b)
	}
	copy(plain[148:156], fmt.Sprintf("%06o\x00 ", sum))
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(plain)
	_ = w.Close()
	start := time.Now()
	_, err = unpack(&packed{parts: [][]byte{out.Bytes()}, size: int64(out.Len())}, render.Limits{Entries: 10, Bytes: 1 << 40}, &held{of: newAdmission(1, 1, 8<<20)})
	if err == nil || !strings.Contains(err.Error(), "MiB of archives already") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("after %s", took)
	}
}

func TestAnArchiveLargerThanAnnounced(t *testing.T) {
	c := serve(t, nil)
	archive := pack(t, "a.yaml", configMap)
	sum := sha256.Sum256(archive)
	_, err := c.generate(&metadata{AppName: "a", Checksum: hex.EncodeToString(sum[:]), Size: 10}, archive)
	if err == nil || !strings.Contains(err.Error(), "the archive is larger than the 10 bytes that were announced") {
		t.Errorf("got %v", err)
	}
}

// The memory for archives is one for all calls; a call that is refused for it stops nobody else.
func TestMemoryIsShared(t *testing.T) {
	c := serve(t, func(c *Config) { c.Memory, c.Limits.Bytes = 2<<20, 8<<20 })
	noise := make([]byte, 1<<20+1<<19)
	state := uint32(1)
	for i := range noise {
		state = state*1664525 + 1013904223
		noise[i] = byte(state >> 24)
	}
	_, err := c.generate(&metadata{AppName: "large"}, pack(t, "a.yaml", configMap, "noise", string(noise)))
	if err == nil || !strings.Contains(err.Error(), "large: ") || !strings.Contains(err.Error(), "MiB of archives already") && !strings.Contains(err.Error(), "the archive is larger than 1 MiB") {
		t.Errorf("got %v", err)
	}
	for range 5 { // what was held is given back
		if manifests, err := c.generate(&metadata{AppName: "small"}, pack(t, "a.yaml", configMap)); err != nil || len(manifests) != 1 {
			t.Errorf("afterwards: %v, %v", manifests, err)
		}
	}
}

// begun opens a call and sends what a slow client has sent so far.
func (c *client) begun(ctx context.Context, application string, archive []byte) grpc.ClientStream {
	c.t.Helper()
	stream, err := c.connection.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, "/plugin.ConfigManagementPluginService/GenerateManifest")
	if err != nil {
		c.t.Fatal(err)
	}
	if err := stream.SendMsg(&appStreamRequest{Metadata: &metadata{AppName: application}}); err != nil {
		c.t.Fatal(err)
	}
	if err := stream.SendMsg(&appStreamRequest{IsFile: true, File: archive}); err != nil {
		c.t.Fatal(err)
	}
	return stream
}

func TestSlowClients(t *testing.T) {
	c := serve(t, func(c *Config) { c.Timeout, c.Parallel = time.Second, 1 })
	archive := pack(t, "a.yaml", configMap)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var slow []grpc.ClientStream
	for range 10 { // more than may render at once
		slow = append(slow, c.begun(ctx, "slow", archive[:20]))
	}
	if manifests, err := c.generate(&metadata{AppName: "quick"}, archive); err != nil || len(manifests) != 1 {
		t.Errorf("beside slow clients: %v, %v", manifests, err)
	}
	for _, stream := range slow {
		if err := stream.RecvMsg(&manifestResponse{}); err == nil || !strings.Contains(err.Error(), "the archive was not sent in time") {
			t.Errorf("a slow client got %v", err)
		}
	}
}

func TestTooManyCalls(t *testing.T) {
	c := serve(t, func(c *Config) { c.Calls = 3 })
	archive := pack(t, "a.yaml", configMap)
	ctx, cancel := context.WithCancel(t.Context())
	for range 3 {
		c.begun(ctx, "open", archive[:20])
	}
	deadline := time.Now().Add(time.Minute)
	for {
		stream := c.begun(t.Context(), "one more", archive)
		_ = stream.CloseSend()
		err := stream.RecvMsg(&manifestResponse{})
		if err != nil && strings.Contains(err.Error(), "the renderer has 3 calls open already") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the fourth call got %v", err)
		}
	}
	cancel()
	for { // those that were cancelled make room
		if manifests, err := c.generate(&metadata{AppName: "afterwards"}, archive); err == nil && len(manifests) == 1 {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("afterwards: %v", err)
		}
	}
}

// An application that cannot be rendered in time has half of the turns at most, and gives them back to others.
func TestOneApplicationDoesNotStopAnother(t *testing.T) {
	a := newAdmission(4, 10, 1<<20)
	var stuck []*turn
	for range 2 {
		turn, err := a.wait(t.Context(), "shop/slow")
		if err != nil {
			t.Fatal(err)
		}
		stuck = append(stuck, turn)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := a.wait(short, "shop/slow"); err == nil || err.Error() != "2 other renderings of this application are still going on" {
		t.Errorf("a third one: %v", err)
	}
	for _, turn := range stuck {
		turn.abandon()
	}
	var others []*turn
	for i := range 4 { // all turns are there for the others
		turn, err := a.wait(t.Context(), fmt.Sprintf("shop/%d", i))
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, turn)
	}
	short, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := a.wait(short, "shop/late"); err == nil || !strings.Contains(err.Error(), "4 other applications are being rendered") {
		t.Errorf("a fifth: %v", err)
	}
	for _, turn := range append(stuck, others...) {
		turn.end()
	}
	if len(a.apps) != 0 || len(a.turns) != 0 || a.abandoned != 0 {
		t.Errorf("afterwards there are %d lines, %d turns, %d abandoned", len(a.apps), len(a.turns), a.abandoned)
	}
}

// A rendering that takes too long is answered before the caller's deadline, in words.
func TestTime(t *testing.T) {
	c := serve(t, func(c *Config) {
		c.Timeout = time.Millisecond
		c.Limits = render.Limits{Entries: 10_000, Bytes: 8 << 20}
	})
	var files []string
	for i := range 3000 {
		files = append(files, fmt.Sprintf("f%d.yaml", i), strings.ReplaceAll(configMap, "name: a", fmt.Sprintf("name: a%d", i)))
	}
	_, err := c.generate(&metadata{AppName: "large"}, pack(t, files...))
	if err == nil || !strings.Contains(err.Error(), "rendering took longer than 1ms") && !strings.Contains(err.Error(), "the archive was not sent in time") {
		t.Errorf("got %v", err)
	}
}

// The manifests of one application have to fit into one message.
func TestAnAnswerThatIsTooLarge(t *testing.T) {
	object := func(name string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": map[string]any{"name": name}, "data": map[string]any{"text": strings.Repeat("x", 600)}}}
	}
	result := render.Result{Source: "Directory", Objects: []*unstructured.Unstructured{object("a"), object("b")}}
	if answer, err := answerOf(result, 2000); err != nil || bytes.Count(answer, []byte("ConfigMap")) != 2 {
		t.Errorf("two objects of 700 bytes in 2000: %d bytes, error %v", len(answer), err)
	}
	answer, err := answerOf(result, 1000)
	if answer != nil || reasonOf(err) != "output" || !strings.Contains(err.Error(), "split the application") {
		t.Errorf("two objects of 700 bytes in 1000: %d bytes, error %v; want a refusal, and no part of them", len(answer), err)
	}
}
