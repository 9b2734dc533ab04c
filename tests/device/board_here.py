"""This machine as a board that is set up: our own interpreter and packages, a folder of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tests.toolkit.processes import command_line, descendants

import edgewright_runtimes
from edgewright_runtimes.agent.job_folder import JobFolder

MODELS = Path(__file__).parents[1] / "models"
PACKAGES = Path(edgewright_runtimes.__file__).parents[1]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class BoardHere:
    """What ``prepare`` gives for a board, of which nothing had to be pushed."""

    home: Path
    runtimes: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"null": (), "litert": (), "onnxruntime": ()}
    )
    without: Mapping[str, str] = field(default_factory=lambda: {"tflite-runtime": "Python 3.12"})

    @property
    def root(self) -> str:
        return str(self.home / "a board; $(x) 'y'")

    def argv(self, *words: str, runtime: str = "null") -> list[str]:
        assert runtime in self.runtimes
        return ["env", f"PYTHONPATH={PACKAGES}", "PYTHONSAFEPATH=1", sys.executable, *words]

    # -- looked at from outside -----------------------------------------------------------------

    @property
    def folders(self) -> list[JobFolder]:
        """Of jobs, the latest last."""
        paths = (Path(self.root) / "jobs").glob("*-*")
        return [JobFolder(p) for p in sorted(paths, key=lambda p: p.stat().st_mtime_ns)]

    @property
    def stored(self) -> list[str]:
        return sorted(p.name for p in (Path(self.root) / "store").glob("*"))

    def watching(self) -> int:
        """The process id of the agent that watches over the job at hand."""
        started = self.folders[-1].started
        assert started is not None
        return int(started["pid"])

    def worker(self) -> int:
        found = [p for p in descendants(self.watching()) if "worker" in command_line(p)]
        assert len(found) == 1
        return found[0]


def bench_job(folder: Path, seconds: float = 0.05, **more: object) -> dict[str, object]:
    return {
        "job": "bench",
        "artifact": str(MODELS / "dense.tflite"),
        "runtime": "null",
        "threads": 1,
        "seconds": seconds,
        "samples": 4,
        "samples_file": str(folder / "samples.npy"),
        **more,
    }


def predict_job(folder: Path, **more: object) -> dict[str, object]:
    with np.load(MODELS / "expected.npz", allow_pickle=False) as arrays:
        np.savez(folder / "in.npz", x=arrays["dense/x"])
    return {
        "job": "predict",
        "artifact": str(MODELS / "dense.tflite"),
        "runtime": "litert",
        "threads": 1,
        "inputs": str(folder / "in.npz"),
        "outputs": str(folder / "out.npz"),
        **more,
    }


def until(rows: Iterator[Row], name: str) -> list[Row]:
    """The rows up to one of that name."""
    seen = []
    for row in rows:
        seen.append(row)
        if row["row"] == name:
            return seen
    raise AssertionError(f"no row {name!r} in {seen}")


def clients() -> list[int]:
    """The processes of ssh that this one has started."""
    return [p for p in descendants(os.getpid()) if command_line(p).startswith("ssh ")]
