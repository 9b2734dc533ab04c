"""What the backends of TF.js can run: the kernels they have, and those that an op asks for.

``kernels.json`` is made from the pinned packages by ``tests/js/list_kernels.mjs``: what each
backend registers, and, for every op of a graph model, the kernels behind its executor. It does
not know what a kernel refuses, or gets wrong, once it is called: see ``gaps``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

BACKENDS = ("cpu", "wasm", "webgl", "webgpu")


@cache
def _table() -> Mapping[str, Any]:
    text = files("edgewright_converters.tfjs_graph").joinpath("kernels.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def graph_ops() -> frozenset[str]:
    """The ops that a graph model may hold."""
    return frozenset(_table()["ops"])


def tfjs_version() -> str:
    """The version of TF.js that the lists are of."""
    return str(_table()["versions"]["@tensorflow/tfjs-core"])


@cache
def missing_kernels(op: str) -> Mapping[str, tuple[str, ...]]:
    """The kernels that a graph op may ask for in vain, by backend; only backends that lack one.

    Raises ``KeyError`` for an op that a graph model may not hold.
    """
    wanted: list[str] = _table()["ops"][op]
    kernels = _table()["kernels"]
    missing = {b: tuple(k for k in wanted if k not in kernels[b]) for b in BACKENDS}
    return {backend: names for backend, names in missing.items() if names}
