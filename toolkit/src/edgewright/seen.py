"""Which files were hashed, and how they looked then: so that they are not hashed again.

``.seen.json`` of a bundle holds, for its source and for each artifact, the sha256 and each file's
size, inode and times of change. A file that looks as it did is taken as the same; any other is
hashed. Writing to a file sets its ctime, which no program can set back: a swap that keeps size
and mtime is seen too.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from edgewright.atomic import write_text
from edgewright.bundle import Bundle, artifact_sha256
from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.records import Artifact

NAME = ".seen.json"
# A change within one tick of the clock (10 ms at most on Linux) would leave the times as they are.
SETTLED_NS = 100_000_000

Looks = dict[str, list[int]]
Known = dict[str, dict[str, Any]]


class Seen:
    """Read at the start of a run, asked and told during it, written at its end."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._path = bundle.path / NAME
        self._known = _read(self._path)
        self._changed = False

    def source_sha256(self, path: Path) -> str:
        """As ``source_sha256`` of the sources. Raises ``UnreadableSource``."""
        from edgewright_converters.sources.identity import source_sha256

        key = f"source {path.resolve()}"
        looks = _looks(path)
        known = self._known.get(key)
        if known is not None and known["files"] == looks:
            return str(known["sha256"])
        self._known = {k: v for k, v in self._known.items() if not k.startswith("source ")}
        sha256 = source_sha256(path)
        self._keep(key, sha256, looks)
        return sha256

    def is_whole(self, artifact: Artifact) -> bool:
        """Whether what lies there is what was built; hashed only where it looks otherwise."""
        try:
            looks = self._artifact_looks(artifact)
            if self._known.get(artifact.name) == {"sha256": artifact.sha256, "files": looks}:
                return True
            if artifact_sha256(self._bundle, artifact) != artifact.sha256:
                return False
        except (OSError, EdgewrightError):
            return False
        self._keep(artifact.name, artifact.sha256, looks)
        return True

    def remember(self, artifact: Artifact) -> None:
        """It was built and hashed just now."""
        self._keep(artifact.name, artifact.sha256, self._artifact_looks(artifact))

    def write(self) -> None:
        if self._changed:
            write_text(self._path, json.dumps(self._known) + "\n")

    def _keep(self, name: str, sha256: str, looks: Looks) -> None:
        newest = max((t for _, _, *times in looks.values() for t in times), default=0)
        if time.time_ns() - newest > SETTLED_NS:
            self._known[name] = {"sha256": sha256, "files": looks}
            self._changed = True

    def _artifact_looks(self, artifact: Artifact) -> Looks:
        model = self._bundle.model_file(artifact)
        return _looks(model.parent if artifact.format == "tfjs" else model)


def _looks(path: Path) -> Looks:
    """Of a file, or of the files in a folder (``artifact.json`` is not part of what was built)."""
    if not path.is_dir():
        return {path.name: _look(path)} if path.exists() else {}
    files = (p for p in path.rglob("*") if p.is_file() and p.name != "artifact.json")
    return {p.relative_to(path).as_posix(): _look(p) for p in sorted(files)}


def _look(path: Path) -> list[int]:
    status = os.stat(path)
    return [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]


def _read(path: Path) -> Known:
    """What can't be read is as if nothing had been seen."""
    try:
        known = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    fits = isinstance(known, dict) and all(
        isinstance(entry, dict) and {"sha256", "files"} <= set(entry) for entry in known.values()
    )
    return known if fits else {}
