"""What each call is to an integer runtime: computing, passing on, or unknown and left in float."""

from __future__ import annotations

from typing import Any, Literal

from edgewright_converters.compression.fold import is_plain
from edgewright_converters.compression.graph.flat import Graph, Node

Role = Literal["input", "linear", "own", "fixed", "tied", "joined", "fused", "passed", "unknown"]

LINEAR = (
    "Conv1D",
    "Conv2D",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Dense",
)
FUSED = ("relu", "relu6")  # part of the kernel that makes their tensor
# What a runtime's table of 256 results holds: softmax and sigmoid in steps of 1/256, tanh of 1/128.
FIXED = {
    "softmax": (0.0, 255 / 256),
    "sigmoid": (0.0, 255 / 256),
    "tanh": (-1.0, 127 / 128),
}
_OWN = ("Add", "Subtract", "Multiply", "GlobalAveragePooling1D", "GlobalAveragePooling2D")
_TWO = ("Add", "Subtract", "Multiply")
_TIED = (  # the same scale in and out, by the rules of TFLite's quantizer
    "MaxPooling1D",
    "MaxPooling2D",
    "AveragePooling1D",
    "AveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "Flatten",
    "Reshape",
    "Permute",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "Cropping1D",
    "Cropping2D",
    "UpSampling1D",
    "UpSampling2D",
)
_PASSED = (
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "ActivityRegularization",
    "Identity",
)
_ACTIVATIONS = {  # of layers and of keras.ops
    "Softmax": "softmax",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Relu": "relu",
    "Relu6": "relu6",
    "LeakyRelu": "leaky_relu",
    "LeakyReLU": "leaky_relu",
}


def role(graph: Graph, place: int) -> Role:
    node = graph.nodes[place]
    if node.kind == "InputLayer":
        return "input"
    if len(node.shapes) != 1 or _channels_first(node.layer):
        return "unknown"
    if node.kind in LINEAR:
        return "linear" if is_plain(node.layer) else "unknown"
    if node.kind in _PASSED or activation_of(node) == "linear":
        return "passed"
    if node.kind in _OWN:
        return "own" if len(node.refs) == (2 if node.kind in _TWO else 1) else "unknown"
    if node.kind == "Concatenate":
        return "joined"
    if node.kind in _TIED:
        return "tied" if len(node.refs) == 1 else "unknown"
    return _role_of_activation(graph, place)


def _role_of_activation(graph: Graph, place: int) -> Role:
    name = activation_of(graph.nodes[place])
    if name in FUSED:
        return "fused" if fusable(graph, place) else "tied"
    if name in FIXED:
        return "fixed"
    return "own" if name == "leaky_relu" else "unknown"


def activation_of(node: Node) -> str:
    """The function that an activation's call applies; empty for other layers."""
    layer = node.layer
    if node.kind == "Activation":
        return str(getattr(layer.activation, "__name__", ""))
    if node.kind == "ReLU":
        return _relu(layer)
    return _ACTIVATIONS.get(node.kind, "")


def _relu(layer: Any) -> str:
    if layer.threshold:
        return ""
    if layer.negative_slope:
        return "leaky_relu" if layer.max_value is None else ""
    return {None: "relu", 6.0: "relu6"}.get(layer.max_value, "")


def inner_activation(layer: Any) -> str:
    """That of a linear layer itself: ``Conv2D(..., activation="relu")``."""
    return str(getattr(layer.activation, "__name__", type(layer.activation).__name__))


def fusable(graph: Graph, place: int) -> bool:
    """Whether a ReLU becomes part of the kernel before it: nothing else reads what that makes."""
    ref = graph.nodes[place].refs[0]
    before = graph.nodes[ref.node]
    alone = graph.consumers(ref.node) == (place,) and not graph.is_output(ref.node)
    if before.kind in LINEAR:
        plain = inner_activation(before.layer) == "linear" and is_plain(before.layer)
        return alone and plain
    return alone and before.kind in _TWO and role(graph, ref.node) == "own"


def _channels_first(layer: Any) -> bool:
    return getattr(layer, "data_format", None) == "channels_first"
