"""Jobs as a sweep gives them, and how they ended."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from edgewright.targets.web.seats import Seat

TIMES = np.array([3, 4, 5], np.int64)


class Running:
    """``seat.rows`` in a thread of its own, as a sweep has it."""

    def __init__(self, seat: Seat, job: dict[str, object], **limits: object) -> None:
        self.rows: list[dict[str, object]] = []
        self._thread = threading.Thread(target=self._run, args=(seat, job, limits), daemon=True)
        self._thread.start()

    def _run(self, seat: Seat, job: dict[str, object], limits: dict[str, object]) -> None:
        for row in seat.rows(job, **{"limit_seconds": 20.0, **limits}):  # type: ignore[arg-type]
            self.rows.append(dict(row))

    def ended(self) -> list[dict[str, object]]:
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.rows


def bench(tmp_path: Path) -> dict[str, object]:
    return {"job": "bench", "samples_file": str(tmp_path / "samples.npy"), "max_samples": 100}


def predict(tmp_path: Path) -> dict[str, object]:
    np.savez(tmp_path / "in.npz", x=np.zeros((4, 2), np.float32))
    files = {"inputs": str(tmp_path / "in.npz"), "outputs": str(tmp_path / "out.npz")}
    return {"job": "predict", **files}


def failed(rows: list[dict[str, object]]) -> str:
    assert rows[-1]["row"] == "failure", rows
    return f"{rows[-1]['stage']}: {rows[-1]['error']}"
