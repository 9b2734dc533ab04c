"""Debian packages of any architecture, fetched and unpacked; nothing of the system is changed.

apt works with a state and a cache of its own in a folder that does not stay. It reads the
machine's own sources, keys and proxies; its configuration is linked, but for the files with hooks
that act on the system's cache.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgewright.bundle import content_sha256
from edgewright.targets.emulated.trouble import ELSEWHERE, BoardTrouble

LIMIT_SECONDS = 600
SYSTEM_STATUS = Path("/var/lib/dpkg/status")
PARTS = Path("/etc/apt/apt.conf.d")
HOOK = "Post-Invoke"


class Apt:
    """``folder`` is empty, and of the caller; ``architectures``: of this machine, of the board."""

    def __init__(self, folder: Path, *architectures: str) -> None:
        self._folder = folder
        self._architectures = architectures
        for name in ("state/lists/partial", "parts", "log"):
            (folder / name).mkdir(parents=True)
        (folder / "nothing-installed").touch()
        _link_parts(folder / "parts")
        (folder / "apt.conf").write_text(f'Dir::Etc::parts "{folder / "parts"}";\n')

    def update(self) -> None:
        """Raises ``BoardTrouble`` with apt's own words."""
        self._run(self._architectures, self._folder / "nothing-installed", "update")

    def fetch(self, packages: Sequence[str], architecture: str, *, onto_system: bool) -> list[Path]:
        """The ``.deb`` files of ``packages`` and of all that they depend on.

        ``onto_system``: without what is installed on this machine already.
        """
        name = "here" if onto_system else "board"
        archives = self._folder / f"archives-{name}"
        (archives / "partial").mkdir(parents=True)
        status = SYSTEM_STATUS if onto_system else self._folder / "nothing-installed"
        self._run(
            [architecture], status, "install", "--download-only", "--yes", *packages, into=archives
        )
        return sorted(archives.glob("*.deb"))

    def _run(
        self, architectures: Sequence[str], status: Path, *words: str, into: Path | None = None
    ) -> None:
        options: Mapping[str, object] = {
            "Dir::State": self._folder / "state",
            "Dir::State::status": status,
            "Dir::Cache": self._folder,
            "Dir::Cache::archives": into or self._folder / "archives",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Dir::Log": self._folder / "log",
            "APT::Architecture": architectures[0],
            "APT::Architectures": ",".join(architectures),
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",  # the folder is nobody else's to read
            "Acquire::Languages": "none",
            "Debug::NoLocking": "true",
        }
        flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        argv = ["apt-get", "--quiet=2", *flags, *words]
        environment = {"APT_CONFIG": str(self._folder / "apt.conf"), "LC_ALL": "C.UTF-8"}
        run_tool(argv, f"apt-get {words[0]}", env=environment)


def unpack(debs: Sequence[Path], into: Path) -> Mapping[str, str]:
    """Unpack them over each other; the sha256 of each, by file name."""
    into.mkdir(parents=True, exist_ok=True)
    for deb in debs:
        run_tool(["dpkg-deb", "--extract", str(deb), str(into)], f"unpacking {deb.name}")
    return {deb.name: content_sha256(deb) for deb in debs}


def run_tool(argv: Sequence[str], what: str, *, env: Mapping[str, str] | None = None) -> str:
    """What the program printed. Raises ``BoardTrouble`` with the last line of its errors."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_SECONDS,
            check=False,
            env={**os.environ, **(env or {})},
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        raise BoardTrouble(f"building the emulated board: {what}: {e}", hint=ELSEWHERE) from e
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        said = (lines or [f"exit code {done.returncode}"])[-1].strip()
        raise BoardTrouble(f"building the emulated board: {what}: {said[:300]}", hint=ELSEWHERE)
    return done.stdout


def require_tools() -> None:
    """Raises ``BoardTrouble`` that says in one line what is missing."""
    for tool, package in (("apt-get", "apt"), ("dpkg-deb", "dpkg")):
        if shutil.which(tool) is None:
            raise BoardTrouble(
                f"the emulated board is made of Debian packages, and {tool} is not here",
                hint=f"install the package {package}, {ELSEWHERE}",
            )


def _link_parts(into: Path) -> None:
    for part in sorted(PARTS.glob("*")) if PARTS.is_dir() else ():
        if part.is_file() and HOOK not in part.read_text("utf-8", errors="replace"):
            (into / part.name).symlink_to(part)
