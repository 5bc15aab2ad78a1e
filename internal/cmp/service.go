// Package cmp is the config management plugin server of Argo CD's repo-server: an archive of a repository in,
// manifests out (argocd-spec section 1). It speaks the protocol itself and renders in memory.
//
// It leaves to package render what manifests are made of what.
package cmp

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-delivery/sluice/render"
)

// margin is how much before the client's deadline the answer has to be there, so that it says more than the deadline.
const margin = 100 * time.Millisecond

// service answers the four methods.
type service struct {
	limits  render.Limits
	archive int64 // bytes of a compressed archive
	timeout time.Duration
	slots   chan struct{} // how many are rendered at once
	log     *slog.Logger
}

func (s *service) generate(ctx context.Context, stream receiver) (*manifestResponse, error) {
	start := time.Now()
	m, err := begin(stream)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	environment := map[string]string{}
	for _, e := range m.Env { // the last of several counts
		environment[e.Name] = e.Value
	}
	manifests, err := s.render(ctx, stream, m, environment)
	if err != nil {
		err = fmt.Errorf("%s: %w", about(m, environment), err)
		s.log.Warn("render", "application", environment["ARGOCD_APP_NAME"], "revision", environment["ARGOCD_APP_REVISION"], "path", m.AppRelPath, "took", time.Since(start).String(), "error", err)
		return nil, status.Error(codes.FailedPrecondition, err.Error())
	}
	s.log.Info("render", "application", environment["ARGOCD_APP_NAME"], "revision", environment["ARGOCD_APP_REVISION"], "path", m.AppRelPath, "manifests", len(manifests), "took", time.Since(start).String())
	return &manifestResponse{Manifests: manifests}, nil
}

// about says which application an error is of, in few words: it is shown behind a long prefix.
func about(m *metadata, environment map[string]string) string {
	words := []string{environment["ARGOCD_APP_NAME"]}
	if words[0] == "" {
		words[0] = m.AppName
	}
	if revision := environment["ARGOCD_APP_REVISION"]; revision != "" {
		words = append(words, "at", revision[:min(8, len(revision))])
	}
	return strings.Join(words, " ")
}

// render reads the archive to its end, then renders within the deadline and the number of slots.
func (s *service) render(ctx context.Context, stream receiver, m *metadata, environment map[string]string) ([]string, error) {
	archive := newChunks(stream, s.archive)
	tree, err := unpack(archive, m.Checksum, s.limits)
	archive.drain()
	if err != nil {
		return nil, err
	}
	o, err := options(environment)
	if err != nil {
		return nil, err
	}
	o.Path = m.AppRelPath
	ctx, cancel := s.within(ctx)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("%d other applications are being rendered; no slot was free in time", cap(s.slots))
	}
	type answer struct {
		manifests []string
		err       error
	}
	done := make(chan answer, 1)
	go func() { // kustomize cannot be interrupted; its slot stays taken until it is done
		defer func() { <-s.slots }()
		defer func() {
			if broken := recover(); broken != nil {
				s.log.Error("the renderer gave up", "error", broken, "stack", string(debug.Stack()))
				done <- answer{err: fmt.Errorf("the renderer gave up: %v", broken)}
			}
		}()
		result, err := render.Render(tree, o)
		if err != nil {
			done <- answer{err: err}
			return
		}
		manifests, err := manifestsOf(result)
		done <- answer{manifests, err}
	}()
	select {
	case a := <-done:
		return a.manifests, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("rendering took too long")
	}
}

func (s *service) within(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := time.Now().Add(s.timeout)
	if deadline, given := ctx.Deadline(); given && deadline.Add(-margin).Before(limit) {
		limit = deadline.Add(-margin)
	}
	return context.WithDeadline(ctx, limit)
}

// manifestsOf are the objects as JSON, one text each.
func manifestsOf(result render.Result) ([]string, error) {
	var all []string
	for _, obj := range result.Objects {
		data, err := obj.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("write %s %s: %w", obj.GetKind(), obj.GetName(), err)
		}
		all = append(all, strings.TrimSpace(string(data)))
	}
	return all, nil
}

// match answers that the plugin has to be named: without discovery it takes over nobody's application.
func (s *service) match(stream receiver) (*repositoryResponse, error) {
	if _, err := begin(stream); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	newChunks(stream, s.archive).drain()
	return &repositoryResponse{}, nil
}

func (s *service) announce(stream receiver) (*announcementResponse, error) {
	if _, err := begin(stream); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	newChunks(stream, s.archive).drain()
	return &announcementResponse{announcements()}, nil
}

// description is the service as gRPC wants it. Only these names are on the wire.
var description = grpc.ServiceDesc{
	ServiceName: "plugin.ConfigManagementPluginService",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "CheckPluginConfiguration",
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			return &configurationResponse{}, decode(&empty{})
		},
	}},
	Streams: []grpc.StreamDesc{
		streaming("GenerateManifest", func(s *service, stream grpc.ServerStream) (any, error) { return s.generate(stream.Context(), stream) }),
		streaming("MatchRepository", func(s *service, stream grpc.ServerStream) (any, error) { return s.match(stream) }),
		streaming("GetParametersAnnouncement", func(s *service, stream grpc.ServerStream) (any, error) { return s.announce(stream) }),
	},
}

func streaming(name string, call func(*service, grpc.ServerStream) (any, error)) grpc.StreamDesc {
	return grpc.StreamDesc{StreamName: name, ClientStreams: true, Handler: func(server any, stream grpc.ServerStream) error {
		answer, err := call(server.(*service), stream)
		if err != nil {
			return err
		}
		return stream.SendMsg(answer)
	}}
}
