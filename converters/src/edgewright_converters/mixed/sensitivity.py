"""The converter process' part of ``sensitivity``: a float artifact, and trials on it.

A trial is one change to the float artifact (a tensor through 8 bits and back, or a layer's least
weights set to zero), run on all items in the format's own runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright_converters.formats.format import Calibration
from edgewright_converters.mixed.criterion import damage
from edgewright_converters.mixed.layers import known_layers

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.mixed.tensors import FloatModel
    from edgewright_converters.sources.source import Source

    Array = np.ndarray[Any, Any]
    Arrays = Mapping[str, Array]

Row = dict[str, Any]
PREFIX = "output/"  # of the names in a file of outputs


class Trials:
    """One source in one format on one file of feeds: the ranges are found once."""

    def __init__(self, source: Source, format_: str, feeds: Path) -> None:
        self._feeds = _load(feeds)
        self._model = open_float(source, format_, self._feeds)
        self._expected = self._model.run(self._model.content, self._feeds)

    def tensors(self, outputs: Path) -> Row:
        """What can be tried; the float model's outputs go to ``outputs``."""
        _save(outputs, self._expected)
        tensors = (*self._model.activations, *self._model.weights)
        once = {tensor.name: tensor for tensor in tensors}  # weights may be shared
        return {
            "tensors": [asdict(tensor) for tensor in once.values()],
            "outputs": str(outputs),
        }

    def trial(self, names: list[str], ratio: float | None, outputs: Path) -> Row:
        """8 bits for the tensors named, or, with a ratio, the one named pruned."""
        model = self._model
        content = model.alone(names) if ratio is None else model.pruned(names[0], ratio)
        got = self._model.run(content, self._feeds)
        _save(outputs, got)
        found = damage(self._expected, got)
        return {
            "outputs": str(outputs),
            "sqnr_db": found.sqnr_db if isfinite(found.sqnr_db) else None,
            "points_lost": found.points,
        }


def open_float(source: Source, format_: str, feeds: Arrays) -> FloatModel:
    """The float artifact of ``source`` with its ranges. Raises ``ConversionError``."""
    from edgewright_converters.formats.frozen import freeze
    from edgewright_converters.formats.onnx_graph.graph import to_onnx
    from edgewright_converters.formats.tflite_graph import converter
    from edgewright_converters.mixed import onnx, tflite

    calibration = Calibration(feeds=feeds)
    known = known_layers(source.as_keras())
    if format_ == "onnx":
        converted, _ = to_onnx(source, freeze(source, batch=None), opset=None)
        return onnx.open_model(converted, calibration, batch=None, known=known)
    frozen = freeze(source, batch=1)
    raw = converter.convert(source, frozen, "float32", batch=1, calibration=None)
    edges = frozen.input_names, frozen.output_names
    return tflite.open_model(raw, edges, calibration, known=known)


def _load(path: Path) -> dict[str, Array]:
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _save(path: Path, outputs: Arrays) -> None:
    import numpy as np

    np.savez(path, **{PREFIX + name: values for name, values in outputs.items()})  # type: ignore[arg-type]
