"""What TF.js can not run, said before it is written: the op, the layer, and who does take it.

``ops.json`` lists the ops of a graph model under @tensorflow/tfjs 4.22 (made from the package by
``tests/js/list_graph_ops.mjs``). ``other_formats.json`` was tried op by op: it tells who does take
an op that is not there; ops it does not name may or may not go into the other formats.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError
from edgewright_converters.op_names import CALLS, INSTEAD_OF_XLA

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.framework.node_def_pb2 import NodeDef

TFJS_VERSION = "4.22"
# Graph ops whose kernel @tensorflow/tfjs-backend-wasm 4.22 does not have (its dist/kernels).
NO_WASM = {"Einsum": "attention", "FFT": "Fourier transform", "IFFT": "Fourier transform",
           "RFFT": "Fourier transform", "IRFFT": "Fourier transform"}  # fmt: skip
_TABLES = re.compile(r"LookupTable|HashTable|InitializeTable|Regex|^String|^Unicode")
_WRAPPERS = re.compile(r"^(StatefulPartitionedCall|PartitionedCall|functional|model)(_\d+)*$")


@cache
def graph_ops() -> frozenset[str]:
    return frozenset(_data("ops.json")["ops"])


@cache
def other_formats() -> dict[str, list[str]]:
    found: dict[str, list[str]] = _data("other_formats.json")["formats"]
    return found


def _data(name: str) -> dict[str, Any]:
    text = files("edgewright_converters.tfjs_graph").joinpath(name).read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def refuse_text(graph_def: GraphDef, layers: Collection[str]) -> None:
    """Text and lookup tables do not survive freezing: say so before it fails with something else.

    Raises ``ConversionError``.
    """
    from tensorflow.core.framework.types_pb2 import DT_STRING

    for node in all_nodes(graph_def):
        text = node.op == "Placeholder" and node.attr["dtype"].type == DT_STRING
        if text or _TABLES.search(node.op):
            raise ConversionError(
                "a TF.js graph model takes no text and no lookup tables: "
                + ("an input is text" if text else _where(node, layers)),
                hint="look the words up in the app and give the model their numbers",
            )


def check_ops(graph_def: GraphDef, layers: Collection[str]) -> None:
    """Raise ``ConversionError`` for the first op that TF.js lacks; the others are counted."""
    lacking = [node for node in all_nodes(graph_def) if node.op not in graph_ops()]
    if not lacking:
        return
    others = sorted({node.op for node in lacking} - {lacking[0].op})
    if lacking[0].op in CALLS:
        raise ConversionError(
            f"TF.js has no calls that XLA compiles: {_where(lacking[0], layers)}",
            hint=INSTEAD_OF_XLA,
        )
    also = f" (also {', '.join(others)})" if others else ""
    formats = other_formats().get(lacking[0].op)
    raise ConversionError(
        f"TF.js {TFJS_VERSION} lacks {_where(lacking[0], layers)}{also}",
        hint=_taken_by(formats),
    )


def wasm_warnings(graph_def: GraphDef) -> tuple[str, ...]:
    """Ops that the wasm backend has no kernel for; cpu, webgl and webgpu run them."""
    found = {node.op: NO_WASM[node.op] for node in all_nodes(graph_def) if node.op in NO_WASM}
    return tuple(
        f"op {op} ({what}) has no kernel in TF.js' wasm backend; cpu, webgl and webgpu run it"
        for op, what in sorted(found.items())
    )


def needs_async(graph_def: GraphDef) -> bool:
    """Loops and branches run under ``executeAsync`` only."""
    return any(node.op in ("While", "StatelessWhile", "If", "StatelessIf")
               for node in all_nodes(graph_def))  # fmt: skip


def all_nodes(graph_def: GraphDef) -> Iterator[NodeDef]:
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def


def layer_of(node_name: str, layers: Collection[str]) -> str:
    """The source's layer behind a node: ``functional_1/gelu_1/Erfc`` came from ``gelu_1``.

    Keras numbers a scope anew for each call of a layer, so ``gelu_1`` may be layer ``gelu``.
    """
    scopes = [part for part in node_name.split("/")[:-1] if not _WRAPPERS.match(part)]
    for scope in reversed(scopes):
        for name in (scope, re.sub(r"_\d+$", "", scope)):
            if name in layers:
                return name
    return scopes[0] if scopes else node_name


def _where(node: NodeDef, layers: Collection[str]) -> str:
    return f"op {node.op} of layer {layer_of(node.name, layers)!r} (node {node.name})"


def _taken_by(formats: list[str] | None) -> str:
    if formats is None:
        return "try --formats tflite,onnx"
    if not formats:
        return "neither tflite nor onnx takes it: replace the op in the model"
    return f"{' and '.join(formats)} take{'s' if len(formats) == 1 else ''} it"
