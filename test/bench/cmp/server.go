package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/protobuf/encoding/protowire"
)

// A server is a plugin server of either kind, and what the kernel says of it.
type server struct {
	name       string
	caches     bool
	process    *exec.Cmd
	output     *bytes.Buffer
	connection *grpc.ClientConn
}

func startOurs(ctx context.Context, folder, binary string) (*server, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	command := exec.Command(binary, "--socket-folder", folder, "--config", filepath.Join(folder, "none"), "--metrics-address", "0", "--loglevel", "error")
	return start(ctx, "sluice", true, command, filepath.Join(folder, "sluice.sock"))
}

func startStock(ctx context.Context, folder, parts string) (*server, error) {
	config, plugins, work := filepath.Join(folder, "config"), filepath.Join(folder, "plugins"), filepath.Join(folder, "work")
	for _, f := range []string{config, plugins, work} {
		if err := os.MkdirAll(f, 0o755); err != nil {
			return nil, err
		}
	}
	plugin := fmt.Sprintf("apiVersion: argoproj.io/v1alpha1\nkind: ConfigManagementPlugin\nmetadata: {name: stock}\nspec: {generate: {command: [%s/kustomize, build, .]}}\n", parts)
	if err := os.WriteFile(filepath.Join(config, "plugin.yaml"), []byte(plugin), 0o644); err != nil {
		return nil, err
	}
	command := exec.Command(filepath.Join(parts, "argocd-cmp-server"), "--config-dir-path", config, "--loglevel", "error")
	command.Env = append(os.Environ(), "ARGOCD_BINARY_NAME=argocd-cmp-server", "ARGOCD_PLUGINSOCKFILEPATH="+plugins, "ARGOCD_CMP_WORKDIR="+work)
	return start(ctx, "stock, kustomize process", false, command, filepath.Join(plugins, "stock.sock"))
}

func start(ctx context.Context, name string, caches bool, command *exec.Cmd, socket string) (*server, error) {
	s := &server{name: name, caches: caches, process: command, output: &bytes.Buffer{}}
	command.Stdout, command.Stderr = s.output, s.output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	for range 300 {
		if _, err := os.Stat(socket); err == nil {
			s.connection, err = grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(wire{})))
			return s, err
		}
		select {
		case <-ctx.Done():
			s.stop()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	s.stop()
	return nil, fmt.Errorf("%s does not listen on %s: %s", name, socket, s.output)
}

// stop ends the process; Argo CD's own does not end by SIGTERM.
func (s *server) stop() {
	if s.connection != nil {
		_ = s.connection.Close()
	}
	_ = syscall.Kill(-s.process.Process.Pid, syscall.SIGKILL)
	_ = s.process.Wait()
}

// cpu is what the server has used, with the processes it has started and waited for.
func (s *server) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
	ticks := 0
	for _, field := range fields[11:15] { // utime stime cutime cstime, of which Linux counts 100 a second
		n, _ := strconv.Atoi(field)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// peak is the largest resident size in KiB.
func (s *server) peak() int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	n, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return n
}

// children is a kustomize process's own peak in KiB, measured beside; none for a server that starts none.
func (s *server) children() int {
	if s.caches {
		return 0
	}
	command := exec.Command(filepath.Join(filepath.Dir(s.process.Path), "kustomize"), "build", "testdata/sources/ten")
	if command.Run() != nil {
		return 0
	}
	usage, _ := command.ProcessState.SysUsage().(*syscall.Rusage)
	return int(usage.Maxrss)
}

func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(text))[:1], " ")
}

// wire leaves messages as bytes.
type wire struct{}

var _ encoding.Codec = wire{}

func (wire) Name() string                  { return "proto" }
func (wire) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (wire) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

// generate sends an archive as repo-server does, in chunks of a KiB, and counts what comes back.
func (s *server) generate(ctx context.Context, path string, archive archive, want int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	stream, err := s.connection.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, "/plugin.ConfigManagementPluginService/GenerateManifest", grpc.WaitForReady(true))
	if err != nil {
		return err
	}
	text := func(to []byte, number protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(to, number, protowire.BytesType), s)
	}
	head := text(text(text(nil, 1, "app"), 2, path), 3, archive.sum())
	head = protowire.AppendVarint(protowire.AppendTag(head, 4, protowire.VarintType), uint64(len(archive)))
	head = text(head, 5, string(text(text(nil, 1, "ARGOCD_APP_NAME"), 2, "app-"+filepath.Base(path))))
	message := text(nil, 1, string(head))
	if err := stream.SendMsg(&message); err != nil {
		return err
	}
	for rest := []byte(archive); len(rest) > 0; {
		n := min(1024, len(rest))
		message := text(nil, 2, string(text(nil, 1, string(rest[:n]))))
		if err := stream.SendMsg(&message); err != nil {
			return stream.RecvMsg(&message) // says why
		}
		rest = rest[n:]
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	var answer []byte
	if err := stream.RecvMsg(&answer); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if got := bytes.Count(answer, []byte("apiVersion")); got < want {
		return errors.New(s.name + " answered too little: " + string(answer[:min(200, len(answer))]))
	}
	return nil
}
