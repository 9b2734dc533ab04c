"""Bias correction: the mean error that 8 bits make in each channel is taken off the bias.

Rounding a layer's weights and inputs moves the mean of what each channel gives. The move is
measured on calibration items, between the float model and one whose tensors go through 8 bits and
back, before the activation; layer after layer, so that each sees its predecessors corrected
(Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction",
section 4.2, the empirical form). It is done on the float artifact's biases, before these become
int32: what is measured is then the format's own rounding, and one function serves all formats.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.mixed.tensors import FloatModel

    Arrays = Mapping[str, np.ndarray[Any, Any]]

ITEMS = 128  # each layer sees them twice


def corrected(
    model: FloatModel, feeds: Arrays, keep_float: Collection[str] = ()
) -> tuple[FloatModel, dict[str, Any]]:
    """The model with its biases moved, and how far: the greatest of all moves.

    ``keep_float`` are the activations that will stay float: what is 8-bit decides the moves.
    """
    import numpy as np

    feeds = {name: values[:ITEMS] for name, values in feeds.items()}
    names = model.in_int8(keep_float)
    original, greatest = model, 0.0
    for made in model.biased:
        wanted = original.channel_means(original.content, feeds, made)
        got = model.channel_means(model.alone(names), feeds, made)
        model = model.with_bias_moved(made, (wanted - got).astype(np.float32))
        greatest = max(greatest, float(np.abs(wanted - got).max()))
    return model, {"layers": len(model.biased), "greatest_move": round(greatest, 6)}
