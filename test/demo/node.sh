#!/bin/bash
# node.sh COMMAND…   runs COMMAND on a real node: containerd, kubelet, kube-proxy, and in them the images of Sluice and of the
# application. It is what test/cluster/enter.sh is for simulated nodes. Needs Linux and root; says which Debian packages it
# installs before it does; without COMMAND that is all it does. Everything ends with COMMAND, or with this script, whatever
# ends it.
#
#   NODE_LOGS  folder that gets the logs of the node at the end (default: none)
#
# COMMAND has KUBECONFIG, kubectl in PATH, STORY_PODS and STORY_ADDRESS, where pods reach it. world.sh calls this.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
node=test/cluster/node

instead="The nearest thing that works: make demo and make e2e without NODES=real, which need no root."
[ "$(uname -s)" = Linux ] || { echo "node.sh: this is not Linux. $instead" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "node.sh: a real node needs root: containers, cgroups, network. $instead" >&2; exit 1; }

packages= # only those of missing programs: a containerd from elsewhere would make way for Debian's
for pair in containerd:containerd ctr:containerd runc:runc /usr/lib/cni/bridge:containernetworking-plugins iptables:iptables nft:nftables \
	conntrack:conntrack ip:iproute2 openssl:openssl curl:curl jq:jq ps:procps; do
	command -v "${pair%:*}" >/dev/null || [[ " $packages " = *" ${pair#*:} "* ]] || packages+=" ${pair#*:}"
done
if [ -n "$packages" ]; then
	command -v apt-get >/dev/null || { echo "node.sh: missing, with no apt-get to install it:$packages. $instead" >&2; exit 1; }
	echo "node.sh: installing these Debian packages, which are missing:$packages" >&2
	export DEBIAN_FRONTEND=noninteractive
	{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } >/dev/null
fi
for h in /sys/fs/cgroup /sys/fs/cgroup/memory; do # version 2, version 1
	[ ! -e $h/cgroup.procs ] || { mkdir $h/node-probe-$$ && rmdir $h/node-probe-$$; } 2>/dev/null ||
		{ echo "node.sh: no cgroups can be made here, as in many containers. $instead" >&2; exit 1; }
done
[ $# -gt 0 ] || exit 0

timed() { # WHAT COMMAND…
	local begin what=$1
	begin=$(date +%s%N)
	shift
	"$@"
	begin=$((($(date +%s%N) - begin) / 100000000))
	printf '    %-30s %3d.%d s\n' "$what" $((begin / 10)) $((begin % 10)) >&2
}

timed node test/cluster/build.sh node >/dev/null
pack() {
	make --no-print-directory image
	test/demo/images.sh bin/images
}
timed "images" pack >/dev/null

data=$(mktemp -d)
# The guard pulls the plug when nobody holds its pipe any more, even after a SIGKILL of this script.
exec {held}> >(trap '' INT TERM HUP; cat >/dev/null; "$node/down.sh" "$data"; rm -rf "$data")
guard=$! child=
end() {
	local code=$?
	trap : INT TERM HUP
	if [ -n "$child" ]; then # nsenter: what runs in it is told to end with it, and gets some seconds for that
		kill -TERM "$child" 2>/dev/null || true
		wait "$child" || true
		for _ in $(seq 50); do
			env -u NODE_COMMAND "$node/in.sh" "$data" sh -c "grep -qzs '^NODE_COMMAND=$$\$' /proc/[0-9]*/environ" || break
			sleep 0.2
		done
	fi
	[ -z "${NODE_LOGS:-}" ] || { mkdir -p "$NODE_LOGS" && cp "$data"/log/*.log "$NODE_LOGS/"; } || true
	exec {held}>&-
	wait $guard || code=1
	exit $code
}
trap end EXIT
trap 'exit 143' INT TERM HUP

up() { "$node/up.sh" "$data" {held}>&-; }
timed "the node is Ready" up >/dev/null
import() {
	local image
	for image in rollouts-controller gitops-agent payments-api-1.4.{2,3,4,5} app-1; do
		"$node/in.sh" "$data" ctr --namespace k8s.io images import - <"bin/images/$image.tar" >/dev/null {held}>&-
	done
}
timed "images imported" import

export NODE_COMMAND=$$ STORY_PODS=1 STORY_ADDRESS=10.200.0.1
"$node/in.sh" "$data" "$@" <&0 {held}>&- &
child=$!
code=0
wait $child || code=$?
child=
exit $code
