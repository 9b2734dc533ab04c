"""The files of a job: there under names made of their content, each once; and what comes back.

Nothing that a board says is a path here: it may name one of its results, and what for is known.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewright.atomic import WriteFailed
from edgewright.bundle import content_sha256
from edgewright.targets.ssh.rows import BadRow
from edgewright.targets.web.arrays import check_outputs, check_samples, items_of
from edgewright_runtimes.timing import MAX_SAMPLES

READ = ("artifact", "feeds", "inputs")
RESULTS = {"samples_file": "samples.npy", "outputs": "outputs.npz"}  # the names of the agent
OUTPUT_BYTES = 512 << 20
NPY_HEADER_BYTES = 4_096
_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}")


class ContentNames:
    """Of each file the name that its content has there; read again only where it changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, int], str]] = {}

    def name(self, path: Path) -> str:
        status = path.stat()
        state = status.st_mtime_ns, status.st_size
        known = self._known.get(path)
        if known is None or known[0] != state:
            suffix = path.suffix if _SUFFIX.fullmatch(path.suffix) else ""
            known = state, content_sha256(path) + suffix
            self._known[path] = known
        return known[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """``job`` as it is done there. ``needs``: the files that it reads, by their name there."""

    job: Mapping[str, Any]
    needs: Mapping[str, Path]
    results: Mapping[str, Result]


def move(job: Mapping[str, Any], names: ContentNames, *, store: str, folder: str) -> Moved:
    """Every file of ``job`` replaced by the one there: in ``store``, or in the job's ``folder``."""
    needs: dict[str, Path] = {}
    there = dict(job)
    for field in READ:
        if job.get(field):
            path = Path(str(job[field]))
            name = names.name(path)
            needs[name] = path
            there[field] = f"{store}/{name}"
    there.update({field: f"{folder}/{RESULTS[field]}" for field in RESULTS if job.get(field)})
    return Moved(job=there, needs=needs, results=_results(job))


class Result:
    """A file that a job makes, part after part; ``finish`` puts it to its place here."""

    def __init__(self, to: Path, limit_bytes: int, check: Callable[[Path], None]) -> None:
        self.path = to
        self._limit_bytes, self._check = limit_bytes, check
        self._part = to.with_name(f".{to.name}.part")
        self._has = self._wants = 0

    @property
    def whole(self) -> bool:
        return self._has > 0 and self._has == self._wants

    def begin(self) -> None:
        """Forget what came of it: it is sent anew."""
        self._has = self._wants = 0

    def take(self, row: Mapping[str, Any]) -> None:
        """A row ``file``. Raises ``BadRow``, ``WriteFailed``."""
        data = _decoded(row["data"])
        if not self._has:
            self._wants = row["of"]
        end = row["at"] + len(data)
        if row["at"] != self._has or row["of"] != self._wants or end > self._wants or not data:
            raise BadRow(f"the board sent parts of {self.path.name} that don't fit each other")
        if self._wants > self._limit_bytes:
            raise BadRow(
                f"the board's {self.path.name} has {self._wants:,} bytes; "
                f"{self._limit_bytes:,} at most are taken"
            )
        try:
            with self._part.open("ab" if self._has else "wb") as file:
                file.write(data)
        except OSError as e:
            raise WriteFailed(f"cannot write {self._part}: {e.strerror or e}") from e
        self._has = end

    def finish(self) -> None:
        """Raises ``BadRow`` where it did not come whole, ``BadInput`` for what it may not be."""
        if not self.whole:
            raise BadRow(f"the board did not send {self.path.name}")
        self._check(self._part)
        self._part.replace(self.path)

    def forget(self) -> None:
        self._part.unlink(missing_ok=True)


def _results(job: Mapping[str, Any]) -> Mapping[str, Result]:
    """By the agent's name of each."""
    found: dict[str, Result] = {}
    if job.get("samples_file"):
        most = int(job.get("max_samples") or MAX_SAMPLES)
        found["samples.npy"] = Result(
            Path(str(job["samples_file"])),
            8 * most + NPY_HEADER_BYTES,
            lambda path: check_samples(path, most=most),
        )
    if job.get("outputs"):
        items = items_of(Path(str(job["inputs"]))) if job.get("inputs") else None
        found["outputs.npz"] = Result(
            Path(str(job["outputs"])), OUTPUT_BYTES, lambda path: check_outputs(path, items=items)
        )
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRow("the board sent a part of a file that is no base64") from None
