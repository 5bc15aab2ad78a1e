# The targets of Sluice. "make" alone lists them. Every one works from a clone alone; what takes long to build
# (Kubernetes, Traefik, Prometheus) is kept in $SLUICE_CACHE, ~/.cache/sluice unless it is set.

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The same flags everywhere: otherwise Go's build cache is of no use.
export CGO_ENABLED := 0
export GOFLAGS ?=
version_package := github.com/sluice-delivery/sluice/internal/version
version := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
commit := $(shell git rev-parse HEAD 2>/dev/null)
date := $(shell git log -1 --format=%cI 2>/dev/null)
ldflags := -s -w -X $(version_package).Version=$(version) -X $(version_package).Commit=$(commit) -X $(version_package).Date=$(date)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: test
test: ## all tests that need only Go (offline after go mod download)
	go test ./...
	cd test/traces && go test ./...

.PHONY: fmt
fmt: ## format the Go code
	gofmt -w $$(git ls-files --cached --others --exclude-standard '*.go')

.PHONY: build
build: ## the commands, into bin/
	mkdir -p bin
	go build -trimpath -ldflags '$(ldflags)' -o bin/ ./cmd/...

.PHONY: clean
clean: ## remove what make build and the suites left in the clone (the cache of built parts stays)
	rm -rf bin results.json

# Targets whose content does not exist yet say so and fail: nothing pretends.
.PHONY: e2e-argocd bench-cmp mutate
e2e-argocd: ## the GitOps suite beside a real Argo CD (not there yet)
bench-cmp: ## figures side by side with the reference controller (not there yet)
mutate: ## faults planted at random, to see which tests notice (not there yet)
e2e-argocd bench-cmp mutate:
	@echo "make $@ does not exist yet." >&2; exit 2
