#!/bin/bash
# build.sh PART…   builds parts of the test cluster, or finds them built, and prints the folder of each on stdout, one per line.
#
#   cluster     cluster, answer, kubectl        node    kubelet, kube-proxy, image, app, load, lister, tarballs of images
#   traefik     traefik                         traces  traces
#   prometheus  prometheus                      argocd  argocd, kustomize, gitserve, stubplugin
#
# What is built is kept in $SLUICE_CACHE (default: ${XDG_CACHE_HOME:-~/.cache}/sluice), in a folder named after a hash of the
# part's sources, go.mod, go.sum, flags and Go's version. Several builds may run at once: each part has a lock, and a folder
# appears only when it is complete. "build.sh -key PART" prints that folder's name without building anything.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
parts="cluster traefik prometheus node traces argocd"
cache=${SLUICE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sluice}/parts
export CGO_ENABLED=0
unset GOFLAGS # they would be in no key

# How each part is built: in its own folder, into $1. The figure after "compile" is the memory in GiB that one compiler process
# may want, which limits how many run at once.
build_cluster() {
	compile 1 -ldflags "$(kubernetes)" -o "$1/" . ./answer k8s.io/kubernetes/cmd/kubectl
}
build_traefik() { # an SDK package in it takes 3 GiB by itself
	compile 3 -ldflags "-s -w -X github.com/traefik/traefik/v3/pkg/version.Version=v3.7.13" \
		-o "$1/" github.com/traefik/traefik/v3/cmd/traefik
}
build_prometheus() {
	compile 1 -tags remove_all_sd,enable_kubernetes_sd -ldflags "-s -w -X github.com/prometheus/common/version.Version=3.15.0" \
		-o "$1/" github.com/prometheus/prometheus/cmd/prometheus
}
build_node() {
	compile 1 -ldflags "-s -w" -o "$1/" ./image ./pause ./app ./lister ./load
	for tool in pause lister load; do
		"$1/image" -bin "$1/$tool" -name "node.local/$tool:1" -o "$1/$tool.tar"
	done
	for v in v1 v2; do
		"$1/image" -bin "$1/app" -name "node.local/app:$v" -env "VERSION=$v" -o "$1/app-$v.tar"
	done
	compile 1 -ldflags "$(kubernetes)" -o "$1/" k8s.io/kubernetes/cmd/{kubelet,kube-proxy}
}
build_traces() { compile 1 -o "$1/" .; }
build_argocd() { GO_BUILD_P=$(jobs 3) ./build.sh "$1"; }

compile() { # GIB ARGUMENTS…
	local gib=$1
	shift
	go build -p "$(jobs "$gib")" -trimpath "$@"
}
jobs() {
	local free
	free=$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo 2>/dev/null || echo 4)
	local most=$((${free:-4} / $1)) cores
	cores=$(getconf _NPROCESSORS_ONLN)
	echo $((most < 1 ? 1 : most < cores ? most : cores))
}
# Without these the server calls itself v0.0.0-master.
kubernetes() {
	printf -- '-s -w'
	printf -- ' -X %s.gitVersion=v1.36.3' k8s.io/component-base/version k8s.io/client-go/pkg/version
}

folder() { # PART: its module
	case $1 in
	cluster) echo "$here" ;;
	traces) echo "$here/../traces" ;;
	*) echo "$here/$1" ;;
	esac
}

# The sources of a part. The cluster's module has the other parts as folders below it.
sources() {
	local at=.
	[ "$1" != cluster ] || at="answer stages.yaml $(echo *.go go.mod go.sum)"
	find $at -type f \( -name '*.go' -o -name go.mod -o -name go.sum -o -name build.sh -o -name stages.yaml \) ! -name '*_test.go' ! -path '*/trial/*' | sort
}

key() {
	cd "$(folder "$1")"
	{
		go env GOVERSION GOOS GOARCH GOAMD64
		declare -f "build_$1" kubernetes
		sources "$1" | xargs sha256sum
	} | sha256sum | cut -c1-16
}

build() { # PART
	local part=$1 out work pid start=$SECONDS
	out=$cache/$part-$(key "$part")
	mkdir -p "$cache"
	exec {lock}>"$cache/$part.lock"
	flock -n "$lock" || { echo "$part: waiting for another build of it" >&2; flock "$lock"; }
	if [ -d "$out" ]; then
		touch "$out"
		echo "$part: cached" >&2
	else
		rm -rf "$cache/$part".new.* # of a build that was killed: nobody else has the lock
		work=$(mktemp -d "$cache/$part.new.XXXXXX")
		mkdir "$work.tmp"
		set -m # a process group of its own, which ends as a whole
		(cd "$(folder "$part")" && GOTMPDIR=$work.tmp "build_$part" "$work") >"$work.log" 2>&1 {lock}>&- &
		pid=$!
		set +m
		trap 'while kill -KILL -- "-$pid" 2>/dev/null; do sleep 0.05; done; rm -rf "$work"*; exit 130' INT TERM HUP
		progress "$part" "$pid" "$start"
		if ! wait "$pid"; then
			echo "$part: not built:" >&2
			tail -n 20 "$work.log" >&2
			rm -rf "$work"*
			exit 1
		fi
		trap - INT TERM HUP
		chmod 755 "$work"
		mv "$work" "$out"
		rm -rf "$work".*
		echo "$part: built in $((SECONDS - start)) s" >&2
		# What has not been asked for in two weeks.
		find "$cache" -maxdepth 1 -type d -name "$part-*" -mtime +14 -exec rm -rf {} +
	fi
	exec {lock}>&-
	echo "$out"
}

# A terminal shows seconds go by; a log gets a line at the start and one a minute.
progress() { # PART PID START
	local shown=-60 spent
	while kill -0 "$2" 2>/dev/null; do
		spent=$((SECONDS - $3))
		if [ -t 2 ]; then
			printf '\rbuilding %s … %d s ' "$1" "$spent" >&2
		elif [ $((spent - shown)) -ge 60 ]; then
			shown=$spent
			echo "building $1 … $spent s" >&2
		fi
		sleep 1
	done
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

usage() { echo "usage: build.sh [-key] PART…   (parts: $parts)" >&2; exit 2; }
what=build
[ "${1:-}" != -key ] || { what=key; shift; }
[ $# -gt 0 ] || usage
for part; do [[ " $parts " = *" $part "* ]] || usage; done
command -v go >/dev/null || { echo "build.sh: Go is missing (1.26 or later)" >&2; exit 1; }
for part; do
	if [ "$what" = key ]; then echo "$cache/$part-$(key "$part")"; else build "$part"; fi
done
