"""TensorFlow functions inside a Keras-2 graph (TFOpLambda), as Keras 3 operations.

A row names the Keras operation and how TensorFlow's arguments are called there. An argument that
is set and not in the row is an error, never dropped in silence.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from edgewright_converters.sources.frameworks import import_keras
from edgewright_converters.sources.keras2_layers import Untranslatable
from edgewright_converters.sources.names import clean_name

Row = tuple[str, Mapping[str, str]]

_TWO = {"x": "x1", "y": "x2"}
_REDUCE = {"input_tensor": "x", "axis": "axis", "keepdims": "keepdims"}

_BINARY = {
    "math.add": "add", "__operators__.add": "add",
    "math.subtract": "subtract", "math.multiply": "multiply", "math.pow": "power",
    "math.truediv": "true_divide", "math.divide": "true_divide", "math.floordiv": "floor_divide",
    "math.floormod": "mod", "math.maximum": "maximum", "math.minimum": "minimum",
    "math.greater": "greater", "math.greater_equal": "greater_equal", "math.less": "less",
    "math.less_equal": "less_equal", "math.equal": "equal", "math.not_equal": "not_equal",
    "__operators__.eq": "equal", "__operators__.ne": "not_equal",
    "math.logical_and": "logical_and", "math.logical_or": "logical_or",
    "math.divide_no_nan": "divide_no_nan", "math.atan2": "arctan2",
}  # fmt: skip
_UNARY = {
    "math.abs": "absolute", "math.exp": "exp", "math.expm1": "expm1", "math.log": "log",
    "math.log1p": "log1p", "math.sqrt": "sqrt", "math.rsqrt": "rsqrt", "math.square": "square",
    "math.sin": "sin", "math.cos": "cos", "math.tan": "tan", "math.tanh": "tanh",
    "math.sigmoid": "sigmoid", "math.negative": "negative", "math.erf": "erf",
    "math.ceil": "ceil", "math.floor": "floor", "math.round": "round", "math.sign": "sign",
    "math.reciprocal": "reciprocal", "math.logical_not": "logical_not",
}  # fmt: skip
_ACTIVATIONS = {"relu": "relu", "relu6": "relu6", "selu": "selu", "elu": "elu"}
_REDUCTIONS = {
    "reduce_sum": "sum", "reduce_mean": "mean", "reduce_max": "max", "reduce_min": "min",
    "reduce_prod": "prod", "reduce_any": "any", "reduce_all": "all",
    "reduce_std": "std", "reduce_variance": "var", "reduce_logsumexp": "logsumexp",
}  # fmt: skip

_ROWS: dict[str, Row] = {
    **{name: (op, _TWO) for name, op in _BINARY.items()},
    **{name: (op, {"x": "x"}) for name, op in _UNARY.items()},
    **{f"nn.{name}": (op, {"features": "x"}) for name, op in _ACTIVATIONS.items()},
    **{f"math.{name}": (op, _REDUCE) for name, op in _REDUCTIONS.items()},
    "nn.gelu": ("gelu", {"features": "x", "approximate": "approximate"}),
    "nn.silu": ("silu", {"features": "x"}),
    "nn.leaky_relu": ("leaky_relu", {"features": "x", "alpha": "negative_slope"}),
    "nn.softmax": ("softmax", {"logits": "x", "axis": "axis"}),
    "nn.log_softmax": ("log_softmax", {"logits": "x", "axis": "axis"}),
    "math.softplus": ("softplus", {"features": "x"}),
    "nn.softsign": ("soft_sign", {"features": "x"}),
    "reshape": ("reshape", {"tensor": "x", "shape": "newshape"}),
    "expand_dims": ("expand_dims", {"input": "x", "axis": "axis"}),
    "squeeze": ("squeeze", {"input": "x", "axis": "axis"}),
    "transpose": ("transpose", {"a": "x", "perm": "axes"}),
    "concat": ("concatenate", {"values": "xs", "axis": "axis"}),
    "stack": ("stack", {"values": "x", "axis": "axis"}),
    "split": ("split", {"value": "x", "num_or_size_splits": "indices_or_sections", "axis": "axis"}),
    "unstack": ("unstack", {"value": "x", "num": "num", "axis": "axis"}),
    "tile": ("tile", {"input": "x", "multiples": "repeats"}),
    "repeat": ("repeat", {"input": "x", "repeats": "repeats", "axis": "axis"}),
    "reverse": ("flip", {"tensor": "x", "axis": "axis"}),
    "cast": ("cast", {"x": "x", "dtype": "dtype"}),
    "clip_by_value": (
        "clip",
        {"t": "x", "clip_value_min": "x_min", "clip_value_max": "x_max"},
    ),
    "pad": (
        "pad",
        {
            "tensor": "x",
            "paddings": "pad_width",
            "mode": "mode",
            "constant_values": "constant_values",
        },
    ),
    "linalg.matmul": ("matmul", {"a": "x1", "b": "x2"}),
    "where": ("where", {"condition": "condition", "x": "x1", "y": "x2"}),
    "gather": ("take", {"params": "x", "indices": "indices", "axis": "axis"}),
    "one_hot": ("one_hot", {"indices": "x", "depth": "num_classes", "axis": "axis"}),
    "broadcast_to": ("broadcast_to", {"input": "x", "shape": "shape"}),
    "zeros_like": ("zeros_like", {"input": "x"}),
    "ones_like": ("ones_like", {"input": "x"}),
    "math.argmax": ("argmax", {"input": "x", "axis": "axis"}),
    "math.argmin": ("argmin", {"input": "x", "axis": "axis"}),
    "math.cumsum": ("cumsum", {"x": "x", "axis": "axis"}),
    "math.l2_normalize": ("normalize", {"x": "x", "axis": "axis"}),
}


def apply_operation(layer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call the Keras 3 operation of a TFOpLambda ``layer`` on Keras 3 tensors."""
    name = str(layer.symbol).removeprefix("compat.v1.")
    bound = inspect.signature(layer.function).bind(*args, **kwargs).arguments
    if name == "__operators__.getitem":
        return _named(bound["tensor"][_slices(bound["slice_spec"])], layer.name)
    if name not in _ROWS:
        raise Untranslatable(f"tf.{name} has no translation to Keras 3")
    operation, renamed = _ROWS[name]
    given = {}
    for key, value in bound.items():
        if key in renamed:
            given[renamed[key]] = _plain(value)
        elif not _is_default(layer.function, key, value):
            raise Untranslatable(f"tf.{name} with {key}={value!r} has no translation to Keras 3")
    return _named(getattr(import_keras().ops, operation)(**_adapted(operation, given)), layer.name)


def _named(result: Any, name: str) -> Any:
    """Give the operation the layer's name: Keras' own, ``multiply``, may be a layer's already."""
    for tensor in result if isinstance(result, (list, tuple)) else [result]:
        operation = tensor._keras_history.operation
        if not isinstance(operation, import_keras().layers.Layer):
            operation.name = clean_name(name)
    return result


def _is_default(function: Any, key: str, value: Any) -> bool:
    if key == "name" or value is None:
        return True
    default = inspect.signature(function).parameters[key].default
    return type(default) is type(value) and bool(default == value)


def _adapted(operation: str, given: dict[str, Any]) -> dict[str, Any]:
    """Where Keras counts otherwise than TensorFlow."""
    if operation == "split" and isinstance(given.get("indices_or_sections"), (list, tuple)):
        sizes = given["indices_or_sections"]
        given["indices_or_sections"] = [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
    if operation == "pad":
        mode = str(given.get("mode", "constant")).lower()
        given["mode"] = mode
        if mode != "constant":
            given.pop("constant_values", None)
    if operation == "squeeze" and given.get("axis") == []:
        given["axis"] = None
    if operation == "take" and given.get("axis") is None:
        given["axis"] = 0
    if operation in ("softmax", "log_softmax") and given.get("axis") is None:
        given["axis"] = -1
    if operation == "cast":
        given["dtype"] = getattr(given["dtype"], "name", given["dtype"])
    return given


def _plain(value: Any) -> Any:
    """A constant as numpy or Python; tensors of the graph stay as they are."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "numpy") and not hasattr(value, "_keras_history"):
        return value.numpy()
    return value


def _slices(spec: Any) -> Any:
    """Slices were kept as dicts, so that the graph could be written to JSON."""
    if isinstance(spec, Mapping):
        return slice(spec["start"], spec["stop"], spec["step"])
    if isinstance(spec, (list, tuple)):
        return tuple(_slices(item) for item in spec)
    return spec
