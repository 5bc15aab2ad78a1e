package main

import (
	"flag"
	"io"
	"log/slog"
	"strconv"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/sluice-delivery/sluice/internal/config"
)

var levels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// logger writes what the controller and the libraries below it say, in one form.
func logger(c config.Config, out io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: levels[c.LogLevel]}
	var handler slog.Handler = slog.NewTextHandler(out, options)
	if c.LogFormat == "json" {
		handler = slog.NewJSONHandler(out, options)
	}
	below := logr.FromSlogHandler(handler)
	ctrl.SetLogger(below)
	klog.SetLogger(below)
	verbosity := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(verbosity)
	if err := verbosity.Set("v", strconv.Itoa(c.KlogLevel)); err != nil {
		slog.New(handler).Warn("verbosity of the Kubernetes libraries not set", "error", err)
	}
	return slog.New(handler)
}
