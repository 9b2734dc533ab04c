"""Import, load and first predict: the SDK against the bare runtime doing the same.

    python benchmarks/sdk_startup.py [ROUNDS]

To reach: at most 0.15 s and 5 MB more. Each round starts a fresh process for either, in turn; the
seconds are those of the whole process, the memory its VmHWM. The SDK's file carries a contract
with a preprocessing and labels, so that reading and applying it is in the number.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sdk_models import FOLDER, describe_machine, make_models

from edgewright_converters.embed import embed_contract
from edgewright_runtimes import load
from edgewright_runtimes.records import Contract

# compiled modules are kept, as they are of an installed package
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["PYTHONPYCACHEPREFIX"] = str(FOLDER / "pycache")
PEAK = """
print(next(l.split()[1] for l in open("/proc/self/status") if l.startswith("VmHWM")))
"""
OURS = """
import numpy as np, sys
from edgewright_runtimes import load
model = load(sys.argv[1])
model.predict(np.ones([1 if d is None else d for d in model.inputs[0].shape], np.float32))
"""
BARE = {
    ".tflite": """
import numpy as np, sys
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
details = interpreter.get_input_details()[0]
interpreter.set_tensor(details["index"], np.ones(details["shape"], np.float32))
interpreter.invoke()
interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
""",
    ".onnx": """
import numpy as np, sys
import onnxruntime as ort
options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
info = session.get_inputs()[0]
shape = [d if isinstance(d, int) else 1 for d in info.shape]
session.run(None, {info.name: np.ones(shape, np.float32)})
""",
}


def start(code: str, path: Path) -> tuple[float, float]:
    """Seconds of a fresh process, and its peak in MB."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code + PEAK, str(path)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, int(done.stdout) / 1024


def with_contract(path: Path, folder: Path) -> Path:
    copy = Path(shutil.copy(path, folder))
    with load(copy) as model:
        contract = Contract(
            inputs=model.inputs,
            outputs=model.outputs,
            batch=1,
            scheme="float32",
            preprocess={"scale": 1 / 255},
            labels=tuple(f"class {i}" for i in range(10)),
        )
    embed_contract(copy, contract)
    return copy


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(describe_machine())
    print(f"medians of {rounds} fresh processes of each, in turn; fastest in brackets\n")
    print("| model | bare s | SDK s | more s | bare MB | SDK MB | more MB | |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for path in make_models():
            if "int8" in path.name:
                continue
            ours = with_contract(path, Path(folder))
            bare_runs, our_runs = [], []
            start(BARE[path.suffix], path)
            start(OURS, ours)
            for _ in range(rounds):
                bare_runs.append(start(BARE[path.suffix], path))
                our_runs.append(start(OURS, ours))
            columns = [
                [run[which] for run in runs] for which in (0, 1) for runs in (bare_runs, our_runs)
            ]
            (bare_s, our_s, bare_mb, our_mb) = (statistics.median(c) for c in columns)
            reached = our_s - bare_s <= 0.15 and our_mb - bare_mb <= 5
            print(
                f"| {path.name} | {bare_s:.3f} [{min(columns[0]):.3f}] "
                f"| {our_s:.3f} [{min(columns[1]):.3f}] | {our_s - bare_s:.3f} "
                f"| {bare_mb:.1f} | {our_mb:.1f} | {our_mb - bare_mb:.1f} "
                f"| {'reached' if reached else 'missed'} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
