"""The ``bench`` and ``memory`` jobs: one round of one artifact in a process that is fresh."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_runtimes.environment import read_changing, read_environment, read_ticks
from edgewright_runtimes.memory import peak_memory_bytes
from edgewright_runtimes.runtime import SessionOptions, load_runtime, runtime_row
from edgewright_runtimes.timing import Budget, time_calls
from edgewright_runtimes.worker.files import save_samples
from edgewright_runtimes.worker.predict import describe
from edgewright_runtimes.workload import (
    Array,
    feeds,
    fixed_batch,
    load_arrays,
    match,
    random_items,
)

if TYPE_CHECKING:
    from edgewright_runtimes.runtime import Session
    from edgewright_runtimes.worker.jobs import BenchJob, CountJob, MemoryJob
    from edgewright_runtimes.worker.rows import Rows

RANDOM_ITEMS = 8
MEMORY_RUNS = 10


def run_bench(job: BenchJob, rows: Rows) -> None:
    """Environment, load, first call, the round, environment: in this order."""
    root = Path(job.root)
    ticks = read_ticks(root)
    rows.write("environment", when="before", values=read_environment(root, since=ticks))
    module = load_runtime(job.runtime)
    start = time.perf_counter_ns()
    session = module.open_session(Path(job.artifact), options=SessionOptions(threads=job.threads))
    load_ns = time.perf_counter_ns() - start
    with closing(session):
        rows.write("loaded", load_ns=load_ns, **describe(session))
        rows.stage = "run"
        prepared = prepare(session, job)
        start = time.perf_counter_ns()
        session.run(prepared[0])
        rows.write("first", ns=time.perf_counter_ns() - start)
        rows.stage = "measure"
        ticks = read_ticks(root)
        _time(session, prepared, job, rows)
        after = read_environment(root, since=ticks)
    rows.write("environment", when="after", values=after)


def _time(session: Session, prepared: list[dict[str, Array]], job: BenchJob, rows: Rows) -> None:
    begin = last = time.monotonic()

    def on_beat(done: float) -> None:
        nonlocal last
        now = time.monotonic()
        rows.write("progress", done=round(done, 4), of=1)
        if job.sensor_seconds and now - last >= job.sensor_seconds:
            values = {**read_changing(Path(job.root)), "seconds": round(now - begin, 3)}
            rows.write("environment", when="during", values=values)
            last = now

    timed = time_calls(
        session.timed,
        prepared,
        Budget(seconds=job.seconds, samples=job.samples, max_samples=job.max_samples),
        stopping=rows.stopping,
        on_beat=on_beat,
    )
    save_samples(Path(job.samples_file), timed.samples_ns)
    rows.write(
        "samples",
        file=job.samples_file,
        warmup_samples=timed.warmup_samples,
        calls_per_sample=timed.calls_per_sample,
        partial=timed.partial,
    )


def run_memory(job: MemoryJob, rows: Rows) -> None:
    root = Path(job.root)
    before = peak_memory_bytes(root)
    session = load_runtime(job.runtime).open_session(
        Path(job.artifact), options=SessionOptions(threads=job.threads)
    )
    with closing(session):
        rows.stage = "run"
        prepared = prepare(session, job)
        for i in range(MEMORY_RUNS):
            session.run(prepared[i % len(prepared)])
        rows.write("memory", peak_bytes=peak_memory_bytes(root), before_bytes=before)


def prepare(session: Session, job: BenchJob | CountJob | MemoryJob) -> list[dict[str, Array]]:
    """Feeds in the file's dtypes: the real items where there are any, else seeded ones."""
    real = load_arrays(Path(job.feeds)) if job.feeds else {}
    if real and not runtime_row(job.runtime).package:  # it computes nothing: any feed does
        return [{name: value[:1] for name, value in real.items()}]
    if not real:
        real = random_items(session.inputs, count=RANDOM_ITEMS, seed=job.seed)
    batch = fixed_batch(session.inputs) or 1
    return [feed for feed, _ in feeds(match(real, session.inputs), session.inputs, batch=batch)]
