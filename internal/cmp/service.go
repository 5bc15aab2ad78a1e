// Package cmp is the config management plugin server of Argo CD's repo-server: an archive of a repository in,
// manifests out (argocd-spec section 1). It speaks the protocol itself and renders in memory.
//
// It leaves to package render what manifests are made of what.
package cmp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/sluice-delivery/sluice/internal/version"
	"github.com/sluice-delivery/sluice/render"
)

// margin is how much before the client's deadline the answer has to be there, so that it says more than the deadline.
const margin = 100 * time.Millisecond

// service answers the four methods.
type service struct {
	limits    render.Limits
	bounds    render.Bounds
	archive   int64 // bytes of a compressed archive
	timeout   time.Duration
	discover  *Discovery
	admission *admission
	cache     *cache
	metrics   *metrics
	log       *slog.Logger
}

// made is an answer to GenerateManifest, and how it came about.
type made struct {
	encoded []byte
	count   int
	from    string // archive, tree, render
}

func (s *service) generate(ctx context.Context, stream receiver) (message, error) {
	start := time.Now()
	m, p, memory, err := s.take(ctx, stream)
	if err != nil {
		return nil, s.refused("GenerateManifest", m, start, err)
	}
	environment := map[string]string{}
	for _, e := range m.Env { // the last of several counts
		environment[e.Name] = e.Value
	}
	answer, err := s.answer(ctx, p, memory, m, environment)
	if err != nil {
		return nil, s.refused("GenerateManifest", m, start, err)
	}
	s.metrics.answered("GenerateManifest", answer.from, time.Since(start))
	s.log.Info("render", "application", environment["ARGOCD_APP_NAME"], "revision", environment["ARGOCD_APP_REVISION"], "path", m.AppRelPath,
		"manifests", answer.count, "from", answer.from, "bytes", p.size, "took", time.Since(start).String())
	return encoded(answer.encoded), nil
}

// refused counts and logs what was refused, and makes an error of it that names the application.
func (s *service) refused(method string, m *metadata, start time.Time, err error) error {
	reason := reasonOf(err)
	s.metrics.refused(method, reason, time.Since(start))
	if m == nil {
		s.log.Warn("refuse", "method", method, "reason", reason, "error", err)
		return status.Error(codes.InvalidArgument, err.Error())
	}
	name, revision := "", ""
	for _, e := range m.Env {
		switch e.Name {
		case "ARGOCD_APP_NAME":
			name = e.Value
		case "ARGOCD_APP_REVISION":
			revision = e.Value
		}
	}
	s.log.Warn("refuse", "method", method, "application", name, "revision", revision, "path", m.AppRelPath, "reason", reason, "took", time.Since(start).String(), "error", err)
	return status.Error(codes.FailedPrecondition, fmt.Sprintf("%s: %v", about(m.AppName, name, revision), err))
}

// about says which application an error is of, in few words: it is shown behind a long prefix.
func about(folder, name, revision string) string {
	if name == "" {
		name = folder
	}
	if revision == "" {
		return name
	}
	return name + " at " + revision[:min(8, len(revision))]
}

// take reads the metadata and the archive to its end. A client that takes longer than a rendering may is left alone.
func (s *service) take(ctx context.Context, stream receiver) (m *metadata, p *packed, memory *held, err error) {
	leave, err := s.admission.enter()
	if err != nil {
		return nil, nil, nil, err
	}
	mine := &held{of: s.admission}
	mine.use()
	context.AfterFunc(ctx, func() { mine.finish(); leave() }) // the call's context ends with the call
	mine.use()
	ctx, cancel := s.within(ctx)
	defer cancel()
	type taken struct {
		m   *metadata
		p   *packed
		err error
	}
	done := make(chan taken, 1)
	go func() { // RecvMsg ends with the call
		defer mine.finish()
		m, err := begin(stream)
		if err != nil {
			done <- taken{err: err}
			return
		}
		p, err := receive(stream, m, s.archive, mine)
		done <- taken{m, p, err}
	}()
	select {
	case t := <-done:
		return t.m, t.p, mine, t.err
	case <-ctx.Done():
		return nil, nil, nil, refuse("slow", "the archive was not sent in time")
	}
}

// answer looks into the cache by the archive, then by what is in it, and renders if neither is known.
func (s *service) answer(ctx context.Context, p *packed, memory *held, m *metadata, environment map[string]string) (made, error) {
	question := questionOf(version.Version, version.Commit, m.AppRelPath, environment["ARGOCD_APP_PARAMETERS"])
	if known, found := s.cache.byArchive(question, p.sum); found {
		return made{known.encoded, known.count, "archive"}, nil
	}
	ctx, cancel := s.within(ctx)
	defer cancel()
	turn, err := s.admission.wait(ctx, environment["ARGOCD_APP_PROJECT_NAME"]+"/"+environment["ARGOCD_APP_NAME"])
	if err != nil {
		return made{}, err
	}
	type outcome struct {
		made
		err error
	}
	done := make(chan outcome, 1)
	memory.use()
	go func() {
		defer memory.finish()
		defer turn.end()
		defer func() {
			if broken := recover(); broken != nil {
				s.log.Error("the renderer gave up", "error", broken, "stack", string(debug.Stack()))
				done <- outcome{err: refuse("panic", "the renderer gave up: %v", broken)}
			}
		}()
		answer, err := s.make(question, p, memory, m, environment)
		done <- outcome{answer, err}
	}()
	select {
	case o := <-done:
		return o.made, o.err
	case <-ctx.Done(): // kustomize cannot be interrupted
		turn.abandon()
		if errors.Is(ctx.Err(), context.Canceled) {
			return made{}, refuse("cancelled", "the caller went away")
		}
		return made{}, refuse("time", "rendering took longer than %s: make the application smaller, or raise --timeout and repo-server's timeout", s.timeout)
	}
}

// make unpacks the archive and renders, unless what is in it was rendered before.
func (s *service) make(question digest, p *packed, memory *held, m *metadata, environment map[string]string) (made, error) {
	tree, err := unpack(p, s.limits, memory)
	if err != nil {
		return made{}, err
	}
	if known, found := s.cache.byTree(question, p.sum, tree); found {
		return made{known.encoded, known.count, "tree"}, nil
	}
	o, err := options(environment)
	if err != nil {
		return made{}, refusal{"parameter", err}
	}
	o.Path, o.Bounds = m.AppRelPath, s.bounds
	witness := render.NewWitness(tree)
	out, count, err := s.render(witness, o)
	if err != nil {
		return made{}, err
	}
	known := s.cache.put(question, p.sum, witness.Observations(), out, count)
	return made{known.encoded, known.count, "render"}, nil
}

func (s *service) render(tree filesys.FileSystem, o render.Options) ([]byte, int, error) {
	result, err := render.Render(tree, o)
	if err != nil {
		return nil, 0, err
	}
	answer, err := answerOf(result, messageBytes-1024)
	return answer, len(result.Objects), err
}

// answerOf is a rendered source as Argo CD takes it: one message, of at most that many bytes.
func answerOf(result render.Result, most int) ([]byte, error) {
	answer := manifestResponse{SourceType: result.Source}
	total := 0
	for _, obj := range result.Objects {
		data, err := obj.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("write %s %s: %w", obj.GetKind(), obj.GetName(), err)
		}
		if total += len(data) + 8; total > most {
			return nil, refuse("output", "the manifests are larger than %d MiB, which is all that Argo CD takes: split the application", messageBytes>>20)
		}
		answer.Manifests = append(answer.Manifests, strings.TrimSpace(string(data)))
	}
	return answer.encode(), nil
}

func (s *service) within(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := time.Now().Add(s.timeout)
	if deadline, given := ctx.Deadline(); given && deadline.Add(-margin).Before(limit) {
		limit = deadline.Add(-margin)
	}
	return context.WithDeadline(ctx, limit)
}

// match answers by the names in the archive. Without discovery the plugin has to be named: it takes over nobody's
// application.
func (s *service) match(ctx context.Context, stream receiver) (message, error) {
	start := time.Now()
	m, p, _, err := s.take(ctx, stream)
	if err != nil {
		return nil, s.refused("MatchRepository", m, start, err)
	}
	answer := &repositoryResponse{}
	if s.discover != nil {
		answer.IsDiscoveryEnabled = true
		if answer.IsSupported, err = s.discover.finds(p, m.AppRelPath, s.limits.Bytes); err != nil {
			return nil, s.refused("MatchRepository", m, start, err)
		}
	}
	s.metrics.answered("MatchRepository", "", time.Since(start))
	return answer, nil
}

func (s *service) announce(ctx context.Context, stream receiver) (message, error) {
	start := time.Now()
	if m, _, _, err := s.take(ctx, stream); err != nil {
		return nil, s.refused("GetParametersAnnouncement", m, start, err)
	}
	s.metrics.answered("GetParametersAnnouncement", "", time.Since(start))
	return &announcementResponse{announcements()}, nil
}

func (s *service) configuration() *configurationResponse {
	s.metrics.answered("CheckPluginConfiguration", "", 0)
	return &configurationResponse{IsDiscoveryConfigured: s.discover != nil}
}

// description is the service as gRPC wants it. Only these names are on the wire.
var description = grpc.ServiceDesc{
	ServiceName: "plugin.ConfigManagementPluginService",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "CheckPluginConfiguration",
		Handler: func(server any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			if err := decode(&empty{}); err != nil {
				return nil, err
			}
			return server.(*service).configuration(), nil
		},
	}},
	Streams: []grpc.StreamDesc{
		streaming("GenerateManifest", (*service).generate),
		streaming("MatchRepository", (*service).match),
		streaming("GetParametersAnnouncement", (*service).announce),
	},
}

func streaming(name string, call func(*service, context.Context, receiver) (message, error)) grpc.StreamDesc {
	return grpc.StreamDesc{StreamName: name, ClientStreams: true, Handler: func(server any, stream grpc.ServerStream) error {
		answer, err := call(server.(*service), stream.Context(), stream)
		if err != nil {
			return err
		}
		return stream.SendMsg(answer)
	}}
}
