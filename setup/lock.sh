#!/usr/bin/env bash
# Makes requirements.lock and pages.lock (every file by its hash) from the two lists beside it.
set -euo pipefail
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
/usr/bin/python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" --quiet install pip-tools==7.6.2
"$scratch/venv/bin/pip-compile" --quiet --generate-hashes --no-header --no-annotate --strip-extras \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements.lock requirements.in
"$scratch/venv/bin/pip" --quiet download --no-deps --dest "$scratch/pages" $(grep -v '^#' pages.in)
while read -r requirement; do
  printf '%s --hash=sha256:%s\n' "$requirement" "$(cat "$scratch"/pages/* | sha256sum | cut -d' ' -f1)"
done < <(grep -v '^#' pages.in) > pages.lock
