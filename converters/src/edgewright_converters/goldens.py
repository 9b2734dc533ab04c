"""The goldens: a few items with the source's own answers, kept beside the artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.sources.source import Source
    from edgewright_runtimes.records import TensorSpec

    Arrays = Mapping[str, np.ndarray[Any, Any]]

ITEMS = 8
FREE_DIMENSION = 8  # the length given to a dimension that the model leaves open
WORDS = ("a", "edge", "model", "0")


def make_goldens(
    source: Source, *, raw: Arrays | None, feeds: Arrays | None, seed: int
) -> dict[str, np.ndarray[Any, Any]]:
    """``raw/<input>``, ``input/<input>`` (after preprocessing) and ``output/<output>`` arrays.

    ``raw`` and ``feeds`` are the same real items before and after preprocessing, [items, ...];
    without them seeded random ones are made from the signature, and the caller labels them so:
    floats in [0, 1), integers 0 or 1 (indices into any table), booleans, short words.
    """
    import numpy as np

    if feeds is None:
        generator = np.random.default_rng(seed)
        feeds = {i.name: _random(i, generator) for i in source.signature.inputs}
        raw = feeds
    outputs = source.predict(feeds)
    return {
        **{f"raw/{name}": _plain(value) for name, value in (raw or feeds).items()},
        **{f"input/{name}": _plain(value) for name, value in feeds.items()},
        **{f"output/{name}": _plain(value) for name, value in outputs.items()},
    }


def _plain(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Text as numpy's own text: objects would be pickled in the file."""
    import numpy as np

    values = np.asarray(values)
    if values.dtype.kind == "O":
        words = [w.decode() if isinstance(w, bytes) else str(w) for w in values.ravel()]
        return np.array(words).reshape(values.shape)
    return values


def _random(spec: TensorSpec, generator: np.random.Generator) -> np.ndarray[Any, Any]:
    import numpy as np

    free = (ITEMS, *(FREE_DIMENSION for _ in spec.shape[1:]))
    shape = tuple(d or f for d, f in zip(spec.shape, free, strict=False))
    if spec.dtype == "string":
        return generator.choice(np.array(WORDS), size=shape)
    if spec.dtype == "bool":
        return generator.integers(0, 2, size=shape).astype(bool)
    dtype = np.dtype(spec.dtype)
    if dtype.kind in "iu":
        return generator.integers(0, 2, size=shape).astype(dtype)
    return generator.random(size=shape).astype(dtype)
