#!/bin/bash
# demo.sh: the whole story, from nothing. Needs Linux, Go and git, no root. "make demo" calls it.
#
#   NODES=real   on a real node, with Sluice as pods; needs root, and says which Debian packages it installs
#   KEEP=1       leave everything running at the end, with a shell inside
#   PICTURE=F    write what was shown to an SVG file
#   WORK=DIR     an empty folder for state and logs (default: a temporary one, removed unless something failed)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ -z "${WORK:-}" ] || [ -z "$(ls -A "$WORK" 2>/dev/null)" ] || { echo "demo: WORK=$WORK is not empty" >&2; exit 1; }
work=${WORK:-$(mktemp -d)}
trap : INT # world.sh ends by itself
code=0
NODE_LOGS=$work/log test/demo/world.sh bin/demo -work "$work" ${KEEP:+-keep} ${PICTURE:+-picture "$PICTURE"} || code=$?
case $code in # logs of a failure are kept; of an interruption they are not
0 | 130 | 143) [ -n "${WORK:-}" ] || rm -rf "$work" ;;
*) rmdir "$work" 2>/dev/null || true ;; # nothing was started
esac
exit $code
