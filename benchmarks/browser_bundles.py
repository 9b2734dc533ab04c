"""The bundles that the browser benchmarks run: real models in three formats, with their data.

They are made once, by the product's own ``convert``, and kept in ``.cache/browser-models``; what is
there is taken again while the source, the options and the converters are the same.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import real_models

FOLDER = Path(__file__).parents[1] / ".cache" / "browser-models"
KEPT_SECONDS = 12 * 3600
NAMES = {
    "resnet8": "ResNet8",
    "ds-cnn": "DS-CNN",
    "vww": "VWW",
    "keypoint": "hand gesture",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """``data`` is what is scored (x, y); ``failures`` are variants that ``convert`` refused."""

    bundle: Path
    data: Path
    items: int
    failures: tuple[str, ...]


def make(model: str) -> Made:
    """The bundle of one of ``NAMES``: every variant of three formats, calibrated on real items."""
    from edgewright.verbs.convert import convert

    file, load_data = real_models.MODELS[model]
    source = real_models.real() / file
    data = load_data()
    scored = _save(f"{model}-scored", x=data.x, y=data.y)
    calibration = _save(f"{model}-calibration", x=data.calibration)
    bundle = FOLDER / f"{model}.edgewright"
    done = convert(source, out=bundle, calibrate=str(calibration))
    failures = tuple(f"{f.artifact}: {f.error}" for f in done.failures)
    return Made(bundle=bundle, data=scored, items=len(data.x), failures=failures)


def _save(name: str, **arrays: np.ndarray | None) -> Path:
    """An .npz whose bytes are the same while its arrays are: nothing is converted twice."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.npz"
    given = {key: value for key, value in arrays.items() if value is not None}
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in given.values()))
    mark = path.with_suffix(".sha256")
    if not path.exists() or not mark.exists() or mark.read_text() != digest.hexdigest():
        np.savez(path, **given)
        mark.write_text(digest.hexdigest())
    return path


class Unfinished:
    """What an interrupted run has done already, so that the next one goes on from there; after
    half a day it begins anew: a table is of one machine in one state."""

    def __init__(self, name: str) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._file = FOLDER / f"{name}.unfinished.json"
        fresh = self._file.exists() and time.time() - self._file.stat().st_mtime < KEPT_SECONDS
        self.done: dict[str, Any] = json.loads(self._file.read_text()) if fresh else {}

    def add(self, name: str, found: object) -> None:
        """``found``: plain values, as JSON has them."""
        self.done[name] = found
        self._file.write_text(json.dumps(self.done))

    def finish(self) -> None:
        self._file.unlink(missing_ok=True)
