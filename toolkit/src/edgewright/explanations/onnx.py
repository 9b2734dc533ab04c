"""Profile of an ``.onnx`` file: the nodes that ONNX Runtime made of it, as its profiler times them.

The optimizer fuses, reorders and inserts nodes: what runs is not what the file lists. Each node is
traced back to the file's by its name or its output's, for the layer and the work.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from edgewright.explanations.profile import Op, Profile
from edgewright.inspection.graph import Operation
from edgewright.inspection.onnx import read_graph
from edgewright_converters.mixed.layers import layers_of

SECONDS = 1.0
_TIME = "_kernel_time"
_ADDED = re.compile(r"(_token_\d+|_nchwc|_quant)+$")
_CONVERSIONS = ("QuantizeLinear", "DequantizeLinear")


def profile(path: Path, threads: int) -> Profile:
    """Raises ``BadInput`` for a corrupt file, and what ONNX Runtime raises for one it refuses."""
    import onnx
    import onnxruntime

    work = {operation.label: operation for operation in read_graph(path).operations}
    graph = onnx.load(path).graph
    events = _run(path, threads)
    times: dict[tuple[str, str], list[float]] = {}
    first: dict[tuple[str, str], Mapping[str, Any]] = {}
    for event in events:
        if event.get("cat") == "Node" and str(event["name"]).endswith(_TIME):
            key = str(event["args"]["node_index"]), str(event["name"]).removesuffix(_TIME)
            times.setdefault(key, []).append(1000.0 * float(event["dur"]))
            first.setdefault(key, event["args"])
    traced = _Traced(graph, work)
    runs = [1000.0 * float(e["dur"]) for e in events if e["name"] == "model_run"]
    ops = [traced.op(key[1], first[key], statistics.median(times[key])) for key in times]
    return Profile(
        format="onnx",
        ops=_with_edges(ops, len(graph.input), len(graph.output)),
        whole_ns=statistics.median(runs) if runs else None,
        threads=threads,
        runtime=f"onnxruntime {onnxruntime.__version__}",
        delegate="CPUExecutionProvider",
        how="of the sum of all nodes, by ONNX Runtime's profiler, which slows each by some us",
    )


def _run(path: Path, threads: int) -> list[Mapping[str, Any]]:
    """The profiler's events of about a second of calls; the first calls are left out."""
    import onnxruntime

    with TemporaryDirectory(prefix="edgewright-") as folder:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 4
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        feeds = {arg.name: _values(arg) for arg in session.get_inputs()}
        end, calls = time.perf_counter() + SECONDS, 0
        while calls < 10 or (time.perf_counter() < end and calls < 2000):
            session.run(None, feeds)
            calls += 1
        events: list[Mapping[str, Any]] = json.loads(Path(session.end_profiling()).read_bytes())
    return events


def _values(arg: Any) -> Any:
    shape = [size if isinstance(size, int) else 1 for size in arg.shape]
    if arg.type == "tensor(float)":
        return np.random.default_rng(0).random(shape).astype(np.float32)
    kind = arg.type.removeprefix("tensor(").removesuffix(")")
    return np.zeros(shape, {"double": "float64"}.get(kind, kind))


class _Traced:
    """Finds the file's node of one that ran."""

    def __init__(self, graph: Any, work: Mapping[str, Operation]) -> None:
        self._work = work
        self._nodes = {node.name: node for node in graph.node if node.name}
        self._nodes |= {name: node for node in graph.node for name in node.output}
        self._makers = {name: node for node in graph.node for name in node.output}
        self._held = {tensor.name: tensor for tensor in graph.initializer}

    def op(self, name: str, args: Mapping[str, Any], ns: float) -> Op:
        kind = str(args["op_name"])
        node = self._nodes.get(_ADDED.sub("", name)) if kind not in _CONVERSIONS else None
        operation = self._work.get(node.output[0]) if node is not None else None
        shapes = args.get("output_type_shape") or [{}]
        made: list[int] = next(iter(shapes[0].values()), []) if shapes else []
        weights = self._weights(node) if node is not None else ""
        macs = operation.macs if operation is not None else 0
        return Op(
            op=kind,
            name=_ADDED.sub("", name),
            layer=self._layer(node, weights) if node is not None else "",
            precision=_precision(kind, args),
            macs=macs,
            channels=self._channels(weights, made) if macs else None,
            zeros=self._zeros(weights),
            inside="CPUExecutionProvider",
            ns=ns,
        )

    def _weights(self, node: Any) -> str:
        """The initializer of the second input, behind its DequantizeLinear where there is one."""
        if len(node.input) < 2:
            return ""
        name = str(node.input[1])
        maker = self._makers.get(name)
        if maker is not None and maker.op_type == "DequantizeLinear":
            name = str(maker.input[0])
        return name if name in self._held else ""

    def _layer(self, node: Any, weights: str) -> str:
        names = [weights, node.name, *node.output]
        found = layers_of(";".join(name.rsplit(":", 1)[0] for name in names))
        return found[0] if found else ""

    def _channels(self, weights: str, made: list[int]) -> int | None:
        if not weights:
            return None
        dims = list(self._held[weights].dims)
        return int(dims[0]) if len(dims) > 2 else int(made[-1]) if made else None

    def _zeros(self, weights: str) -> float | None:
        from onnx import numpy_helper

        if not weights:
            return None
        values = numpy_helper.to_array(self._held[weights])
        return float(np.mean(values == 0)) if values.size >= 256 else None


def _with_edges(ops: Sequence[Op], inputs: int, outputs: int) -> tuple[Op, ...]:
    """The first QuantizeLinear nodes are the inputs', the last DequantizeLinear the outputs'."""
    first = [i for i, op in enumerate(ops) if op.op == "QuantizeLinear"][:inputs]
    last = [i for i, op in enumerate(ops) if op.op == "DequantizeLinear"][-outputs:]
    edges = {*first, *last}
    return tuple(replace(op, edge=True) if i in edges else op for i, op in enumerate(ops))


def _precision(kind: str, args: Mapping[str, Any]) -> str:
    """What a node computes in, by what flows in: the runtime's own record of it."""
    if kind in _CONVERSIONS:
        return "conversion"
    shapes = args.get("input_type_shape") or args.get("output_type_shape") or [{}]
    dtype = next(iter(shapes[0]), "unknown") if shapes else "unknown"
    return {"float": "float32", "double": "float64"}.get(dtype, dtype)
