"""One tf_keras layer as a Keras 3 layer: config translated, weights copied."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from edgewright_converters.sources.frameworks import import_keras

# What Keras 3 calls otherwise.
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
# They only start or train weights, which are copied.
_TRAINING_ONLY = ("_initializer", "_regularizer", "_constraint", "_quantizer")
_LOOKUPS = frozenset({"StringLookup", "IntegerLookup", "TextVectorization"})


class Untranslatable(Exception):
    """A layer or a use of one that has no equal in Keras 3; the message says which."""


def translate(layer: Any) -> Any:
    """The Keras 3 layer of ``layer``, not built yet. Raises ``Untranslatable``."""
    kind = type(layer).__name__
    if not type(layer).__module__.startswith("tf_keras."):
        raise Untranslatable(f"{layer.name!r} is a custom layer ({kind})")
    config = dict(layer.get_config())
    if kind in _LOOKUPS:
        config["vocabulary"] = layer.get_vocabulary(include_special_tokens=False)
    return _layer(kind, config)


def copy_weights(layer: Any, translated: Any) -> None:
    """Copy the weights of a layer to its built translation. Raises ``Untranslatable``."""
    if type(layer).__name__ in _LOOKUPS:
        return  # the vocabulary went over with the config
    values = layer.get_weights()
    shapes = [tuple(value.shape) for value in values]
    wanted = [tuple(weight.shape) for weight in translated.weights]
    if shapes != wanted:
        raise Untranslatable(f"{layer.name!r} has weights of {shapes}, Keras 3 wants {wanted}")
    translated.set_weights(values)
    if hasattr(translated, "finalize_state"):
        translated.finalize_state()  # Normalization reads its mean and variance here


def _layer(kind: str, config: Mapping[str, Any]) -> Any:
    name = config.get("name", kind)
    if kind == "Lambda":
        raise Untranslatable(f"{name!r} is a Lambda layer with its own code")
    cls = getattr(import_keras().layers, kind, None)
    if cls is None:
        raise Untranslatable(f"Keras 3 has no layer {kind} ({name!r})")
    accepted = _parameters(cls)
    arguments = {}
    for key, value in config.items():
        key = _RENAMED.get((kind, key), key)
        if key in accepted and not key.endswith(_TRAINING_ONLY):
            arguments[key] = _value(kind, key, value)
    if "name" in arguments:
        arguments["name"] = str(arguments["name"]).replace("/", "_")  # not allowed in Keras 3
    return cls(**arguments)


@cache
def _parameters(cls: type) -> frozenset[str]:
    names = {"name", "dtype", "trainable"}
    for base in cls.__mro__:
        if "__init__" in vars(base):
            parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
            names.update(p.name for p in parameters if p.kind is not p.VAR_KEYWORD)
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    return frozenset(names)


def _value(kind: str, key: str, value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if key == "dtype":
        return _policy(value)
    if key.endswith("activation"):
        return _activation(value)
    if key == "axis" and kind == "BatchNormalization" and isinstance(value, (list, tuple)):
        return value[0] if len(value) == 1 else value
    if isinstance(value, Mapping) and {"class_name", "config"} <= value.keys():
        return _layer(value["class_name"], value["config"])  # what a wrapper wraps
    if key == "cells":
        return [_value(kind, "cell", cell) for cell in value]
    return value


def _policy(value: Any) -> Any:
    return value["config"]["name"] if isinstance(value, Mapping) else value


def _activation(value: Any) -> Any:
    """By name; as the Keras 2 function where Keras 3 means another by the same name."""
    if isinstance(value, Mapping):
        inner = value.get("config")
        if value.get("class_name") != "function":
            return _layer(value["class_name"], inner or {})
        value = inner
    return _hard_sigmoid() if value == "hard_sigmoid" else value


@cache
def _hard_sigmoid() -> Any:
    """Keras 2: clip(0.2 x + 0.5, 0, 1). Keras 3: clip(x / 6 + 0.5, 0, 1)."""
    keras = import_keras()

    def keras2_hard_sigmoid(x: Any) -> Any:
        return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)

    return keras.saving.register_keras_serializable(package="edgewright")(keras2_hard_sigmoid)
