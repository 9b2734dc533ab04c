"""Calibration items and goldens: drawn over the whole set, preprocessed, checked, recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.records import Plain, TensorSpec

if TYPE_CHECKING:
    from edgewright.data import DataSet
    from edgewright_runtimes.preprocess import Preprocess

GOLDEN_ITEMS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Files for the converter process: ready feeds to calibrate with, items for the goldens."""

    calibration: Path
    golden_raw: Path
    golden_feeds: Path
    ranges: Mapping[str, Any]  # by input name: [least, greatest] after preprocessing
    warnings: tuple[str, ...]


def identity(data: DataSet | None, samples: int, seed: int) -> Mapping[str, Plain]:
    """The calibration's part of a build key; empty without data."""
    if data is None:
        return {}
    return {"data": data.name, "sha256": data.sha256, "samples": samples, "seed": seed}


def prepare(
    data: DataSet,
    *,
    samples: int,
    seed: int,
    preprocess: Preprocess,
    inputs: Sequence[TensorSpec],
    folder: Path,
) -> Prepared:
    """Draw, preprocess and check; raises ``BadInput`` where the items do not fit the inputs."""
    import numpy as np

    from edgewright.data.calibration_set import draw, ranges, warnings_for
    from edgewright.data.feeds import model_feeds

    drawn = draw(data, samples, seed)
    feeds = model_feeds(drawn.x, preprocess, inputs)
    # data sorted by class is common: the goldens are spread over all that was drawn
    spread = np.unique(np.linspace(0, len(drawn.indices) - 1, GOLDEN_ITEMS).astype(int))
    raw = {n: a[spread] for n, a in drawn.x.items()}
    names = ("calibration.npz", "golden-raw.npz", "golden-feeds.npz")
    paths = [folder / name for name in names]
    np.savez(paths[0], **feeds)  # type: ignore[arg-type]
    np.savez(paths[1], **raw)
    np.savez(paths[2], **{n: a[spread] for n, a in feeds.items()})
    return Prepared(
        calibration=paths[0],
        golden_raw=paths[1],
        golden_feeds=paths[2],
        ranges={name: list(pair) for name, pair in ranges(feeds).items()},
        warnings=warnings_for(drawn, preprocess, inputs),
    )
