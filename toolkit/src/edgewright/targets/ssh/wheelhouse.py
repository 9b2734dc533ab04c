"""The wheels for a kind of board: fetched on the workstation once, kept with their hashes.

    FOLDER/cp311-aarch64-glibc2.36/numpy2/*.whl, and wheels.json beside them
    FOLDER/runtimes/edgewright_runtimes-VERSION-HASH.zip: ours, packed from what is installed here

A folder that has what is asked for is taken as it is, with no question to an index, so it can be
made once and carried to a network without one. Files are held against their hashes when they
are taken.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edgewright.atomic import atomic_file, write_text
from edgewright.targets.ssh.asking import SetupTrouble
from edgewright.targets.ssh.closure import Closure, name_and_version
from edgewright.targets.ssh.fit import NUMPY, Group, Platform, Wheel, wheels_for
from edgewright_runtimes.version import __version__

INDEX_FILE = "wheels.json"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can hold: the same content, one file
Tell = Callable[[str], None]
Wheelhouse = Mapping[Group, tuple["WheelFile", ...]]


def silent(words: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """One file to be put on a board, and unpacked there into a folder of its own."""

    path: Path
    name: str
    version: str
    sha256: str
    size_bytes: int
    unpacked_bytes: int

    @property
    def package(self) -> str:
        """Its folder on the board: another content is another folder."""
        return f"{self.name}-{self.version}-{self.sha256[:16]}"


def wheels_folder() -> Path:
    """``EDGEWRIGHT_WHEELS``, or a place in the user's cache."""
    named = os.environ.get("EDGEWRIGHT_WHEELS")
    if named:
        return Path(named)
    return cache_folder()


def cache_folder() -> Path:
    """What is made here is kept there, whatever the wheels lie on."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "edgewright" / "wheels"


def fetch(
    platform: Platform, folder: Path, *, tell: Tell = silent, lost: dict[str, str] | None = None
) -> Wheelhouse:
    """The files of every group that fits the platform, numpy first; ours are not among them.

    ``lost`` takes the runtimes that the index does not have, each with the reason, and the rest is
    fetched without them; where it is not given they are an error.

    Raises ``SetupTrouble`` with pip's reason, ``MissingExtra`` where there is no pip, or
    ``WriteFailed``.
    """
    from filelock import FileLock

    place = folder / str(platform)
    groups: dict[Group, list[Wheel]] = {"numpy2": []}
    for wheel in wheels_for(platform):
        groups.setdefault(wheel.group, []).append(wheel)
    known = {name: _read_index(place / name, _wanted(name, groups[name])) for name in groups}
    there = {name: files for name, files in known.items() if files is not None}
    if len(there) == len(groups):  # carried here, perhaps on what can only be read
        return there
    try:
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / ".lock"):  # two boards of one kind may be set up at once
            return dict(_each(platform, place, groups, tell, lost))
    except OSError as e:
        raise SetupTrouble(f"{place}: {e.strerror or e}") from e


def pack_runtimes(folder: Path) -> WheelFile:
    """Our own package as it is installed here, for a board that has no pip and no index.

    Raises ``WriteFailed``.
    """
    import edgewright_runtimes

    root = Path(edgewright_runtimes.__file__).parent
    paths = sorted(p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    files = {f"{root.name}/{p.relative_to(root).as_posix()}": p.read_bytes() for p in paths}
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    target = folder / "runtimes" / f"{root.name}-{__version__}-{digest.hexdigest()[:16]}.zip"
    if not target.is_file():
        with atomic_file(target) as stream, zipfile.ZipFile(stream, "w") as packed:
            for name, content in files.items():
                entry = zipfile.ZipInfo(name, LONG_AGO)
                packed.writestr(entry, content, compress_type=zipfile.ZIP_DEFLATED)
    return _wheel_file(target, root.name, __version__)


def _each(
    platform: Platform,
    place: Path,
    groups: Mapping[Group, Sequence[Wheel]],
    tell: Tell,
    lost: dict[str, str] | None,
) -> Iterator[tuple[Group, tuple[WheelFile, ...]]]:
    for name, wheels in groups.items():
        try:
            yield name, _most_of(platform, place / name, name, wheels, tell, lost)
        except SetupTrouble as e:
            if lost is None or name == "numpy2":  # nothing goes without that numpy
                raise
            lost.update((wheel.runtime, str(e.args[0])) for wheel in wheels)


def _most_of(
    platform: Platform,
    folder: Path,
    name: Group,
    wheels: Sequence[Wheel],
    tell: Tell,
    lost: dict[str, str] | None,
) -> tuple[WheelFile, ...]:
    """A group without what pip names as not to be had, which goes into ``lost``."""
    try:
        return _group(platform, folder, _wanted(name, wheels), tell)
    except SetupTrouble as e:
        words = str(e.args[0])
        named = re.search(r"No matching distribution found for ([\w.-]+)", words)
        rest = [w for w in wheels if named is None or not w.requirement.startswith(named[1])]
        if lost is None or not 0 < len(rest) < len(wheels):
            raise
        lost.update((wheel.runtime, words) for wheel in wheels if wheel not in rest)
        return _most_of(platform, folder, name, rest, tell, lost)


def _wanted(name: Group, wheels: Sequence[Wheel]) -> list[str]:
    return [NUMPY[name], *(wheel.requirement for wheel in wheels)]


def _group(
    platform: Platform, folder: Path, wanted: Sequence[str], tell: Tell
) -> tuple[WheelFile, ...]:
    known = _read_index(folder, wanted)
    if known is not None:
        return known
    tell(f"fetching {', '.join(wanted)} for {platform}")
    folder.mkdir(parents=True, exist_ok=True)
    paths = Closure(platform, folder).fetch(wanted)
    files = tuple(_wheel_file(path, *name_and_version(path)) for path in paths)
    rows = [{**asdict(file), "path": file.path.name} for file in files]
    index = {"wanted": list(wanted), "files": rows}
    write_text(folder / INDEX_FILE, json.dumps(index, indent=1) + "\n")
    for old in set(folder.glob("*.whl")) - set(paths):
        old.unlink(missing_ok=True)
    return files


def _read_index(folder: Path, wanted: Sequence[str]) -> tuple[WheelFile, ...] | None:
    """What is there, where it is what is asked for and every file has its hash."""
    try:
        index = json.loads((folder / INDEX_FILE).read_text("utf-8"))
        files = tuple(
            WheelFile(**{**row, "path": folder / Path(row["path"]).name}) for row in index["files"]
        )
        right = all(_sha256(file.path) == file.sha256 for file in files)
        return files if right and index["wanted"] == list(wanted) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _wheel_file(path: Path, name: str, version: str) -> WheelFile:
    with zipfile.ZipFile(path) as files:
        unpacked = sum(entry.file_size for entry in files.infolist())
    return WheelFile(
        path=path,
        name=name,
        version=version,
        sha256=_sha256(path),
        size_bytes=path.stat().st_size,
        unpacked_bytes=unpacked,
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
