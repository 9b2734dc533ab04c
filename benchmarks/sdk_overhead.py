"""What ``predict`` and ``predict_raw`` cost over the bare runtime's own loop, in microseconds.

    python benchmarks/sdk_overhead.py [--seconds 20] [--cpu-time]

To reach: ``predict`` at most 3 % + 5 us with all checks, ``predict_raw`` at most 1 us.
The bare loop is what a careful app writes: it sets a prepared array, runs, and reads the output
into an array of its own; for int8 in and out it quantizes and dequantizes with the lines of numpy
that TensorFlow's guide has, for a bare loop needs them too. All share one interpreter, one input
array and one way of being called.

Both are timed in blocks of about 0.5 ms (one call at least), in a random order in each round; the
first call of a block is not timed, and garbage collection rests. What is printed is the median of
the paired differences, one a round, with its 99 % interval by order statistics: the blocks of a
round are a few ms apart, so that a slow minute of the machine is in both of a pair. ``reached``
means that the medians keep their limits; where an interval holds its limit the cell says so.
``--cpu-time`` reads the thread's clock, which stands still while others run; all is on one thread.
"""

from __future__ import annotations

import argparse
import gc
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sdk_models import describe_machine, make_models

from edgewright_runtimes import Model
from edgewright_runtimes.runtime import SessionOptions

Call = Callable[[], object]
BLOCK_US = 500


def open_both(path: Path, x: Any) -> dict[str, Call]:
    """The bare loops and ours over one interpreter, by name."""
    return _open_onnx(path, x) if path.suffix == ".onnx" else _open_tflite(path, x)


def _open_onnx(path: Path, x: Any) -> dict[str, Call]:
    from edgewright_runtimes.backends import onnxruntime

    session = onnxruntime.open_session(path, options=SessionOptions())
    bare, names, feeds = session._live(), ["scores"], {"x": x}

    def bare_loop() -> Any:
        return bare.run(names, feeds)[0]

    return {"bare": bare_loop, **ours(Model(path, session, None), x, feeds)}


def _open_tflite(path: Path, x: Any) -> dict[str, Call]:
    from ai_edge_litert.interpreter import Interpreter

    from edgewright_runtimes.backends.tflite_session import TFLiteSession

    interpreter = Interpreter(str(path), num_threads=1)
    session = TFLiteSession(lambda: interpreter, path, "ai-edge-litert", 1)
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    into, out_of = source["index"], target["index"]
    scale, zero_point = source["quantization"]
    out_scale, out_zero_point = target["quantization"]

    def quantize() -> Any:
        return np.clip(np.round(x / scale + zero_point), -128, 127).astype(np.int8)

    raw = quantize() if scale else x

    def bare_raw() -> Any:
        interpreter.set_tensor(into, raw)
        interpreter.invoke()
        return interpreter.get_tensor(out_of)

    def bare() -> Any:
        interpreter.set_tensor(into, quantize())
        interpreter.invoke()
        return (interpreter.get_tensor(out_of).astype(np.float32) - out_zero_point) * out_scale

    model = Model(path, session, None)
    bares = {"bare": bare, "bare raw": bare_raw} if scale else {"bare": bare_raw}
    return {**bares, **ours(model, x, {model.inputs[0].name: raw})}


def ours(model: Model, x: Any, feeds: dict[str, Any]) -> dict[str, Call]:
    return {"predict": lambda: model.predict(x), "raw": lambda: model.predict_raw(feeds)}


def time_block(call: Call, calls: int, clock: Callable[[], int]) -> float:
    """Microseconds per call, after one that is not counted."""
    call()
    start = clock()
    for _ in range(calls):
        call()
    return (clock() - start) / calls / 1e3


def measure(
    calls: dict[str, Call], seconds: float, clock: Callable[[], int]
) -> dict[str, np.ndarray[Any, Any]]:
    """Microseconds per call of each, [rounds]: what stands at one place was measured together."""
    size = max(1, int(BLOCK_US / time_block(calls["bare"], 50, clock)))
    samples: dict[str, list[float]] = {name: [] for name in calls}
    rng = np.random.default_rng(0)
    end = time.perf_counter() + seconds
    gc.collect()
    gc.disable()
    while time.perf_counter() < end:
        for name in rng.permutation(list(calls)):
            samples[name].append(time_block(calls[name], size, clock))
    gc.enable()
    return {name: np.asarray(values) for name, values in samples.items()}


def median_interval(differences: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    """Median, and its 99 % interval: the ranks n/2 -+ 2.576 sqrt(n)/2 of the ordered values."""
    ordered = np.sort(differences)
    half, n = 2.576 * math.sqrt(ordered.size) / 2, ordered.size
    low, high = max(0, int(n / 2 - half)), min(n - 1, math.ceil(n / 2 + half))
    return float(np.median(ordered)), float(ordered[low]), float(ordered[high])


def cell(differences: np.ndarray[Any, Any], allowed: float) -> tuple[str, bool]:
    """The table's text, and whether the limit is kept."""
    median, low, high = median_interval(differences)
    unsure = " (limit inside)" if low <= allowed <= high else ""
    return f"{median:.2f} [{low:.2f}, {high:.2f}]{unsure}", median <= allowed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20, help="of each model")
    parser.add_argument("--cpu-time", action="store_true")
    asked = parser.parse_args()
    clock = time.thread_time_ns if asked.cpu_time else time.perf_counter_ns
    print(describe_machine())
    print(
        f"{asked.seconds:g} s a model, 1 thread, {'CPU' if asked.cpu_time else 'wall'} time; "
        "median of the paired differences [99 % interval]\n"
    )
    print("| model | input | rounds | bare us | predict + us | allowed | raw + us | allowed | |")
    print("|---|---|---|---|---|---|---|---|---|")
    for path in make_models():
        shape = {"us20": (1, 64), "us100": (1, 32, 32, 3), "us1000": (1, 96, 96, 3)}
        size = shape[path.stem.partition("_")[0]]
        x = np.random.default_rng(0).random(size, dtype=np.float32)
        found = measure(open_both(path, x), asked.seconds, clock)
        bare = found["bare"]
        allowed = 0.03 * float(np.median(bare)) + 5
        whole, predict_kept = cell(found["predict"] - bare, allowed)
        raw, raw_kept = cell(found["raw"] - found.get("bare raw", bare), 1)
        print(
            f"| {path.name} | {'x'.join(map(str, size))} | {bare.size:,} | {np.median(bare):.1f} "
            f"| {whole} | {allowed:.1f} | {raw} | 1 "
            f"| {'reached' if predict_kept and raw_kept else 'missed'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
