"""One job on its way to a page, and its rows on their way back: each once, in order, or not at all.

It knows the order that rows of a job must keep, so that whoever reads them need not ask whether
``samples`` came without ``loaded``. It takes no lock: its seat does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewright.targets.web.arrays import (
    check_outputs,
    check_samples,
    items_of,
    steady_is_measured,
)
from edgewright.targets.web.files import Served, served
from edgewright.targets.web.schema import (
    AnyRow,
    BadRow,
    Done,
    Failed,
    Outputs,
    Samples,
    as_dict,
    kind,
)
from edgewright_runtimes.protocol import PROTOCOL
from edgewright_runtimes.timing import MAX_SAMPLES

READ = ("artifact", "feeds", "inputs")
MAX_ROWS = 20_000  # of one job: eleven hours of one every two seconds
OUTPUT_BYTES = 512 << 20
NPY_HEADER_BYTES = 4_096

# What a job ends with, and what must stand before a row
NEEDED: Mapping[str, tuple[str, ...]] = {
    "bench": ("loaded", "first", "samples"),
    "predict": ("loaded", "outputs"),
    "probe": ("probe",),
    "ask": ("ready",),
}
BEFORE: Mapping[str, tuple[str, ...]] = {
    "first": ("loaded",),
    "samples": ("loaded", "first"),
    "outputs": ("loaded",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Out:
    """A file that the job writes: where it goes, how large it may be, what it may be."""

    path: Path
    limit_bytes: int
    check: Callable[[Path], None]  # raises BadInput


class Delivery:
    """``id`` names one attempt: a page that is loaded anew begins anew, and the old one's rows,
    which may still come, are no longer taken. ``spoilt``: attempts that had come to rows.
    ``page``: the page that has it."""

    def __init__(self, number: int, job: Mapping[str, object]) -> None:
        self.attempt = 1
        self.spoilt = 0
        self.page: str | None = None
        self.over = False
        self._number = number
        self._job = job
        self._kind = str(job.get("job"))
        self._outs = _outs(job)
        self._files: dict[str, Served] = {
            name: served(Path(str(job[name]))) for name in READ if job.get(name)
        }
        artifact = self._files.get("artifact")
        self._key = {} if artifact is None else {"artifact_key": artifact.key()}
        self._begin()

    def _begin(self) -> None:
        self.next = 0
        self.seen: set[str] = set()
        self._written: set[str] = set()

    @property
    def id(self) -> str:
        return str(self._number) if self.attempt == 1 else f"{self._number}.{self.attempt}"

    @property
    def timed(self) -> bool:
        """Whether a pause of the page would be in its numbers."""
        return self._kind == "bench"

    def anew(self) -> None:
        self.attempt += 1
        self.spoilt += bool(self.seen)
        self._begin()

    def message(self) -> dict[str, object]:
        """The job as the page takes it: its files as addresses beside the page's own, and by
        ``artifact_key`` it knows an artifact that it has loaded already."""
        files = {name: f"file/{self.id}/{name}/{f.name}" for name, f in self._files.items()}
        outs = {
            field: f"out/{self.id}/{name}"
            for field, name in (("samples_file", "samples"), ("outputs", "outputs"))
            if name in self._outs
        }
        return {"protocol": PROTOCOL, "id": self.id, **self._job, **files, **self._key, **outs}

    def find(self, name: str, below: str) -> Path | None:
        file = self._files.get(name)
        return None if file is None else file.find(below)

    def out(self, name: str) -> Out | None:
        return self._outs.get(name)

    def wrote(self, name: str) -> None:
        self._written.add(name)

    def take(self, row: AnyRow, *, stopped: bool) -> dict[str, Any]:
        """The next row, as its readers take it. Raises ``BadRow`` where it can't stand here."""
        name = kind(row)
        for before in BEFORE.get(name, ()):
            if before not in self.seen:
                raise BadRow(f"the row {name!r} came before the row {before!r}")
        if isinstance(row, Done) and not stopped:
            for needed in NEEDED.get(self._kind, ()):
                if needed not in self.seen:
                    raise BadRow(f"a {self._kind} job was done without the row {needed!r}")
        self.next += 1
        if self.next > MAX_ROWS:
            raise BadRow(f"more than {MAX_ROWS} rows of one job")
        plain = as_dict(row)
        if isinstance(row, Samples | Outputs):
            plain["file"] = str(self._file(name, row))
        self.seen.add(name)
        self.over = isinstance(row, Done | Failed)
        return plain

    def _file(self, name: str, row: Samples | Outputs) -> Path:
        out = self._outs.get(name)
        if out is None or name not in self._written:
            raise BadRow(f"the row {name!r} came before its file")
        if isinstance(row, Samples) and not steady_is_measured(out.path, row.warmup_samples):
            raise BadRow("a sample behind the warm-up took no time")
        return out.path


def _outs(job: Mapping[str, object]) -> dict[str, Out]:
    """What the job lets the page write, by the name in the address."""
    outs = {}
    if job.get("samples_file"):
        most = int(str(job.get("max_samples") or MAX_SAMPLES))
        outs["samples"] = Out(
            path=Path(str(job["samples_file"])),
            limit_bytes=8 * most + NPY_HEADER_BYTES,
            check=lambda path: check_samples(path, most=most),
        )
    if job.get("outputs"):
        items = items_of(Path(str(job["inputs"]))) if job.get("inputs") else None
        outs["outputs"] = Out(
            path=Path(str(job["outputs"])),
            limit_bytes=OUTPUT_BYTES,
            check=lambda path: check_outputs(path, items=items),
        )
    return outs
