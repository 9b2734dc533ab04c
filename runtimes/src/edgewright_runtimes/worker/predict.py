"""The ``predict`` job: every item through the artifact, in real values on both sides."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgewright_runtimes.errors import ArtifactError
from edgewright_runtimes.records import TensorSpec
from edgewright_runtimes.runtime import SessionOptions, open_session
from edgewright_runtimes.worker.files import save_arrays
from edgewright_runtimes.workload import (
    Array,
    Arrays,
    count_items,
    dequantize,
    feeds,
    fixed_batch,
    load_arrays,
    match,
)

if TYPE_CHECKING:
    from edgewright_runtimes.runtime import Session
    from edgewright_runtimes.worker.jobs import PredictJob
    from edgewright_runtimes.worker.rows import Rows

BATCH_ITEMS = 32
BATCH_BYTES = 16 << 20
BEAT_SECONDS = 2.0


class Sessions:
    """Keeps the last session open: jobs come in chunks of one data set."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._session: Session | None = None

    def open(self, job: PredictJob) -> Session:
        path = Path(job.artifact)
        with suppress(OSError):
            status = path.stat()
            key = (path, job.runtime, job.threads, status.st_mtime_ns, status.st_size)
            if self._session is not None and key == self._key:
                return self._session
            self.close()
            self._session = open_session(
                path, job.runtime, options=SessionOptions(threads=job.threads)
            )
            self._key = key
            return self._session
        raise ArtifactError(f"{path}: no such artifact", hint="convert it again")

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None
        self._key = ()


def run_predict(job: PredictJob, rows: Rows, sessions: Sessions) -> None:
    start = time.perf_counter_ns()
    session = sessions.open(job)
    rows.write("loaded", load_ns=time.perf_counter_ns() - start, **describe(session))
    rows.stage = "run"
    items = match(load_arrays(Path(job.inputs)), session.inputs)
    outputs = predict(session, items, rows)
    save_arrays(Path(job.outputs), outputs)
    rows.write("outputs", file=job.outputs)


def describe(session: Session) -> dict[str, object]:
    return {
        "in_force": dict(session.in_force()),
        "inputs": [_shown(spec) for spec in session.inputs],
        "outputs": [_shown(spec) for spec in session.outputs],
    }


def _shown(spec: TensorSpec) -> Mapping[str, object]:
    return {"name": spec.name, "dtype": spec.dtype, "shape": list(spec.shape)}


def predict(session: Session, items: Arrays, rows: Rows) -> dict[str, Array]:
    """float32 [items, ...] by output name; the session forgets its state before each run."""
    fixed = fixed_batch(session.inputs)
    if fixed is not None:
        return _gather(session, items, fixed, rows)
    batch = _free_batch(items)
    if batch > 1:
        # A free first dimension need not be a batch all the way through: one by one, then
        with suppress(ArtifactError):
            return _gather(session, items, batch, rows)
    return _gather(session, items, 1, rows)


def _free_batch(items: Arrays) -> int:
    count = count_items(items)
    item_bytes = sum(value.nbytes for value in items.values()) // count
    return max(1, min(BATCH_ITEMS, count, BATCH_BYTES // max(1, item_bytes)))


def _gather(session: Session, items: Arrays, batch: int, rows: Rows) -> dict[str, Array]:
    parts: dict[str, list[Array]] = {spec.name: [] for spec in session.outputs}
    for results, count in _results(session, items, batch, rows):
        for spec in session.outputs:
            parts[spec.name].append(
                _items(dequantize(results[spec.name], spec), spec, batch, count)
            )
    return {name: np.concatenate(values) for name, values in parts.items()}


def _results(
    session: Session, items: Arrays, batch: int, rows: Rows
) -> Iterator[tuple[Arrays, int]]:
    done, total, beat = 0, count_items(items), time.monotonic()
    for feed, count in feeds(items, session.inputs, batch=batch):
        if rows.stopping():
            raise ArtifactError("stopped before the last item")
        session.reset()
        yield session.run(feed), count
        done += count
        if time.monotonic() - beat > BEAT_SECONDS:
            rows.write("progress", done=done, of=total)
            beat = time.monotonic()


def _items(result: Array, spec: TensorSpec, batch: int, count: int) -> Array:
    """The real items of one result; one of a single item may lack the batch dimension."""
    if result.ndim and len(result) == batch:
        return result[:count]
    if batch == 1:
        return result[np.newaxis]
    raise ArtifactError(
        f"output {spec.name!r} has shape {result.shape} for a batch of {batch}",
        hint="convert it with --batch 1",
    )
