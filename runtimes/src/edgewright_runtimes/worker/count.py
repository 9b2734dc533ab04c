"""The ``count`` job: a set number of calls between marks, for a counter outside.

What lies between two marks is what ``bench`` times: set the inputs, run, read every output. Each
block does the same work, so that blocks differ by chance alone. The interval of two marks in a
row is what they cost themselves.
"""

from __future__ import annotations

import gc
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_runtimes.runtime import SessionOptions, load_runtime
from edgewright_runtimes.worker.bench import prepare
from edgewright_runtimes.worker.marks import EMPTY_BEGIN, EMPTY_END, WARM, begin, end, mark
from edgewright_runtimes.worker.predict import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgewright_runtimes.runtime import Session
    from edgewright_runtimes.worker.jobs import CountJob
    from edgewright_runtimes.worker.rows import Rows
    from edgewright_runtimes.workload import Array

MOST_CALLS = 100_000
WARM_MARKS = 16  # Python specializes code within its first calls


def run_count(job: CountJob, rows: Rows) -> None:
    """Load, warm up, count; the row ``counted`` says how many blocks of how many calls."""
    session = load_runtime(job.runtime).open_session(
        Path(job.artifact), options=SessionOptions(threads=job.threads)
    )
    with closing(session):
        rows.write("loaded", **describe(session))
        rows.stage = "run"
        prepared = prepare(session, job)
        for feed in prepared:
            session.run(feed)
            _still_at_it(job, rows)
        rows.stage = "measure"
        feeds = prepared * _passes(session, prepared, job, rows)
        blocks = _count(session.timed(feeds), job.blocks, rows)
        rows.write("counted", blocks=blocks, calls_per_block=len(feeds))


def _still_at_it(job: CountJob, rows: Rows) -> None:
    """A call takes seconds under an emulator, and who waits has a limit for silence."""
    rows.write("progress", done=0, of=job.blocks)


def _passes(session: Session, prepared: list[dict[str, Array]], job: CountJob, rows: Rows) -> int:
    """How often a block takes all the feeds: what surrounds a block costs some thousand
    instructions, a little more or less, and is to be lost in it."""
    least = -(-job.calls // len(prepared))
    call = session.timed(prepared)
    took = 0.0
    for _ in range(least):
        start = time.process_time()
        call()
        took += time.process_time() - start
        _still_at_it(job, rows)
    return max(least, min(MOST_CALLS // len(prepared), int(least * job.seconds / max(took, 1e-6))))


def _count(call: Callable[[], object], blocks: int, rows: Rows) -> int:
    """How many blocks were done: fewer where it was stopped."""
    for _ in range(WARM_MARKS):
        mark(WARM)
    call()
    gc.collect()
    gc.disable()
    try:
        mark(EMPTY_BEGIN)
        mark(EMPTY_END)
        for block in range(blocks):
            rows.write("progress", done=block, of=blocks)
            if rows.stopping():
                return block
            mark(begin(block))
            call()
            mark(end(block))
    finally:
        gc.enable()
    return blocks
