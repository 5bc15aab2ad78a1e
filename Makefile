# The targets of Sluice. "make" alone lists them. Each works from a clone alone. What takes long to build (Kubernetes,
# Traefik, Prometheus) is kept in $SLUICE_CACHE, ~/.cache/sluice unless it is set.

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The same flags everywhere, or Go's build cache is of no use.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath

version = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
commit = $(shell git rev-parse HEAD 2>/dev/null)
date = $(shell git log -1 --format=%cI 2>/dev/null)
package := github.com/sluice-delivery/sluice/internal/version
ldflags = -s -w -X $(package).Version=$(version) -X $(package).Commit=$(commit) -X $(package).Date=$(date)

# What only some suites need; says in one sentence that it does not exist yet, and fails: nothing pretends.
absent = { echo "make $@ does not exist yet: there is no $(1)." >&2; exit 2; }

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: generate
generate: ## deep copies, CRDs, installation manifests and the field reference, from the types
	go generate ./...

.PHONY: fmt
fmt: ## format the Go code
	gofmt -w $$(git ls-files --cached --others --exclude-standard '*.go')

.PHONY: lint
lint: bin/staticcheck ## gofmt, go vet, staticcheck and the rings
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	[ -z "$$unformatted" ] || { echo "not formatted (make fmt): $$unformatted" >&2; exit 1; }
	go vet -tags apiserver,argocd,e2e ./...
	bin/staticcheck -tags apiserver,argocd,e2e ./...
	go test -run TestRings .

bin/staticcheck: tools/go.mod
	go -C tools build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck

.PHONY: test
test: ## all tests that need only Go (offline after go mod download)
	@status=0; go test ./... || status=1; go -C test/traces test ./... || status=1; exit $$status

.PHONY: build
build: ## the commands, into bin/
	@[ -d cmd ] || $(call absent,cmd)
	mkdir -p bin
	go build -ldflags '$(ldflags)' -o bin/ ./cmd/...

# Cases whose names match RUN, PARALLEL at a time; see test/traces/README.md.
RUN ?= ^(canary|bluegreen|nginx|istio|alb|op|analysis|invalid)-
PARALLEL ?= 6
.PHONY: traces
traces: build ## the recorded cases, played against our controller (RUN=regexp, PARALLEL=6)
	@[ -d cmd/rollouts-controller ] || $(call absent,cmd/rollouts-controller)
	@kit=$$(test/cluster/build.sh traces) && test/cluster/enter.sh "$$kit/traces" play \
		-cases test/traces/cases -later test/traces/later.txt -except test/traces/except.yaml \
		-run '$(RUN)' -parallel $(PARALLEL) -json results.json -crds manifests/crd -log bin/traces.log \
		-controller 'bin/rollouts-controller --kubeconfig {{kubeconfig}} --leader-elect=false --loglevel info'

.PHONY: apiserver
apiserver: ## the tests that need a real API server
	@[ -d test/apiserver ] || $(call absent,test/apiserver)
	test/cluster/enter.sh go test -tags apiserver -count=1 -timeout 10m ./test/apiserver/...

.PHONY: image
image: build ## the commands as OCI images without a registry, into bin/images/ (IMAGE=prefix, TAG=dev)
	go -C test/cluster/node build -o ../../../bin/image ./image
	mkdir -p bin/images
	@roots=/etc/ssl/certs/ca-certificates.crt; [ -f $$roots ] && file="-file $$roots:$$roots" || file=; \
	for command in cmd/*; do name=$${command##*/}; \
		bin/image -bin bin/$$name $$file -name $(IMAGE)/$$name:$(TAG) -o bin/images/$$name.tar; \
		echo "bin/images/$$name.tar: $(IMAGE)/$$name:$(TAG)"; done
IMAGE ?= ghcr.io/sluice-delivery
TAG ?= dev

# Go ends some fuzz runs at their time limit with "context deadline exceeded" and no input that fails; that is no finding.
.PHONY: fuzz
fuzz: ## half a minute of arbitrary archives, sources, parameters and scripts each
	@for target in FuzzArchive:internal/cmp FuzzParameters:internal/cmp FuzzRender:render FuzzScript:health/lua; do \
		log=$$(mktemp); status=0; \
		go test -run '^$$' -fuzz "^$${target%%:*}$$" -fuzztime 30s -fuzzminimizetime 10x "./$${target#*:}" >$$log 2>&1 || status=$$?; \
		tail -n 4 $$log; \
		if [ $$status != 0 ] && { ! grep -q 'context deadline exceeded' $$log || grep -q 'Failing input written' $$log; }; then cat $$log; rm $$log; exit 1; fi; \
		rm $$log; \
	done

.PHONY: clean
clean: ## remove what make left in the clone (the cache of built parts stays)
	rm -rf bin results.json

# WORLDS random worlds from seed FIRST on: other ones at each run. A failing one prints the command that replays it.
WORLDS ?= 50000
FIRST ?= $(shell date +%s)
.PHONY: simulate
simulate: ## many more random worlds than make test has (WORLDS=50000, FIRST=seed)
	go test -count=1 -timeout 2h -run TestWorlds ./test/simulation -worlds $(WORLDS) -first $(FIRST)

.PHONY: demo
demo: ## the whole story, live (KEEP=1 leaves it running, PICTURE=file.svg draws it, NODES=real: on a real node, ARGOCD=1: beside a real Argo CD)
	@$(if $(ARGOCD),test/argocd/run.sh,test/demo/demo.sh)

.PHONY: e2e
e2e: ## from a commit in Git to OutOfSync, as tests on simulated nodes (RUN_E2E=regexp; NODES=real on a real node, root)
	@NODES=$(NODES) test/demo/world.sh go test -count=1 -timeout 20m -tags e2e -v -run '$(RUN_E2E)' ./test/e2e
RUN_E2E ?= .

.PHONY: docs
docs: ## what of the documentation is made from a run: docs/story.svg
	@PICTURE=docs/story.svg test/demo/demo.sh

.PHONY: bench e2e-argocd bench-cmp mutate
bench: ## how fast, how large
	go test ./health/lua -run '^$$' -bench 'Health|Convert' -benchtime 1s
e2e-argocd: ## what a real Argo CD says of rollouts and rollbacks, with Sluice and stock (needs redis-server)
	@test/argocd/run.sh go test -tags argocd -count=1 -timeout 25m -v ./test/argocd
bench-cmp: build ## the plugin beside Argo CD's own, which runs a kustomize process per request
	@parts=$$(test/cluster/build.sh argocd) && go run ./test/bench/cmp -stock "$$parts"
mutate: ## faults planted at random, to see which tests notice
	@$(call absent,program for it)
