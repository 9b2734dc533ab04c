"""What ``predict`` and ``predict_raw`` cost over the bare runtime's own loop, in microseconds.

    python benchmarks/sdk_overhead.py [ROUNDS]

To reach: ``predict`` at most 3 % + 5 us with all checks, ``predict_raw`` at most 1 us.
The bare loop sets a prepared array, runs, and reads the output; for int8 in and out it quantizes
and dequantizes with the lines of numpy that TensorFlow's guide has, for a bare loop needs them too.
Blocks of about 0.5 ms of each are interleaved, and each column is the 10th percentile of its
blocks: short enough to run between two interruptions, so that a busy machine moves them least.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
from sdk_models import describe_machine, make_models

from edgewright_runtimes import Model, load

Call = Callable[[], object]
BLOCK_NS = 500_000


def bare_loop(path: Path, x: Any) -> Call:
    return _bare_onnx(path, x) if path.suffix == ".onnx" else _bare_tflite(path, x)


def _bare_onnx(path: Path, x: Any) -> Call:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: x})[0]


def _bare_tflite(path: Path, x: Any) -> Call:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    into, out_of = source["index"], target["index"]

    def plain() -> object:
        interpreter.set_tensor(into, x)
        interpreter.invoke()
        return interpreter.get_tensor(out_of)

    if source["dtype"] == np.float32:
        return plain
    scale, zero_point = source["quantization"]
    out_scale, out_zero_point = target["quantization"]

    def quantized() -> object:
        q = np.clip(np.round(x / scale + zero_point), -128, 127).astype(np.int8)
        interpreter.set_tensor(into, q)
        interpreter.invoke()
        return (interpreter.get_tensor(out_of).astype(np.float32) - out_zero_point) * out_scale

    return quantized


def time_block(call: Call, calls: int) -> float:
    """Microseconds per call."""
    start = perf_counter_ns()
    for _ in range(calls):
        call()
    return (perf_counter_ns() - start) / calls / 1e3


def measure(calls: dict[str, Call], rounds: int) -> dict[str, list[float]]:
    samples: dict[str, list[float]] = {name: [] for name in calls}
    each = {name: max(1, int(BLOCK_NS / 1e3 / time_block(c, 20))) for name, c in calls.items()}
    names = list(calls)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            samples[name].append(time_block(calls[name], each[name]))
    return samples


def calls_of(model: Model, path: Path, x: Any) -> dict[str, Call]:
    spec = model.inputs[0]
    raw = x
    if spec.scale is not None:
        raw = np.clip(np.rint(x / spec.scale + spec.zero_point), -128, 127).astype(np.int8)
    feeds = {spec.name: raw}
    calls = {
        "bare": bare_loop(path, x),
        "predict": lambda: model.predict(x),
        "raw": lambda: model.predict_raw(feeds),
    }
    if raw is not x:
        calls["bare raw"] = _bare_raw(path, raw)
    return calls


def _bare_raw(path: Path, raw: Any) -> Call:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    into = interpreter.get_input_details()[0]["index"]
    out_of = interpreter.get_output_details()[0]["index"]

    def plain() -> object:
        interpreter.set_tensor(into, raw)
        interpreter.invoke()
        return interpreter.get_tensor(out_of)

    return plain


def cost(samples: dict[str, list[float]], name: str, base: str) -> float:
    return fastest(samples[name]) - fastest(samples[base])


def fastest(samples: list[float]) -> float:
    return statistics.quantiles(samples, n=10)[0]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(describe_machine())
    print(f"{rounds} rounds, 1 thread\n")
    print("| model | input | bare us | predict + us | allowed | raw + us | allowed | |")
    print("|---|---|---|---|---|---|---|---|")
    for path in make_models():
        with load(path) as model:
            shape = tuple(1 if d is None else d for d in model.inputs[0].shape)
            x = np.random.default_rng(0).random(shape, dtype=np.float32)
            samples = measure(calls_of(model, path, x), rounds)
        bare = fastest(samples["bare"])
        whole = cost(samples, "predict", "bare")
        raw = cost(samples, "raw", "bare raw" if "bare raw" in samples else "bare")
        allowed = 0.03 * bare + 5
        verdict = "reached" if whole <= allowed and raw <= 1 else "missed"
        size = "x".join(map(str, shape))
        print(
            f"| {path.name} | {size} | {bare:.1f} | {whole:.2f} | {allowed:.1f} "
            f"| {raw:.2f} | 1 | {verdict} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
