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
real)
	[ "$(id -u)" = 0 ] || { echo "demo: NODES=real needs root; make demo does not." >&2; exit 1; }
	packages=
	for pair in containerd:containerd runc:runc /usr/lib/cni/bridge:containernetworking-plugins iptables:iptables nft:nftables \
		conntrack:conntrack openssl:openssl curl:curl jq:jq; do
		command -v "${pair%:*}" >/dev/null || packages="$packages ${pair##*:}"
	done
	if [ -n "$packages" ]; then
		command -v apt-get >/dev/null || { echo "demo: missing, and there is no apt-get to install it:$packages" >&2; exit 1; }
		echo "demo: installing these Debian packages:$packages" >&2
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
	fi
	;;
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

if [ "${NODES:-}" = real ]; then
	export STORY_PODS=1 STORY_ADDRESS=10.200.0.1
	node=$(part node)
	timed "Sluice as images" make --no-print-directory image >/dev/null
	timed "the application as images" test/demo/images.sh "$run/images"
	timed "the demo" go build -ldflags "-s -w" -o bin/demo ./test/demo
	inside() { NODE_BIN=$node test/cluster/node/in.sh "$run/node" "$@"; }
	up() { NODE_BIN=$node CLUSTER=$cluster/cluster test/cluster/node/up.sh "$run/node" >/dev/null; }
	import() {
		for image in bin/images/{rollouts-controller,gitops-agent}.tar "$run"/images/*.tar; do
			inside ctr --namespace k8s.io images import - <"$image" >/dev/null
		done
	}
	trap 'test/cluster/node/down.sh "$run/node"; rm -rf "$run"' EXIT
	timed "a node" up
	timed "images into the node" import
	inside "$@" <&0 &
else
	timed Sluice make --no-print-directory build >/dev/null
	timed "the demo" go build -ldflags "-s -w" -o bin/demo ./test/demo
	# What is wrong with two versions of the application; on a real node test/demo/images.sh says the same.
	ANSWER_ERRORS=1.4.4=0.2,1.4.5=POST:0.2 test/cluster/enter.sh "$@" <&0 &
fi
child=$!
trap 'kill -TERM $child 2>/dev/null || true' TERM HUP
trap : INT # a terminal has told everybody
code=0
while :; do # a trapped signal ends wait, not the child
	code=0
	wait $child || code=$?
	grep -qs '^State:.[^Z]' "/proc/$child/status" || break
done
[ "${NODES:-}" != real ] || test/cluster/node/down.sh "$run/node"

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
