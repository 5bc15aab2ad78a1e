package agent

import (
	"context"
	"log/slog"

	"github.com/go-logr/logr"
)

// quietly is for gitops-engine, which tells every step at the level of information: here that is debugging.
func quietly(log *slog.Logger) logr.Logger { return logr.FromSlogHandler(lower{log.Handler()}) }

// lower is a handler that takes everything below a warning for debugging.
type lower struct{ slog.Handler }

func lowered(level slog.Level) slog.Level {
	if level < slog.LevelWarn {
		return level - 4
	}
	return level
}

// Enabled implements slog.Handler.
func (l lower) Enabled(ctx context.Context, level slog.Level) bool {
	return l.Handler.Enabled(ctx, lowered(level))
}

// Handle implements slog.Handler.
func (l lower) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lowered(r.Level)
	return l.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (l lower) WithAttrs(attrs []slog.Attr) slog.Handler { return lower{l.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (l lower) WithGroup(name string) slog.Handler { return lower{l.Handler.WithGroup(name)} }
