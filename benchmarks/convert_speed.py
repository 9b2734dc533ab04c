"""One model to TFLite float32 + int8, ONNX float32 and TF.js float32, cold, beside the peers.

    python benchmarks/convert_speed.py [ROUNDS]

Three ways, interleaved, each from a cold process: our ``convert`` (verification included); the
peers' command lines in sequence; one script that imports TensorFlow once and calls the converters.
To reach: at most 1/3 of the command lines, at most 1.25 x the script. ``tensorflowjs_converter``
needs the environment of the oracle (``make oracle``); without it, TF.js is left out. The script
makes no TF.js artifact, for that package cannot live beside this TensorFlow: in its favour.
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

from machine import describe_machine

MODEL = """
import sys, keras, numpy as np
keras.utils.set_random_seed(0)
x = i = keras.Input((96, 96, 3), name="image")
for width in (16, 32, 64, 128):
    x = keras.layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU(6.0)(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
x = keras.layers.GlobalAveragePooling2D()(x)
model = keras.Model(i, keras.layers.Dense(10, activation="softmax")(x))
model.save(sys.argv[1] + "/model.keras")
model.save(sys.argv[1] + "/model.h5")
model.export(sys.argv[1] + "/saved_model", verbose=False)
data = np.random.default_rng(0).random((100, 96, 96, 3), dtype=np.float32)
np.savez(sys.argv[1] + "/data.npz", x=data)
"""

# What a careful person writes by hand: one import, the converters' own calls, no verification.
SCRIPT = """
import sys
import numpy as np
import tensorflow as tf
import keras
import tf2onnx
folder, out = sys.argv[1:]
model = keras.models.load_model(folder + "/model.keras")
data = np.load(folder + "/data.npz")["x"]
spec = [tf.TensorSpec((1, 96, 96, 3), tf.float32, name="image")]
model.export(out + "/exported", verbose=False, input_signature=spec)
converter = tf.lite.TFLiteConverter.from_saved_model(out + "/exported")
open(out + "/float32.tflite", "wb").write(converter.convert())
converter = tf.lite.TFLiteConverter.from_saved_model(out + "/exported")
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = lambda: ([item[None]] for item in data)
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
open(out + "/int8.tflite", "wb").write(converter.convert())
function = tf.function(lambda image: model(image, training=False))
signature = [tf.TensorSpec((None, 96, 96, 3), tf.float32, name="image")]
tf2onnx.convert.from_function(function, signature, opset=17, output_path=out + "/model.onnx")
"""


def quiet(argv: list[str], env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(argv[:4])} failed:\n{done.stderr[-2000:]}")


def ours(folder: Path, out: Path, tfjs: Path | None) -> None:
    variants = "tflite-float32,tflite-int8,onnx-float32" + (",tfjs-float32" if tfjs else "")
    words = ["convert", str(folder / "model.keras"), "--out", str(out / "bundle")]
    words += ["--variants", variants, "--calibrate", str(folder / "data.npz"), "--samples", "100"]
    quiet([sys.executable, "-m", "edgewright", *words])


def command_lines(folder: Path, out: Path, tfjs: Path | None) -> None:
    """The peers: tflite_convert twice (it has no int8 calibration), tf2onnx, tensorflowjs."""
    saved = str(folder / "saved_model")
    tflite = [str(Path(sys.executable).parent / "tflite_convert"), f"--saved_model_dir={saved}"]
    quiet([*tflite, f"--output_file={out / 'float32.tflite'}"])
    quiet([*tflite, f"--output_file={out / 'second.tflite'}"])
    onnx = ["-m", "tf2onnx.convert", "--saved-model", saved, "--output", str(out / "m.onnx")]
    quiet([sys.executable, *onnx, "--opset", "17"])
    if tfjs:
        quiet([str(tfjs), "--input_format=tf_saved_model", saved, str(out / "tfjs")])


def script(folder: Path, out: Path, _: Path | None) -> None:
    """Without TF.js, for that package cannot live beside this TensorFlow: in the peer's favour."""
    quiet([sys.executable, "-c", SCRIPT, str(folder), str(out)])


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    python = os.environ.get("EDGEWRIGHT_TFJS_PYTHON", "")
    tfjs = Path(python).parent / "tensorflowjs_converter" if python else None
    tfjs = tfjs if tfjs and tfjs.exists() else None
    ways = {"edgewright convert": ours, "peers' command lines": command_lines, "one script": script}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        quiet([sys.executable, "-c", MODEL, temporary])
        for _ in range(rounds):
            for name, way in ways.items():
                out = folder / "out"
                shutil.rmtree(out, ignore_errors=True)
                out.mkdir()
                start = time.perf_counter()
                way(folder, out, tfjs)
                seconds[name].append(time.perf_counter() - start)
    mine = statistics.median(seconds["edgewright convert"])
    print("## Conversion, cold\n")
    print(f"{describe_machine('tensorflow', 'tf2onnx')}; {rounds} rounds, interleaved\n")
    print("tflite_convert runs twice, both float32: it can't calibrate int8, so ours does more\n")
    if tfjs is None:
        print("TF.js left out: no tensorflowjs_converter (EDGEWRIGHT_TFJS_PYTHON, make oracle)\n")
    print("| way | median s | least | most | ours over it | to reach |")
    print("|---|---|---|---|---|---|")
    reach = {"peers' command lines": "1/3", "one script": "1.25"}
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        ratio = "" if name == "edgewright convert" else f"{mine / middle:.2f}"
        span = f"{min(taken):.1f} | {max(taken):.1f}"
        print(f"| {name} | {middle:.1f} | {span} | {ratio} | {reach.get(name, '')} |")


if __name__ == "__main__":
    main()
