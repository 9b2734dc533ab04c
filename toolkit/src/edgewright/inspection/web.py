"""Which web runtimes take a TFLite or an ONNX file, as far as the file tells.

LiteRT.js (@litertjs/core 2.5.3), as ``edgewright-web`` builds it: at a model's edge the types
below, on WebGPU fewer of them, no free dimension, no custom and no Flex ops. onnxruntime-web 1.30:
its build has the ops of ONNX, ONNX-ML and com.microsoft, opsets up to 26 and IR versions up to 13;
nodes that WebGPU has no kernel for run on wasm, so that both runtimes take the same files (the
package's list of WebGPU ops is of a build that is no longer the default). What is not known:
whether a model fits into memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from edgewright.targets.web.runtimes import takers
from edgewright_runtimes.records import Format, TensorSpec

_ONNX_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
_OPSET, _IR_VERSION = 26, 13
_LITERT_EDGES = ("float32", "int32", "int8", "uint8")
_LITERT_GPU_EDGES = ("float32", "int32")


def onnx_runtimes(
    domains: Collection[str], opsets: Mapping[str, int], ir_version: int
) -> dict[str, str]:
    """``domains`` are those of the nodes, ``opsets`` what the file imports."""
    why = []
    if strange := sorted(set(domains) - _ONNX_DOMAINS):
        why.append(f"no ops of the domain {', '.join(strange)}")
    opset = max(opsets.get("", 0), opsets.get("ai.onnx", 0))
    if opset > _OPSET:
        why.append(f"opset {opset} is above {_OPSET}")
    if ir_version > _IR_VERSION:
        why.append(f"IR version {ir_version} is above {_IR_VERSION}")
    return _all("onnx", why)


def tflite_runtimes(
    inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], custom: Sequence[str]
) -> dict[str, str]:
    """``custom`` are the ops that are not built in."""
    edges = [*(("input", spec) for spec in inputs), *(("output", spec) for spec in outputs)]
    why = _refused(edges, _LITERT_EDGES)
    free = [spec.name for spec in inputs if None in spec.shape]
    if free:
        why.append(f"input {free[0]!r} has a free dimension: convert it with --batch 1")
    if custom:
        why.append(f"no op {', '.join(custom)}")
    found = _all("tflite", why)
    if not why:
        found["litertjs-webgpu"] = "; ".join(_refused(edges, _LITERT_GPU_EDGES))
    return found


def _refused(edges: Sequence[tuple[str, TensorSpec]], taken: Collection[str]) -> list[str]:
    return [
        f"{kind} {spec.name!r} is {spec.dtype}: only {', '.join(taken)} are taken"
        for kind, spec in edges
        if spec.dtype not in taken
    ]


def _all(format_: Format, why: Sequence[str]) -> dict[str, str]:
    return dict.fromkeys(takers(format_), "; ".join(why))
