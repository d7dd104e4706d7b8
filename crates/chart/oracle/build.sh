#!/usr/bin/env bash
# Builds the oracles and Helm itself into a directory: `build.sh DIRECTORY`. Does nothing when they are there and nothing changed.
# Versions are set as Helm's own release builds set them, since charts and lint see them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
place=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$here"
stamp=$({ cat ./*.go ./*.mod ./*.sum build.sh; go version; } | sha256sum | cut -d' ' -f1)
[[ $(cat "$place/stamp" 2>/dev/null) != "$stamp" ]] || exit 0

# Helm's Makefile: the Kubernetes version is that of client-go, 0.33 being 1.33
flags() {
  local module=helm.sh/helm/v3 part
  printf -- '-s -w -X %s/internal/version.version=%s' "$module" "$1"
  for part in pkg/lint/rules pkg/chartutil; do
    printf -- ' -X %s/%s.k8sVersionMajor=1 -X %s/%s.k8sVersionMinor=%s' "$module" "$part" "$module" "$part" "$2"
  done
}
export CGO_ENABLED=0
go build -buildvcs=false -trimpath -ldflags "$(flags v3.18.4 33)" -o "$place/helm-oracle" .
# the same, elsewhere in memory: where Go's data lies is no answer, whatever was made of it
go build -buildvcs=false -trimpath -ldflags "$(flags v3.18.4 33) -T 0x4001000" -o "$place/helm-oracle-elsewhere" .
go build -buildvcs=false -trimpath -modfile=go314.mod -tags helm314 -ldflags "$(flags v3.14.4 29)" -o "$place/helm-oracle-3.14" .
go build -buildvcs=false -trimpath -ldflags "$(flags v3.18.4 33)" -o "$place/helm" helm.sh/helm/v3/cmd/helm
go build -buildvcs=false -trimpath -modfile=go314.mod -ldflags "$(flags v3.14.4 29)" -o "$place/helm-3.14" helm.sh/helm/v3/cmd/helm
echo "$stamp" >"$place/stamp"
