#!/bin/bash
# demo.sh: the whole story, from nothing. Needs Linux, Go and git, no root. "make demo" calls it.
#
#   NODES=real   on a real node, controller and agent as pods: needs root; see node.sh
#   KEEP=1       leave everything running at the end, with a shell inside
#   PICTURE=F    write what was shown to an SVG file
#   WORK=DIR     folder for state and logs (default: a temporary one, removed unless something failed)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

instead="The nearest thing that works is test/e2e against a kind cluster: see docs/e2e-kind.md."
[ "$(uname -s)" = Linux ] || { echo "demo: this is not Linux, whose namespaces the demo lives in. $instead" >&2; exit 1; }
for tool in go git unshare setpriv ip; do
	command -v $tool >/dev/null || { echo "demo: $tool is missing (Go 1.26, and the packages git, util-linux and iproute2). $instead" >&2; exit 1; }
done
case ${NODES:=simulated} in
simulated) ;;
real) test/demo/node.sh ;; # is all here that it needs?
*) echo "demo: NODES=$NODES is neither simulated nor real" >&2; exit 2 ;;
esac
how=--net; [ "$(id -u)" = 0 ] || how="--user --map-root-user --net"
why=$(unshare $how true 2>&1) || { echo "demo: neither root nor user namespaces here ($why). $instead" >&2; exit 1; }

[ -z "${WORK:-}" ] || [ -z "$(ls -A "$WORK" 2>/dev/null)" ] || { echo "demo: WORK=$WORK is not empty" >&2; exit 1; }

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
cluster=$(part cluster) traefik=$(part traefik) prometheus=$(part prometheus)
export GOFLAGS=-trimpath CGO_ENABLED=0
timed Sluice make --no-print-directory build >/dev/null
timed "the demo" go build -ldflags "-s -w" -o bin/demo ./test/demo

work=${WORK:-$(mktemp -d)}
export DEMO_RUN=$work
code=0
export BIN=$cluster ANSWER_ERRORS="1.4.4=0.2,1.4.5=POST:0.2"
enter=test/cluster/enter.sh pods=
[ "$NODES" = simulated ] || { enter=test/demo/node.sh pods="-pods -address 10.200.0.1"; export NODE_LOGS=$work/log; }
$enter bin/demo $pods -root . -bin "$PWD/bin" -work "$work" -traefik "$traefik/traefik" -prometheus "$prometheus/prometheus" \
	${KEEP:+-keep} ${PICTURE:+-picture "$PICTURE"} <&0 &
child=$!
trap 'kill -TERM $child 2>/dev/null || true' TERM HUP
trap : INT # the terminal has told everybody
[ "$NODES" = simulated ] || trap 'kill -TERM $child 2>/dev/null || true' INT # but for a shell in the background
until wait $child; code=$?; [ ! -d /proc/$child ] || grep -q '^State:.Z' /proc/$child/status; do :; done

# Everything that was started carries DEMO_RUN in its environment.
left=
for _ in 1 2 3 4 5 6 7 8 9 10; do
	left=$(export -n DEMO_RUN; grep -lzs "^DEMO_RUN=$work$" /proc/[0-9]*/environ | grep -v "^/proc/$$/" || true)
	[ -n "$left" ] || break
	sleep 0.3
done
if [ -n "$left" ]; then
	echo "demo: still there: $left" >&2
	code=1
else
	echo "  nothing that was started is left; $((SECONDS - start)) s in all" >&2
fi
[ "$code" != 0 ] || [ -n "${WORK:-}" ] || rm -rf "$work"
exit $code
