"""What ``predict`` and ``predict_raw`` cost over the bare runtime's own loop, in microseconds.

    python benchmarks/sdk_overhead.py [ROUNDS] [--cpu-time]

To reach: ``predict`` at most 3 % + 5 us with all checks, ``predict_raw`` at most 1 us.
The bare loop sets a prepared array, runs, and reads the output; for int8 in and out it quantizes
and dequantizes with the lines of numpy that TensorFlow's guide has, for a bare loop needs them too.
All of them use the same interpreter, so that they share its caches. Blocks of about 1 ms of each
are interleaved, the first call of a block is not timed, and each column is the 10th percentile of
its blocks: a busy machine moves those least. ``--cpu-time`` reads the thread's clock, which stands
still while others run; all is on one thread.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sdk_models import describe_machine, make_models

from edgewright_runtimes import Model
from edgewright_runtimes.runtime import SessionOptions

Call = Callable[[], object]
BLOCK_US = 1000


def open_both(path: Path, x: Any) -> dict[str, Call]:
    """The bare loops and ours over one interpreter, by name."""
    return _open_onnx(path, x) if path.suffix == ".onnx" else _open_tflite(path, x)


def _open_onnx(path: Path, x: Any) -> dict[str, Call]:
    from edgewright_runtimes.backends import onnxruntime

    session = onnxruntime.open_session(path, options=SessionOptions())
    run, feeds = session._live().run, {"x": x}
    return {"bare": lambda: run(None, {"x": x})[0], **ours(Model(path, session, None), x, feeds)}


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


def measure(calls: dict[str, Call], rounds: int, clock: Callable[[], int]) -> dict[str, float]:
    each = {n: max(2, int(BLOCK_US / time_block(c, 50, clock))) for n, c in calls.items()}
    samples: dict[str, list[float]] = {name: [] for name in calls}
    rng = np.random.default_rng(0)
    for _ in range(rounds):
        for name in rng.permutation(list(calls)):
            samples[name].append(time_block(calls[name], each[name], clock))
    return {name: statistics.quantiles(values, n=10)[0] for name, values in samples.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int, nargs="?", default=1000)
    parser.add_argument("--cpu-time", action="store_true")
    asked = parser.parse_args()
    clock = time.thread_time_ns if asked.cpu_time else time.perf_counter_ns
    print(describe_machine())
    print(f"{asked.rounds} rounds, 1 thread, {'CPU' if asked.cpu_time else 'wall'} time\n")
    print("| model | input | bare us | predict + us | allowed | raw + us | allowed | |")
    print("|---|---|---|---|---|---|---|---|")
    for path in make_models():
        shape = {"us20": (1, 64), "us100": (1, 32, 32, 3), "us1000": (1, 96, 96, 3)}
        size = shape[path.stem.partition("_")[0]]
        x = np.random.default_rng(0).random(size, dtype=np.float32)
        found = measure(open_both(path, x), asked.rounds, clock)
        bare, whole = found["bare"], found["predict"] - found["bare"]
        raw = found["raw"] - found.get("bare raw", bare)
        allowed = 0.03 * bare + 5
        verdict = "reached" if whole <= allowed and raw <= 1 else "missed"
        print(
            f"| {path.name} | {'x'.join(map(str, size))} | {bare:.1f} | {whole:.2f} "
            f"| {allowed:.1f} | {raw:.2f} | 1 | {verdict} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
