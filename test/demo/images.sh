#!/bin/bash
# images.sh DIR: the demo's application as OCI images, one file per version, without a registry.
set -euo pipefail
out=${1:?usage: images.sh DIR}
node=$("$(dirname "${BASH_SOURCE[0]}")/../cluster/build.sh" node)
mkdir -p "$out"
pack() { # VERSION ERROR_RATE
	"$node/image" -bin "$node/app" -name "123456789.dkr.ecr.us-east-1.amazonaws.com/payments-api:$1" -env "VERSION=$1" -env "ERROR_RATE=$2" -o "$out/payments-api-$1.tar"
}
pack 1.4.2 0
pack 1.4.3 0
pack 1.4.4 0.2      # every fifth request
pack 1.4.5 POST:0.2 # every fifth POST
"$node/image" -bin "$node/app" -name app:1 -env VERSION=1 -o "$out/app-1.tar" # of the tests with bad input
