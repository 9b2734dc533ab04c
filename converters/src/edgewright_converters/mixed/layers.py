"""From the names that converters give to operations back to the source's layers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

_CALL = re.compile(r"^(?:Stateful)?PartitionedCall(?:_\d+)?$")
_INNER = re.compile(r"^(convolution|depthwise|separable_conv2d|batchnorm|Cast)(_\d+)?$")


def known_layers(model: Any) -> frozenset[str]:
    """Names of all layers of a Keras model, those of nested ones too; empty for ``None``."""
    names: set[str] = set()
    todo = list(getattr(model, "layers", ()))
    while todo:
        layer = todo.pop()
        names.add(layer.name)
        todo.extend(getattr(layer, "layers", ()))
    return frozenset(names)


def layers_of(names: str, known: Collection[str] = ()) -> tuple[str, ...]:
    """Layers in ``model_1/conv_1/BiasAdd;model_1/conv_1/convolution;...``, each once.

    Names that the model is known to have; where nothing is known, the innermost scope that is no
    part of a layer.
    """
    found = (_layer(name, known) for name in names.split(";"))
    return _once(layer for layer in found if layer)


def _layer(name: str, known: Collection[str]) -> str:
    scopes = [part for part in name.split("/")[:-1] if not _CALL.match(part)]
    for scope in reversed(scopes):
        for candidate in (scope, re.sub(r"_\d+$", "", scope)):  # a second call adds _1
            if candidate in known:
                return candidate
    outer = [scope for scope in scopes if not _INNER.match(scope)]
    if known or len(outer) < 2:
        return outer[-1] if outer and not known else ""
    call = re.search(r"_\d+$", outer[0])  # of the model: all its layers have the same
    return outer[-1].removesuffix(call.group()) if call else outer[-1]


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
