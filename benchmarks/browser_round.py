"""One round of the product in a fresh page, for benchmarks that look at its row alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgewright.targets.browser.target import BrowserTarget

LIMIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """``in_force`` as the row has it; ``median_ns`` of one call, ``None`` with a ``failure``."""

    in_force: Mapping[str, str]
    median_ns: float | None
    failure: str = ""


def run_round(
    target: BrowserTarget,
    file: Path,
    runtime: str,
    *,
    threads: int,
    seconds: float,
    work: Path,
    feeds: Path | None = None,
) -> Round:
    """As ``bench`` runs it: a fresh page, its worker, the samples that come back.

    ``feeds``: an .npz of the inputs, taken in turn; without it the page draws its own. ``work``
    takes files that don't stay.
    """
    samples = work / "samples.npy"
    job = {
        "job": "bench",
        "artifact": str(file.resolve()),
        "runtime": runtime,
        "threads": threads,
        "feeds": "" if feeds is None else str(feeds),
        "seconds": seconds,
        "samples": 1,
        "samples_file": str(samples),
        "seed": 0,
        "sensor_seconds": 0.0,
    }
    with closing(target.start(runtime, folder=work, limit_seconds=LIMIT_SECONDS)) as worker:
        rows = {str(row["row"]): row for row in worker.rows(job)}
    in_force = rows["loaded"]["in_force"] if "loaded" in rows else {}
    if "failure" in rows:
        words = f"{rows['failure']['stage']}: {rows['failure']['error']}"
        return Round(in_force=in_force, median_ns=None, failure=words)
    found = rows["samples"]
    steady = np.load(samples)[found["warmup_samples"] :]
    median = float(np.median(steady)) / int(found["calls_per_sample"])
    return Round(in_force=in_force, median_ns=median)
