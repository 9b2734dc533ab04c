"""Peak memory of converting a model of 100 MB, beside the peer doing the same by hand.

    python benchmarks/convert_memory.py

Ours: the greatest resident memory of the converter process and of the command that drives it, one
artifact at a time, verification left to the worker beside it. The peer: a script that exports the
model and calls the converter. To reach: at most 1.2 x the peer's, for each format.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from machine import describe_machine

MODEL = """
import sys, keras
keras.utils.set_random_seed(0)
i = keras.Input((2048,), name="x")
x = i
for _ in range(6):
    x = keras.layers.Dense(2048, activation="relu")(x)
keras.Model(i, keras.layers.Dense(10)(x)).save(sys.argv[1])
"""
PEERS = {
    "tflite-float32": """
import sys, keras, tensorflow as tf
model = keras.models.load_model(sys.argv[1])
spec = [tf.TensorSpec((1, 2048), tf.float32, name="x")]
model.export(sys.argv[2] + "/exported", verbose=False, input_signature=spec)
converter = tf.lite.TFLiteConverter.from_saved_model(sys.argv[2] + "/exported")
open(sys.argv[2] + "/model.tflite", "wb").write(converter.convert())
""",
    "onnx-float32": """
import sys, keras, tensorflow as tf, tf2onnx
model = keras.models.load_model(sys.argv[1])
function = tf.function(lambda x: model(x, training=False))
spec = [tf.TensorSpec((None, 2048), tf.float32, name="x")]
tf2onnx.convert.from_function(function, spec, opset=17, output_path=sys.argv[2] + "/model.onnx")
""",
}
# Peak of the process itself and of each child it waited for, in kB.
WATCH = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_mb(argv: list[str]) -> float:
    """The greatest resident memory of any one process that ``argv`` started, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *argv], capture_output=True, text=True, check=True
    )
    code, kilobytes = done.stdout.split()
    if code != "0":
        raise SystemExit(f"{' '.join(argv[:5])} ended with {code}")
    return int(kilobytes) / 1024


def main() -> None:
    print("## Peak memory of converting a 100 MB model\n")
    print(f"{describe_machine('tensorflow', 'tf2onnx')}\n")
    print("| artifact | ours MB | peer MB | ratio | to reach |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        model = Path(temporary) / "model.keras"
        subprocess.run([sys.executable, "-c", MODEL, str(model)], check=True, capture_output=True)
        for name, code in PEERS.items():
            words = ["convert", str(model), "--out", f"{temporary}/{name}", "--variants", name]
            mine = peak_mb([sys.executable, "-m", "edgewright", *words])
            peer = peak_mb([sys.executable, "-c", code, str(model), temporary])
            print(f"| {name} | {mine:,.0f} | {peer:,.0f} | {mine / peer:.2f} | 1.2 |")


if __name__ == "__main__":
    main()
