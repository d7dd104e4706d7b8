#!/usr/bin/env bash
# Renders public charts with Helm's packages and with ours, and prints which are equal: `charts.sh` fetches those of charts.lock,
# `charts.sh CHART…` takes directories and archives that are there. By hand, since it needs hosts that may be away; nothing fetched is kept in the tree.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
place=$root/.penstock/charts

charts=("$@")
if ((${#charts[@]} == 0)); then
  mkdir -p "$place"
  while read -r name version address; do
    [[ -n $name && $name != \#* ]] || continue
    archive=$place/$name-$version.tgz
    if [[ ! -s $archive ]]; then
      curl -fsSL --max-time 60 -o "$archive.part" "$address" || { printf 'charts: %s %s CANNOT BE FETCHED: %s\n' "$name" "$version" "$address" >&2; continue; }
      mv "$archive.part" "$archive"
    fi
    charts+=("$archive")
  done <"$root/setup/charts.lock"
fi
((${#charts[@]})) || { echo "charts: there is none to render" >&2; exit 1; }
"$root/crates/chart/oracle/build.sh" "$root/.penstock/oracle"
cd "$root"
exec cargo run --quiet --locked --package penstock-chart --example charts -- "${charts[@]}"
