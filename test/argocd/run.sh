#!/bin/bash
# run.sh [COMMAND…]: the cluster of test/cluster, and in it the command (default: the demo) beside which it brings up Argo CD.
# Needs Linux, Go, git and redis-server. "make e2e-argocd" and "make demo ARGOCD=1" call it.
#
#   WORK=DIR     folder for state and logs, a short path (default: a temporary one, which is removed unless something failed)
#   PAGES=F,G    pages that get the table, the figures and what Argo CD shows in each state, between their marks
#   POINTS=2,3   only these points, and the bring-up before them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

[ "$(uname -s)" = Linux ] || { echo "argocd: this is not Linux, whose namespaces the cluster lives in" >&2; exit 1; }
for tool in go git unshare setpriv ip; do
	command -v $tool >/dev/null || { echo "argocd: $tool is missing (Go 1.26, and the packages git, util-linux and iproute2)" >&2; exit 1; }
done
if ! command -v redis-server >/dev/null; then
	echo "argocd: Argo CD needs redis-server, and installing it needs root: apt-get install redis-server" >&2
	exit 1
fi
echo "needs: redis-server (found), about 2 GiB of memory, 5 minutes; root for nothing" >&2
cluster=$(test/cluster/build.sh cluster)
WITNESS_ARGOCD=$(test/cluster/build.sh argocd)
export WITNESS_ARGOCD WITNESS_ROOT=$PWD WITNESS_BIN=${BINARIES:-$PWD/bin}
export GOFLAGS=-trimpath CGO_ENABLED=0
[ -n "${BINARIES:-}" ] || make --no-print-directory build >/dev/null
export WITNESS_NEXT=$WITNESS_BIN/next/rollouts-controller
mkdir -p "$WITNESS_BIN/next"
go build -ldflags "-s -w -X github.com/sluice-delivery/sluice/internal/version.Version=next" -o "$WITNESS_NEXT" ./cmd/rollouts-controller

WITNESS_WORK=${WORK:-$(mktemp -d /tmp/w.XXXXXX)}
export WITNESS_WORK WITNESS_RUN=$WITNESS_WORK WITNESS_PAGES=${PAGES:-}
if [ $# = 0 ]; then
	go build -ldflags "-s -w" -o bin/argocd ./test/argocd
	set -- bin/argocd ${POINTS:+-points "$POINTS"}
fi
code=0
BIN=$cluster test/cluster/enter.sh "$@" &
child=$!
trap 'kill -TERM $child 2>/dev/null || true' TERM HUP
trap : INT # the terminal has told everybody
until wait $child; code=$?; [ ! -d /proc/$child ] || grep -q '^State:.Z' /proc/$child/status; do :; done

# Everything that was started carries WITNESS_RUN in its environment.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	left=$(export -n WITNESS_RUN; grep -lzs "^WITNESS_RUN=$WITNESS_WORK$" /proc/[0-9]*/environ | grep -v "^/proc/$$/" || true)
	[ -n "$left" ] || break
	sleep 0.3
done
if [ -n "$left" ]; then
	echo "argocd: still there: $left" >&2
	code=1
fi
[ "$code" != 0 ] || [ -n "${WORK:-}" ] || rm -rf "$WITNESS_WORK"
exit $code
