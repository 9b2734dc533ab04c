"""TensorFlow operations that tf2onnx does not know, written with ONNX operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Handler = Callable[[Any, Any, str, Any], None]


def _erfc(graph: Any, node: Any, name: str, args: Any) -> None:
    """erfc(x) = 1 - erf(x). Keras' exact GELU is x / 2 * erfc(-x / sqrt(2))."""
    import numpy as np
    from tf2onnx import utils

    output = node.output[0]
    dtype, shape = graph.get_dtype(output), graph.get_shape(output)
    one = graph.make_const(
        utils.make_name(name), np.array(1, dtype=utils.map_onnx_to_numpy_type(dtype))
    )
    erf = graph.make_node("Erf", [node.input[0]], dtypes=[dtype], shapes=[shape])
    graph.remove_node(node.name)
    graph.make_node(
        "Sub",
        [one.output[0], erf.output[0]],
        name=name,
        outputs=[output],
        dtypes=[dtype],
        shapes=[shape],
    )


HANDLERS: Mapping[str, Handler] = {"Erfc": _erfc}
