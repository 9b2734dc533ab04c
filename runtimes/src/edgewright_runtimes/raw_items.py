"""Raw items on their way through the declared preprocessing: one item or a batch of them.

Where the preprocessing wants images an item is [height, width, channels] of any size, or
[height, width] in grey; otherwise it has the shape of the model's input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.feeds import expected
from edgewright_runtimes.preprocess import Preprocess

if TYPE_CHECKING:
    from edgewright_runtimes.records import TensorSpec
    from edgewright_runtimes.runtime import Array


class RawReader:
    """Applies a contract's preprocessing to the inputs that it names, in the order of the file."""

    def __init__(self, declared: Mapping[str, Any], specs: Sequence[TensorSpec]) -> None:
        self._preprocess = Preprocess.from_dict(declared)
        self._specs = specs
        named = self._preprocess.inputs
        self._applies = [not named or spec.name in named for spec in specs]
        self._images = any(declared.get(k) for k in ("resize", "crop")) or (
            self._preprocess.layout != "nhwc" or self._preprocess.color_order != "rgb"
        )

    def read(self, values: Sequence[object]) -> list[object]:
        """Each value preprocessed; a single item stays one."""
        rows = zip(self._specs, self._applies, values, strict=True)
        return [self._apply(spec, value) if applies else value for spec, applies, value in rows]

    def _apply(self, spec: TensorSpec, value: object) -> Array:
        x = np.asarray(value)
        if x.dtype.kind not in "fiub":
            raise BadInput(f"input {spec.name!r} is no array of numbers; expected raw values")
        single = self._is_single(spec, x)
        try:
            batch = self._preprocess.apply(x[np.newaxis] if single else x)
        except BadInput as e:
            raise BadInput(
                f"input {spec.name!r} of shape {x.shape}: {e.args[0]}",
                hint=f"after preprocessing the model takes {expected(spec)}",
            ) from e
        return batch[0] if single else batch

    def _is_single(self, spec: TensorSpec, x: Array) -> bool:
        if not self._images:
            return x.ndim == len(spec.shape) - 1
        channels = spec.shape[1 if self._preprocess.layout == "nchw" else -1]
        return x.ndim == 2 or (x.ndim == 3 and x.shape[-1] == channels)
