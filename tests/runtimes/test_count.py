"""The ``count`` job, with nobody who counts."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from edgewright_runtimes.worker.bench import RANDOM_ITEMS
from edgewright_runtimes.worker.count import run_count
from edgewright_runtimes.worker.jobs import CountJob
from edgewright_runtimes.worker.rows import Rows

MODEL = Path(__file__).parents[1] / "models" / "dense.tflite"


def count(**more: Any) -> list[dict[str, Any]]:
    out = io.StringIO()
    job = CountJob(artifact=str(MODEL), runtime="null", threads=1, seconds=0.001, **more)
    run_count(job, Rows(out, lambda: False))
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_no_silence_is_longer_than_one_block() -> None:
    """A call of a large network takes seconds under an emulator, and a silent job is ended."""
    rows = count(blocks=3, calls=32)
    names = [row["row"] for row in rows]
    assert (names[0], names[-1]) == ("loaded", "counted")
    progress = [row for row in rows if row["row"] == "progress"]
    assert len(progress) == len(rows) - 2
    begun = [row for row in progress if row["done"] == 0]
    blocks = [row for row in progress if row["done"] > 0]
    assert len(blocks) == 2 and {row["of"] for row in progress} == {3}
    assert len(begun) == RANDOM_ITEMS + 32 // RANDOM_ITEMS + 1, "each feed, each pass, block 0"
    assert rows[-1]["blocks"] == 3 and rows[-1]["calls_per_block"] >= 32
