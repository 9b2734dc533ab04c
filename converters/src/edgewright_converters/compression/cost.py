"""What a model weighs: parameters, those that are not zero, multiply-accumulates, bytes zipped."""

from __future__ import annotations

import zlib
from math import prod
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.records import ModelCost

if TYPE_CHECKING:
    from edgewright_converters.compression.graph.flat import Graph, Node

_FREE = (  # they have weights, and no multiply-accumulates worth counting
    "BatchNormalization",
    "LayerNormalization",
    "Normalization",
    "PReLU",
    "Embedding",
)


def model_cost(model: Any) -> ModelCost:
    """``model`` is a built Keras 3 model. Batch normalization counts no multiply-accumulates."""
    from edgewright_converters.compression.graph.flat import flatten

    parameters = nonzero = size = 0
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    zipped = 0
    for weights in model.get_weights():
        parameters += int(weights.size)
        nonzero += int((weights != 0).sum())
        raw = weights.astype("<f4").tobytes()
        size += len(raw)
        zipped += len(packer.compress(raw))
    return ModelCost(
        parameters=parameters,
        nonzero=nonzero,
        macs=graph_macs(flatten(model)),
        size_bytes=size,
        zipped_bytes=zipped + len(packer.flush()),
    )


def graph_macs(graph: Graph) -> int | None:
    """Of one item; ``None`` where a layer's can't be counted (recurrent, attention, custom)."""
    counts = [node_macs(node, graph) for node in graph.nodes]
    if any(count is None for count in counts):
        return None
    return sum(count for count in counts if count is not None)


def node_macs(node: Node, graph: Graph) -> int | None:
    """Multiply-accumulates of one call for one item: kernel size times the outputs it makes."""
    kind = node.kind
    if kind in ("Conv1D", "Conv2D", "Conv3D", "DepthwiseConv1D", "DepthwiseConv2D"):
        kernel = node.layer.kernel
        places = _places(node.shape, node.layer.data_format)
        return None if places is None else int(prod(kernel.shape)) * places
    if kind in ("Conv1DTranspose", "Conv2DTranspose"):
        taken = graph.nodes[node.refs[0].node].shapes[node.refs[0].index]
        places = _places(taken, node.layer.data_format)
        return None if places is None else int(prod(node.layer.kernel.shape)) * places
    if kind in ("SeparableConv1D", "SeparableConv2D"):
        places = _places(node.shape, node.layer.data_format)
        kernels = (node.layer.depthwise_kernel, node.layer.pointwise_kernel)
        return None if places is None else sum(int(prod(k.shape)) for k in kernels) * places
    if kind == "Dense":
        if None in node.shape[1:]:
            return None
        return int(prod(node.layer.kernel.shape)) * int(prod(n or 1 for n in node.shape[1:-1]))
    return 0 if kind in _FREE or not getattr(node.layer, "weights", ()) else None


def _places(shape: tuple[int | None, ...], data_format: str) -> int | None:
    """How many positions an image (or a series) has, whatever its channels."""
    spatial = shape[1:-1] if data_format == "channels_last" else shape[2:]
    if any(size is None for size in spatial):
        return None
    return int(prod(size or 1 for size in spatial))
