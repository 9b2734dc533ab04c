"""Random Functional models for properties: branches, residuals, concatenations, depthwise, heads.

``nets()`` is a hypothesis strategy of plain descriptions (they shrink, and print as they are);
``build_net`` makes the model, its weights random and its batch normalizations far from the
identity. Small: at most 8 x 8 positions and 16 channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from hypothesis import strategies as st

layers = keras.layers
# All give zero for zero, so that a channel of zeros stays one.
ACTIVATIONS = ("relu", "relu6", "leaky_relu", "prelu", "tanh", "silu", "linear")
HOMOGENEOUS = ("relu", "leaky_relu", "prelu", "linear")
BLOCKS = (
    *("conv", "depthwise", "separable", "transpose", "residual", "project", "concat", "excite"),
    *("pool", "upsample", "pad", "dropout", "operation", "shared", "nested", "split_heads"),
)
HEADS = (
    *("gap_dense", "flatten_dense", "dense_dense", "spatial", "two_outputs", "reshape_dense"),
    "excited",
)


@dataclass(frozen=True, kw_only=True)
class Block:
    kind: str
    channels: int
    activation: str
    norm: bool
    bias: bool
    multiplier: int


@dataclass(frozen=True, kw_only=True)
class Net:
    blocks: tuple[Block, ...]
    head: str
    seed: int


def nets(
    *,
    kinds: tuple[str, ...] = BLOCKS,
    activations: tuple[str, ...] = ACTIVATIONS,
    heads: tuple[str, ...] = HEADS,
    most: int = 5,
) -> st.SearchStrategy[Net]:
    block = st.builds(
        Block,
        kind=st.sampled_from(kinds),
        channels=st.integers(1, 8),
        activation=st.sampled_from(activations),
        norm=st.booleans(),
        bias=st.booleans(),
        multiplier=st.integers(1, 2),
    )
    return st.builds(
        Net,
        blocks=st.lists(block, min_size=1, max_size=most).map(tuple),
        head=st.sampled_from(heads),
        seed=st.integers(0, 1000),
    )


def one_of_each(flag: bool) -> Net:
    """Every kind of block, in one of its two forms."""
    blocks = tuple(
        Block(
            kind=kind,
            channels=3 + place % 4,
            activation=ACTIVATIONS[place % len(ACTIVATIONS)],
            norm=flag,
            bias=not flag,
            multiplier=1 + flag,
        )
        for place, kind in enumerate(BLOCKS)
    )
    return Net(blocks=blocks, head="two_outputs" if flag else "flatten_dense", seed=1)


def build_net(net: Net) -> Any:
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(6, 3, padding="same", name="stem")(image)
    for block in net.blocks:
        x = _BLOCKS[block.kind](x, block)
    model = keras.Model(image, _head(net.head, x), name="random")
    randomize(model, net.seed)
    return model


def randomize(model: Any, seed: int) -> None:
    """Weights about as large as trained ones; batch norm with means, spreads and signs."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        shape, name = weight.shape, weight.path.rsplit("/", 1)[-1]
        values = rng.normal(size=shape)
        if len(shape) > 1:
            values /= np.sqrt(max(1.0, np.prod(shape[:-1])))
        elif "variance" in name:
            values = rng.uniform(0.3, 2.0, shape)
        elif "gamma" in name:
            values = rng.uniform(0.4, 1.6, shape) * rng.choice([-1, 1], shape)
        weight.assign(values * (0.3 if name in ("bias", "alpha") else 1.0))


def items(model: Any, count: int = 3, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, *model.inputs[0].shape[1:])).astype(np.float32)


def outputs(model: Any, x: Any) -> list[Any]:
    return [keras.ops.convert_to_numpy(t) for t in keras.tree.flatten(model(x, training=False))]


def activate(x: Any, name: str) -> Any:
    if name == "prelu":
        return layers.PReLU(shared_axes=list(range(1, len(x.shape) - 1)) or None)(x)
    return layers.Activation(name)(x)


def finish(x: Any, block: Block) -> Any:
    """What follows a convolution."""
    return activate(layers.BatchNormalization()(x) if block.norm else x, block.activation)


def conv(x: Any, block: Block, channels: int = 0, size: int = 3) -> Any:
    made = layers.Conv2D(
        channels or block.channels, size, padding="same", use_bias=block.bias or not block.norm
    )
    return finish(made(x), block)


def _depthwise(x: Any, block: Block) -> Any:
    made = layers.DepthwiseConv2D(
        3, padding="same", depth_multiplier=block.multiplier, use_bias=block.bias
    )
    return conv(finish(made(x), block), block, size=1)


def _separable(x: Any, block: Block) -> Any:
    made = layers.SeparableConv2D(
        block.channels, 3, padding="same", depth_multiplier=block.multiplier, use_bias=block.bias
    )
    return finish(made(x), block)


def _transpose(x: Any, block: Block) -> Any:
    return finish(layers.Conv2DTranspose(block.channels, 3, padding="same")(x), block)


def _residual(x: Any, block: Block) -> Any:
    """Tied to what came in; the sum may be taken again by the next block."""
    y = conv(x, block)
    y = layers.Conv2D(x.shape[-1], 3, padding="same")(y)
    if block.norm:
        y = layers.BatchNormalization()(y)
    return activate(layers.Add()([x, y]), block.activation)


def _project(x: Any, block: Block) -> Any:
    y = conv(conv(x, block), block)
    return activate(layers.Add()([y, layers.Conv2D(block.channels, 1)(x)]), block.activation)


def _concat(x: Any, block: Block) -> Any:
    branches = [conv(x, block), layers.MaxPooling2D(3, 1, padding="same")(x), x]
    return layers.Concatenate()(branches[: 1 + block.multiplier])


def _excite(x: Any, block: Block) -> Any:
    pooled = layers.GlobalAveragePooling2D(keepdims=block.bias)(x)
    y = layers.Dense(block.channels, activation="relu")(pooled)
    y = layers.Dense(x.shape[-1], activation="sigmoid")(y)
    if not block.bias:
        y = layers.Reshape((1, 1, x.shape[-1]))(y)
    return layers.Multiply()([x, y])


def _pool(x: Any, block: Block) -> Any:
    kind = layers.MaxPooling2D if block.norm else layers.AveragePooling2D
    return kind(3, strides=1, padding="same")(x)


def _upsample(x: Any, block: Block) -> Any:
    return layers.AveragePooling2D(2)(layers.UpSampling2D(2)(x))


def _pad(x: Any, block: Block) -> Any:
    return layers.Cropping2D(((1, 0), (0, 1)))(layers.ZeroPadding2D(((1, 0), (0, 1)))(x))


def _dropout(x: Any, block: Block) -> Any:
    kind = layers.SpatialDropout2D if block.norm else layers.Dropout
    return layers.Identity()(kind(0.3)(x))


def _operation(x: Any, block: Block) -> Any:
    """Bare operations of ``keras.ops``, as models brought over from Keras 2 have them."""
    y = conv(x, block)
    return keras.ops.relu(y) * 0.5 + keras.ops.mean(y, axis=(1, 2), keepdims=True)


def _shared(x: Any, block: Block) -> Any:
    """One layer on two tensors."""
    a, b = conv(x, block), conv(x, block)
    both = layers.Conv2D(block.channels, 1)
    return layers.Maximum()([both(a), both(b)])


def _nested(x: Any, block: Block) -> Any:
    given = keras.Input(tuple(x.shape[1:]))
    return keras.Model(given, conv(given, block))(x)


def _split_heads(x: Any, block: Block) -> Any:
    """A reshape that keeps the channels, and one that splits them: their space is pinned."""
    height, width, channels = x.shape[1:]
    y = layers.Reshape((height * width, channels))(x)
    if block.norm and channels % 2 == 0:
        y = layers.Reshape((height * width, 2, channels // 2))(y)
        y = layers.Reshape((height * width, channels))(y)
    return layers.Reshape((height, width, channels))(layers.Conv1D(channels, 1)(y))


_BLOCKS = {
    "conv": conv,
    "depthwise": _depthwise,
    "separable": _separable,
    "transpose": _transpose,
    "residual": _residual,
    "project": _project,
    "concat": _concat,
    "excite": _excite,
    "pool": _pool,
    "upsample": _upsample,
    "pad": _pad,
    "dropout": _dropout,
    "operation": _operation,
    "shared": _shared,
    "nested": _nested,
    "split_heads": _split_heads,
}


def _head(kind: str, x: Any) -> Any:
    pooled = layers.GlobalAveragePooling2D()(x)
    if kind == "flatten_dense":
        return layers.Dense(4)(layers.Flatten()(layers.MaxPooling2D(4)(x)))
    if kind == "dense_dense":
        return layers.Dense(4)(layers.Dense(8, activation="relu")(pooled))
    if kind == "spatial":
        return layers.Conv2D(2, 1)(x)
    if kind == "two_outputs":
        return [layers.Dense(4)(pooled), layers.Conv2D(2, 1)(x)]
    if kind == "reshape_dense":
        return layers.Dense(4)(layers.Reshape((-1,))(layers.MaxPooling2D(4)(x)))
    if kind == "excited":
        return layers.Dense(4)(layers.Multiply()([pooled, layers.Dense(x.shape[-1])(pooled)]))
    return layers.Dense(4, activation="softmax")(pooled)
