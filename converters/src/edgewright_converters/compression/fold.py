"""Plainer layers for the same function: what integers are found for, and channels scaled in.

Batch norm is folded, a separable convolution is split in two, and an average over everything is
called global: TFLite gives that one (``MEAN``) a range of its own, a pooling not.

Folding (Jacob et al. 2018, section 3.2): a linear layer followed by a batch norm is one linear
layer, with the kernel times gamma / sqrt(variance + epsilon) and a bias.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.graph.build import LEFT_OUT, Changed, build
from edgewright_converters.compression.graph.flat import Graph, Node, flatten

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    Array = np.ndarray[Any, Any]

LINEAR = (
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "Dense",
)
_AVERAGES = ("AveragePooling1D", "AveragePooling2D")
_SEPARABLE = {"SeparableConv1D": "Conv1D", "SeparableConv2D": "Conv2D"}


def fold(model: Any) -> tuple[Any, tuple[str, ...]]:
    """The same function with fewer kinds of layers, and the batch norms that are gone by name.

    A batch norm folds into the layer before it where that has no activation and no other
    consumer, and both are called once. Others stay. Raises ``BadInput`` for a subclassed model.
    """
    graph = _plainer(flatten(model))
    changes: dict[str, Any] = {}
    for place, node in enumerate(graph.nodes):
        before = _foldable(graph, place)
        if before is not None:
            changes[before.name] = _with_norm(before, node.layer)
            changes[node.name] = LEFT_OUT
    gone = tuple(name for name, change in changes.items() if change is LEFT_OUT)
    return build(graph, changes, name=model.name), gone


def output_axis(node: Node) -> int:
    """Which axis of the kernel counts the channels a linear layer gives out; not depthwise's."""
    return -2 if node.kind.endswith("Transpose") else -1


def _foldable(graph: Graph, place: int) -> Node | None:
    """The linear layer that the batch norm at ``place`` can be folded into."""
    norm = graph.nodes[place]
    if norm.kind != "BatchNormalization" or len(norm.refs) != 1:
        return None
    before = graph.nodes[norm.refs[0].node]
    if before.kind not in LINEAR or not is_plain(before.layer):
        return None
    if getattr(before.layer.activation, "__name__", "") != "linear":
        return None
    alone = graph.consumers(norm.refs[0].node) == (place,) and not graph.is_output(
        norm.refs[0].node
    )
    once = len(graph.calls(norm.layer)) == len(graph.calls(before.layer)) == 1
    rank = len(before.shape)
    first = getattr(before.layer, "data_format", None) == "channels_first"
    return (
        before if alone and once and norm.layer.axis % rank == (1 if first else rank - 1) else None
    )


def is_plain(layer: Any) -> bool:
    """With a kernel that is nothing but its values: neither quantized already nor split (LoRA)."""
    plain = getattr(layer, "quantization_mode", None) is None
    return plain and not getattr(layer, "lora_enabled", False)


def _with_norm(node: Node, norm: Any) -> Changed:
    """The layer with the batch norm's scale in its kernel and its shift as its bias."""
    import numpy as np

    mean, variance = np.asarray(norm.moving_mean), np.asarray(norm.moving_variance)
    scale = 1 / np.sqrt(variance.astype(np.float64) + norm.epsilon)
    if norm.gamma is not None:
        scale = scale * np.asarray(norm.gamma)
    kernel = np.asarray(node.layer.kernel)
    bias = np.asarray(node.layer.bias) if node.layer.use_bias else 0.0
    shift = (bias - mean) * scale
    if norm.beta is not None:
        shift = shift + np.asarray(norm.beta)
    scaled = (kernel * spread(node, scale)).astype(kernel.dtype)
    return Changed(config={"use_bias": True}, weights=[scaled, shift.astype(kernel.dtype)])


def spread(node: Node, values: Array) -> Array:
    """One value per channel that the layer gives out, in a shape that multiplies its kernel."""
    kernel = node.layer.kernel
    if node.kind.startswith("Depthwise"):
        return values.reshape((1,) * (len(kernel.shape) - 2) + tuple(kernel.shape[-2:]))
    shape = [1] * len(kernel.shape)
    shape[output_axis(node)] = -1
    return values.reshape(shape)


def _plainer(graph: Graph) -> Graph:
    """With other layers in place of some; the same graph where there is none to replace."""
    changes: dict[str, Any] = {}
    for node in graph.layers():
        if node.kind in _SEPARABLE:
            changes[node.name] = _split(node, graph)
        elif node.kind in _AVERAGES and _is_global(node, graph):
            changes[node.name] = _global(node)
    return flatten(build(graph, changes)) if changes else graph


def _is_global(node: Node, graph: Graph) -> bool:
    places = [node.refs[0]] if len(graph.calls(node.layer)) == 1 else []
    given = [graph.nodes[ref.node].shapes[ref.index] for ref in places]
    first = node.layer.data_format == "channels_first"
    whole = [tuple(shape[2:] if first else shape[1:-1]) for shape in given]
    return whole == [tuple(node.layer.pool_size)]


def _global(node: Node) -> Any:
    import keras

    kind = getattr(keras.layers, f"Global{node.kind}")
    return kind(data_format=node.layer.data_format, keepdims=True, name=node.name)


def _split(node: Node, graph: Graph) -> Any:
    """A nested pair: the second part keeps the name, so that what follows finds it."""
    import keras

    config: Mapping[str, Any] = node.layer.get_config()
    rank = len(node.layer.kernel_size)
    given = graph.nodes[node.refs[0].node].shapes[node.refs[0].index]
    deep_kind = getattr(keras.layers, f"DepthwiseConv{rank}D")
    wide_kind = getattr(keras.layers, _SEPARABLE[node.kind])
    same = {name: config[name] for name in ("data_format", "trainable", "dtype")}
    deep = deep_kind(
        config["kernel_size"],
        strides=config["strides"],
        padding=config["padding"],
        dilation_rate=config["dilation_rate"],
        depth_multiplier=config["depth_multiplier"],
        use_bias=False,
        name=f"{node.name}_depthwise",
        **same,
    )
    wide = wide_kind(
        config["filters"],
        1,
        use_bias=config["use_bias"],
        activation=config["activation"],
        name=node.name,
        **same,
    )
    pair = keras.Sequential([keras.Input(batch_shape=given), deep, wide], name=f"{node.name}_pair")
    kernels = node.layer.get_weights()
    deep.set_weights(kernels[:1])
    wide.set_weights(kernels[1:])
    return pair
