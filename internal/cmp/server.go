package cmp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/sluice-delivery/sluice/render"
)

// Config is everything that can be set.
type Config struct {
	// Folder of the socket, and the name of its file without .sock.
	Folder, Name string
	// Limits of an unpacked archive, ArchiveBytes of a packed one.
	Limits       render.Limits
	ArchiveBytes int64
	// Timeout of one rendering; a shorter deadline of the client wins.
	Timeout time.Duration
	// Parallel renderings. 0: two for each processor.
	Parallel int
	// Grace is how long calls may take to end after a signal.
	Grace time.Duration
	// Calls that may be open at once; 0: 256.
	Calls int
	// Memory for the archives of all calls together, packed and unpacked; 0: 384 MiB.
	Memory int64
	// Cache is the size of all answers that are kept; 0: 64 MiB.
	Cache int64
	// Bounds of one source.
	Bounds render.Bounds
	// Discover, if the plugin shall find its applications by files.
	Discover *Discovery
	// Metrics is the address of /metrics and /healthz; empty: none.
	Metrics string
}

// messageBytes is what both sides allow for one message.
const messageBytes = 100 << 20

// Socket is the path of the socket.
func (c Config) Socket() string { return filepath.Join(c.Folder, c.Name+".sock") }

// Serve answers repo-server until the context ends.
func Serve(ctx context.Context, c Config, log *slog.Logger) error {
	orElse(&c.Parallel, 2*runtime.NumCPU())
	orElse(&c.Calls, 256)
	orElse(&c.Memory, 384<<20)
	orElse(&c.Cache, 64<<20)
	admission, cache := newAdmission(c.Parallel, c.Calls, c.Memory), newCache(c.Cache)
	metrics := newMetrics(admission, cache)
	server := grpc.NewServer(
		grpc.ForceServerCodecV2(codec{}), grpc.MaxRecvMsgSize(messageBytes), grpc.MaxSendMsgSize(messageBytes),
		// repo-server pings every 20 s. gRPC's own minimum of 5 minutes would cut every call off after one.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	)
	server.RegisterService(&description, &service{
		limits: c.Limits, bounds: c.Bounds, archive: c.ArchiveBytes, timeout: c.Timeout, discover: c.Discover,
		admission: admission, cache: cache, metrics: metrics, log: log,
	})
	healthpb.RegisterHealthServer(server, health.NewServer())
	listener, err := listen(c.Socket()) // last: repo-server waits without a deadline for whoever listens
	if err != nil {
		return err
	}
	metrics.serve(ctx, c.Metrics, log)
	log.Info("serve", "socket", c.Socket(), "parallel", c.Parallel)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		forced := time.AfterFunc(c.Grace, server.Stop)
		server.GracefulStop()
		forced.Stop()
	}()
	if err := server.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve %s: %w", c.Socket(), err)
	}
	<-stopped
	log.Info("stopped")
	return nil
}

func orElse[N int | int64](value *N, otherwise N) {
	if *value == 0 {
		*value = otherwise
	}
}

// listen opens the socket for its own user and group. A file that an earlier run left behind is removed; one that
// somebody answers on is not.
func listen(socket string) (net.Listener, error) {
	if len(socket) > 107 {
		return nil, fmt.Errorf("socket path %s has %d bytes; 107 is all that the system takes", socket, len(socket))
	}
	info, err := os.Lstat(socket)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("look at %s: %w", socket, err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("%s exists and is no socket", socket)
	default:
		if connection, err := net.DialTimeout("unix", socket, time.Second); err == nil {
			_ = connection.Close()
			return nil, fmt.Errorf("somebody serves %s already", socket)
		}
		if err := os.Remove(socket); err != nil {
			return nil, fmt.Errorf("remove the socket that was left behind: %w", err)
		}
	}
	before := syscall.Umask(0o117)
	listener, err := net.Listen("unix", socket)
	syscall.Umask(before)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", socket, err)
	}
	return listener, nil
}
