#!/bin/bash
# world.sh COMMAND…: builds the parts of the demo, or finds them built, starts a cluster with nodes, and runs COMMAND inside
# with KUBECONFIG, kubectl in PATH and STORY_TRAEFIK, STORY_PROMETHEUS, STORY_BIN, STORY_ADDRESS, STORY_PODS set. All of it is
# gone when COMMAND ends, and after a signal; exit code 1 if it is not.
#
#   NODES=real   a real node with Sluice as pods, as root; otherwise simulated ones, without root
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

instead="The nearest thing that works is test/e2e against a kind cluster: see docs/e2e-kind.md."
fail() { echo "demo: $* $instead" >&2; exit 1; }
[ "$(uname -s)" = Linux ] || fail "this is not Linux, whose namespaces the demo lives in."
for tool in go git unshare setpriv ip; do
	command -v $tool >/dev/null || fail "$tool is missing (Go 1.26, and the packages git, util-linux and iproute2)."
done
case ${NODES:-simulated} in
simulated)
	how=--net; [ "$(id -u)" = 0 ] || how="--user --map-root-user --net"
	why=$(unshare $how true 2>&1) || fail "neither root nor user namespaces here ($why)."
	;;
real) test/demo/node.sh ;; # root? the packages?
*) echo "demo: NODES=$NODES: simulated or real" >&2; exit 2 ;;
esac

start=$SECONDS
timed() { # WHAT COMMAND…
	local begin what=$1
	begin=$(date +%s%N)
	shift
	"$@"
	begin=$((($(date +%s%N) - begin) / 100000000))
	printf '    %-30s %3d.%d s\n' "$what" $((begin / 10)) $((begin % 10)) >&2
}
part() { timed "$1" test/cluster/build.sh "$1"; }
echo " 0  Parts" >&2
cluster=$(part cluster)
STORY_TRAEFIK=$(part traefik)/traefik
STORY_PROMETHEUS=$(part prometheus)/prometheus
STORY_BIN=$PWD/bin
export BIN=$cluster STORY_TRAEFIK STORY_PROMETHEUS STORY_BIN CGO_ENABLED=0 GOFLAGS=-trimpath
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
export DEMO_RUN=$run # everything that is started carries it

timed Sluice make --no-print-directory build >/dev/null
timed "the demo" go build -ldflags "-s -w" -o bin/demo ./test/demo
interrupt=: # a terminal has told everybody
if [ "${NODES:-}" = real ]; then
	interrupt='kill -TERM $child' # but for a script in the background, which bash makes deaf
	test/demo/node.sh "$@" <&0 &
else
	# What is wrong with two versions of the application; on a real node test/demo/images.sh says the same.
	ANSWER_ERRORS=1.4.4=0.2,1.4.5=POST:0.2 test/cluster/enter.sh "$@" <&0 &
fi
child=$!
trap 'kill -TERM $child 2>/dev/null || true' TERM HUP
trap "$interrupt" INT
code=0
while :; do # a trapped signal ends wait, not the child
	code=0
	wait $child || code=$?
	grep -qs '^State:.[^Z]' "/proc/$child/status" || break
done

left=
for _ in 1 2 3 4 5 6 7 8 9 10; do
	left=$(export -n DEMO_RUN; grep -lzs "^DEMO_RUN=$run$" /proc/[0-9]*/environ || true)
	[ -n "$left" ] || break
	sleep 0.3
done
if [ -n "$left" ]; then
	echo "demo: still there: $left" >&2
	code=1
else
	echo "  nothing that was started is left; $((SECONDS - start)) s in all" >&2
fi
exit $code
