"""Wheels and all they depend on, for another interpreter and machine than this one, by pip.

pip evaluates the markers of requirements for its own interpreter, whatever ``--platform`` and
``--python-version`` say. So wheels are fetched without their dependencies, which are read from
their metadata with the board's markers. Where a later requirement does not agree with what was
fetched, it is fetched again under both; there is no search back from there.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.targets.ssh.asking import SetupTrouble
from edgewright.targets.ssh.fit import Platform
from edgewright.text_table import one_line
from edgewright_runtimes.errors import MissingExtra

if TYPE_CHECKING:
    from packaging.requirements import Requirement

MOST_ROUNDS = 12  # of dependencies of dependencies
NEED_INDEX = (
    "the workstation asks its package index for the wheels, once; where it has none, carry a "
    "folder of wheels here and name it with EDGEWRIGHT_WHEELS"
)


class Closure:
    """Collects files in ``folder``; ``fetch`` once."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self._platform, self._folder = platform, folder
        self._asked: dict[str, list[Requirement]] = {}
        self._files: dict[str, Path] = {}

    def fetch(self, wanted: Iterable[str]) -> tuple[Path, ...]:
        """In the order in which they were asked for.

        Raises ``SetupTrouble`` with pip's reason, ``MissingExtra`` where there is no pip.
        """
        from packaging.requirements import Requirement

        self._ask(Requirement(word) for word in wanted)
        for _ in range(MOST_ROUNDS):
            missing = [name for name in self._asked if not self._have(name)]
            if not missing:
                return tuple(self._files[name] for name in self._asked)
            self._download(missing)
            for name in missing:
                self._ask(self._needs(name))
        raise SetupTrouble(f"the dependencies of {', '.join(self._asked)} come to no end")

    def _ask(self, requirements: Iterable[Requirement]) -> None:
        from packaging.utils import canonicalize_name

        for one in requirements:
            known = self._asked.setdefault(canonicalize_name(one.name), [])
            if one not in known:
                known.append(one)

    def _have(self, name: str) -> bool:
        if name not in self._files:
            return False
        version = name_and_version(self._files[name])[1]
        return all(one.specifier.contains(version, prereleases=True) for one in self._asked[name])

    def _download(self, names: Sequence[str]) -> None:
        words = [_joined(name, self._asked[name]) for name in names]
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            _pip_download(self._platform, Path(scratch), words)
            for path in Path(scratch).glob("*.whl"):
                self._files[name_and_version(path)[0]] = path.replace(self._folder / path.name)
        if lacking := [name for name in names if name not in self._files]:
            raise SetupTrouble(f"pip fetched no wheel of {', '.join(lacking)}", hint=NEED_INDEX)

    def _needs(self, name: str) -> list[Requirement]:
        """What its metadata asks for on the board."""
        from packaging.requirements import Requirement

        extras = {"", *(extra for one in self._asked[name] for extra in one.extras)}
        markers = _markers(self._platform)
        lines = HeaderParser().parsestr(metadata(self._files[name])).get_all("Requires-Dist") or ()
        return [
            one
            for one in map(Requirement, lines)
            if one.marker is None
            or any(one.marker.evaluate({**markers, "extra": extra}) for extra in extras)
        ]


def name_and_version(wheel: Path) -> tuple[str, str]:
    """By its file's name. Raises ``SetupTrouble`` where that is none of a wheel."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        name, version, _, _ = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as e:
        raise SetupTrouble(f"{wheel}: {e}") from e
    return str(name), str(version)


def metadata(wheel: Path) -> str:
    """Raises ``SetupTrouble`` for a file that is no wheel."""
    try:
        with zipfile.ZipFile(wheel) as files:
            inside = [n for n in files.namelist() if n.endswith(".dist-info/METADATA")]
            return files.read(min(inside, key=len)).decode("utf-8", errors="replace")
    except (OSError, ValueError, zipfile.BadZipFile) as e:
        raise SetupTrouble(f"{wheel} is no wheel: {e}") from e


def _joined(name: str, requirements: Sequence[Requirement]) -> str:
    parts = sorted({str(part) for one in requirements for part in one.specifier})
    return name + ",".join(parts)


def _markers(platform: Platform) -> Mapping[str, str]:
    version = ".".join(map(str, platform.python))
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "os_name": "posix",
        "platform_machine": platform.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
    }


def _pip_download(platform: Platform, folder: Path, words: Sequence[str]) -> None:
    if importlib.util.find_spec("pip") is None:
        raise MissingExtra(
            "pip is not installed in this environment, and fetches the wheels of a board",
            hint="python -m ensurepip, or uv pip install pip",
        )
    major, minor = platform.python
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    argv += ["--disable-pip-version-check", "--progress-bar", "off", "--only-binary", ":all:"]
    argv += ["--implementation", "cp", "--python-version", f"{major}.{minor}"]
    argv += ["--abi", f"cp{major}{minor}", "--dest", str(folder)]
    for tag in platform.tags:
        argv += ["--platform", tag]
    done = subprocess.run(
        [*argv, "--", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = [line for line in done.stderr.strip().splitlines() if line.strip()]
        reasons = [line for line in said if line.startswith("ERROR: ")] or said
        last = one_line(reasons[-1].removeprefix("ERROR: ")) if reasons else "no reason given"
        raise SetupTrouble(f"pip download for {platform}: {last}", hint=NEED_INDEX)
