"""How channels go through each kind of layer: from the tensors of a call to what it gives out.

Shapes count the batch as axis 0. A rule raises ``Refused`` for what it can't follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from edgewright_converters.compression.channels.walk import Lanes, Refused, Walk
from edgewright_converters.compression.graph.flat import Node

Rule = Callable[[Walk, Node], Lanes | None]

# Of ``keras.activations``: each value by itself, whatever its neighbours.
ELEMENTWISE = (
    *("linear", "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "swish"),
    *("sigmoid", "hard_sigmoid", "hard_silu", "hard_swish", "tanh", "hard_tanh", "tanh_shrink"),
    *("mish", "softplus", "softsign", "log_sigmoid", "exponential", "squareplus", "threshold"),
    *("soft_shrink", "hard_shrink"),
)


def unchanged(walk: Walk, node: Node) -> Lanes:
    """Each value by itself, or each channel by itself with the axes as they were."""
    return walk.lanes(node)


def given(walk: Walk, node: Node) -> Lanes | None:
    raise Refused("it is an input of the model")


def convolution(walk: Walk, node: Node) -> Lanes:
    layer = node.layer
    if getattr(layer, "groups", 1) != 1:
        raise Refused(f"it convolves in {layer.groups} groups")
    rank = len(node.shape)
    axis = channel_axis(layer, rank)
    taken = walk.taken_on(node, axis)
    made = _made(walk, node, "filters", layer.filters)
    into, out_of = (-1, -2) if node.kind.endswith("Transpose") else (-2, -1)
    walk.hold(node, layer.kernel, rank + into, taken, makes=False)
    walk.hold(node, layer.kernel, rank + out_of, made, makes=True)
    return Lanes(axis=axis, ids=made)


def depthwise(walk: Walk, node: Node) -> Lanes:
    import numpy as np

    layer, rank = node.layer, len(node.shape)
    axis = channel_axis(layer, rank)
    taken = walk.taken_on(node, axis)
    _check_activation(layer)
    ids = np.repeat(taken, layer.depth_multiplier)
    walk.hold(node, layer.kernel, rank - 2, taken, makes=True)
    if layer.use_bias:
        walk.hold(node, layer.bias, 0, ids, makes=True)
    return Lanes(axis=axis, ids=ids)


def separable(walk: Walk, node: Node) -> Lanes:
    import numpy as np

    layer, rank = node.layer, len(node.shape)
    axis = channel_axis(layer, rank)
    taken = walk.taken_on(node, axis)
    made = _made(walk, node, "filters", layer.filters)
    between = np.repeat(taken, layer.depth_multiplier)
    walk.hold(node, layer.depthwise_kernel, rank - 2, taken, makes=False)
    walk.hold(node, layer.pointwise_kernel, rank - 2, between, makes=False)
    walk.hold(node, layer.pointwise_kernel, rank - 1, made, makes=True)
    return Lanes(axis=axis, ids=made)


def dense(walk: Walk, node: Node) -> Lanes:
    taken = walk.taken_on(node, -1)
    made = _made(walk, node, "units", node.layer.units)
    walk.hold(node, node.layer.kernel, 0, taken, makes=False)
    walk.hold(node, node.layer.kernel, 1, made, makes=True)
    return Lanes(axis=len(node.shape) - 1, ids=made)


def embedding(walk: Walk, node: Node) -> Lanes:
    made = walk.make(node, "output_dim", node.layer.output_dim)
    walk.hold(node, node.layer.embeddings, 1, made, makes=True)
    return Lanes(axis=len(node.shape) - 1, ids=made)


def batch_norm(walk: Walk, node: Node) -> Lanes:
    ids = walk.taken_on(node, node.layer.axis)
    for weight in node.layer.weights:
        walk.hold(node, weight, 0, ids, makes=True)
    return walk.lanes(node)


def prelu(walk: Walk, node: Node) -> Lanes:
    lanes = walk.lanes(node)
    if node.layer.alpha.shape[lanes.axis - 1] > 1:
        walk.hold(node, node.layer.alpha, lanes.axis - 1, lanes.ids, makes=True)
    return lanes


def activation(walk: Walk, node: Node) -> Lanes:
    _check_activation(node.layer)
    return walk.lanes(node)


def softmax(walk: Walk, node: Node) -> Lanes:
    lanes, rank = walk.lanes(node), len(node.shape)
    axes = node.layer.axis if isinstance(node.layer.axis, list | tuple) else [node.layer.axis]
    if lanes.axis in [axis % rank for axis in axes]:
        raise Refused("it sums over the channels")
    return lanes


def spatial(walk: Walk, node: Node) -> Lanes:
    """Pooling, padding, cropping, upsampling: they move over positions, not channels."""
    axis = channel_axis(node.layer, len(node.shape))
    return Lanes(axis=axis, ids=walk.taken_on(node, axis))


def global_pooling(walk: Walk, node: Node) -> Lanes:
    axis = channel_axis(node.layer, len(walk.shape_taken(node)))
    ids = walk.taken_on(node, axis)
    return Lanes(axis=axis if node.layer.keepdims else 1, ids=ids)


def reduction(walk: Walk, node: Node) -> Lanes:
    """``keras.ops.mean`` and its like over axes that are not the channels'."""
    lanes, rank = walk.lanes(node), len(walk.shape_taken(node))
    axes = range(rank) if node.layer.axis is None else node.layer.axis
    over = {axis % rank for axis in ([axes] if isinstance(axes, int) else axes)}
    if lanes.axis in over:
        raise Refused("it sums over the channels")
    gone = 0 if node.layer.keepdims else sum(axis < lanes.axis for axis in over)
    return Lanes(axis=lanes.axis - gone, ids=lanes.ids)


def rescaling(walk: Walk, node: Node) -> Lanes:
    import numpy as np

    if np.size(node.layer.scale) > 1 or np.size(node.layer.offset) > 1:
        raise Refused("it scales each channel by a number of its own")
    return walk.lanes(node)


def repeat_vector(walk: Walk, node: Node) -> Lanes:
    return Lanes(axis=2, ids=walk.taken_on(node, 1))


def permute(walk: Walk, node: Node) -> Lanes:
    lanes = walk.lanes(node)
    return Lanes(axis=1 + list(node.layer.dims).index(lanes.axis), ids=lanes.ids)


def flatten(walk: Walk, node: Node) -> Lanes:
    """Channels come to lie in runs: the last axis is the fastest, and channels-first is turned."""
    import numpy as np

    ids = _filled(walk, node)
    if node.layer.data_format == "channels_first" and ids.ndim > 1:
        ids = np.moveaxis(ids, 0, -1)
    return Lanes(axis=1, ids=ids.reshape(-1))


def reshape(walk: Walk, node: Node) -> Lanes:
    """Followed where an axis remains that has one channel at each of its places."""
    ids = _filled(walk, node)
    shape = _known(node.shape)
    if prod(shape) != ids.size:
        raise Refused("it moves items into the batch")
    ids = ids.reshape(shape)
    for axis in reversed(range(len(shape))):
        along = ids[tuple(slice(None) if a == axis else 0 for a in range(len(shape)))]
        spread = along.reshape([-1 if a == axis else 1 for a in range(len(shape))])
        if (ids == spread).all():
            lanes = Lanes(axis=axis + 1, ids=along)
            walk.reshape(node, shape, lanes)
            return lanes
    raise Refused("it splits the channels over several axes")


def combined(walk: Walk, node: Node) -> Lanes:
    """Addition, multiplication and their like: channels that meet are one unit.

    A tensor with one channel is spread over the others' (an attention mask) and ties nothing; so
    does one with one position (squeeze-and-excite), whose channels do meet.
    """
    _check_constants(node)
    rank = len(node.shape)
    several = [walk.lanes(node, i) for i in range(len(node.refs))]
    ranks = [len(walk.shape_taken(node, i)) for i in range(len(node.refs))]
    wide = [(ranks[i] - lanes.axis, lanes) for i, lanes in enumerate(several) if len(lanes.ids) > 1]
    if not wide:
        return Lanes(axis=rank - 1, ids=several[0].ids)
    back, first = wide[0]
    for from_end, lanes in wide[1:]:
        if from_end != back or len(lanes.ids) != len(first.ids):
            raise Refused("its tensors have their channels on different axes")
        walk.units.tie(first.ids, lanes.ids)
    return Lanes(axis=rank - back, ids=first.ids)


def concatenation(walk: Walk, node: Node) -> Lanes:
    import numpy as np

    several = [walk.lanes(node, i) for i in range(len(node.refs))]
    axis = node.layer.axis % len(node.shape)
    if any(lanes.axis != several[0].axis for lanes in several):
        raise Refused("its tensors have their channels on different axes")
    if several[0].axis == axis:
        return Lanes(axis=axis, ids=np.concatenate([lanes.ids for lanes in several]))
    for lanes in several[1:]:
        walk.units.tie(several[0].ids, lanes.ids)
    return several[0]


def channel_axis(layer: Any, rank: int) -> int:
    return 1 if getattr(layer, "data_format", None) == "channels_first" else rank - 1


def _made(walk: Walk, node: Node, entry: str, count: int) -> Any:
    """New channels, and the bias that goes with them."""
    made = walk.make(node, entry, count)
    try:
        _check_activation(node.layer)
    except Refused as e:  # what it takes can still be narrowed
        walk.units.pin(made, str(e))
    if node.layer.use_bias:
        walk.hold(node, node.layer.bias, 0, made, makes=True)
    return made


def _check_activation(layer: Any) -> None:
    import keras

    name = getattr(layer.activation, "__name__", None) or type(layer.activation).__name__
    if isinstance(layer.activation, keras.layers.Layer):
        if name in ("ReLU", "LeakyReLU", "ELU"):
            return
    elif name in ELEMENTWISE and getattr(keras.activations, name, None) is layer.activation:
        return
    raise Refused(f"its activation {name} may mix channels")


def _check_constants(node: Node) -> None:
    import keras
    import numpy as np

    from edgewright_converters.compression.graph.flat import Ref

    limits = [getattr(node.layer, name, None) for name in ("x_min", "x_max")]
    for leaf in keras.tree.flatten((node.args, dict(node.kwargs), limits)):
        if not isinstance(leaf, Ref | str | bool | int | float) and leaf is not None:
            size = prod(np.shape(leaf))
            if size > 1:
                raise Refused(f"it takes a constant of {size} values")


def _filled(walk: Walk, node: Node) -> Any:
    """The channel of every value of one item, in the shape of the tensor taken."""
    import numpy as np

    lanes, shape = walk.lanes(node), _known(walk.shape_taken(node))
    if lanes.axis == 0:
        raise Refused("its channels lie in the batch")
    places = [-1 if axis == lanes.axis - 1 else 1 for axis in range(len(shape))]
    return np.broadcast_to(lanes.ids.reshape(places), shape)


def _known(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    sizes = tuple(size for size in shape[1:] if size is not None)
    if len(sizes) != len(shape) - 1:
        raise Refused("its shape is not fixed")
    return sizes


def _rows(rule: Rule, kinds: str) -> dict[str, Rule]:
    return dict.fromkeys(kinds.split(), rule)


LAYERS: Mapping[str, Rule] = {
    **_rows(given, "InputLayer"),
    **_rows(convolution, "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose"),
    **_rows(depthwise, "DepthwiseConv1D DepthwiseConv2D"),
    **_rows(separable, "SeparableConv1D SeparableConv2D"),
    **_rows(dense, "Dense"),
    **_rows(embedding, "Embedding"),
    **_rows(batch_norm, "BatchNormalization"),
    **_rows(prelu, "PReLU"),
    **_rows(activation, "Activation"),
    **_rows(softmax, "Softmax"),
    **_rows(rescaling, "Rescaling"),
    **_rows(unchanged, "ReLU LeakyReLU ELU Identity ActivityRegularization"),
    **_rows(unchanged, "Dropout AlphaDropout GaussianDropout GaussianNoise"),
    **_rows(unchanged, "SpatialDropout1D SpatialDropout2D SpatialDropout3D"),
    **_rows(spatial, "MaxPooling1D MaxPooling2D MaxPooling3D"),
    **_rows(spatial, "AveragePooling1D AveragePooling2D AveragePooling3D"),
    **_rows(spatial, "ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D Cropping2D Cropping3D"),
    **_rows(spatial, "UpSampling1D UpSampling2D UpSampling3D Resizing"),
    **_rows(global_pooling, "GlobalAveragePooling1D GlobalAveragePooling2D"),
    **_rows(global_pooling, "GlobalMaxPooling1D GlobalMaxPooling2D"),
    **_rows(global_pooling, "GlobalAveragePooling3D GlobalMaxPooling3D"),
    **_rows(repeat_vector, "RepeatVector"),
    **_rows(permute, "Permute"),
    **_rows(flatten, "Flatten"),
    **_rows(reshape, "Reshape"),
    **_rows(combined, "Add Subtract Multiply Average Maximum Minimum"),
    **_rows(concatenation, "Concatenate"),
}
# Of ``keras.ops``; each is an object with the call's settings as its attributes.
OPERATIONS: Mapping[str, Rule] = {
    **_rows(combined, "Add Subtract Multiply Divide TrueDivide Maximum Minimum Power"),
    **_rows(combined, "Absolute Abs Negative Square Sqrt Rsqrt Exp Log Log1p Expm1 Reciprocal"),
    **_rows(combined, "Relu Relu6 Sigmoid Softplus Softsign Silu LogSigmoid LeakyRelu HardSigmoid"),
    **_rows(combined, "HardSilu Elu Selu Gelu Celu Tanh HardTanh TanhShrink SoftShrink HardShrink"),
    **_rows(combined, "Squareplus Threshold Sign Round Floor Ceil Sin Cos Cast Clip"),
    **_rows(softmax, "Softmax LogSoftmax"),
    **_rows(reduction, "Mean Max Min Sum Amax Amin"),
    **_rows(reshape, "Reshape"),
    **_rows(concatenation, "Concatenate"),
}
