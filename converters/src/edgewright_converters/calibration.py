"""Feeds calibration items to the converters, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError

if TYPE_CHECKING:
    import numpy as np

    Arrays = Mapping[str, np.ndarray[Any, Any]]


def batches(feeds: Arrays, batch: int) -> Iterator[dict[str, np.ndarray[Any, Any]]]:
    """Views of [batch, ...] by name; a last part that does not fill a batch is left out.

    Raises ``ConversionError`` where there are fewer items than one batch.
    """
    items = min(len(values) for values in feeds.values())
    if items < batch:
        raise ConversionError(
            f"{items} calibration items do not fill one batch of {batch}",
            hint="give more with --calibrate DATA, or a smaller --batch",
        )
    for start in range(0, items - batch + 1, batch):
        yield {name: values[start : start + batch] for name, values in feeds.items()}
