"""The models of the SDK's benchmarks: nets of about 20, 100 and 1,000 us, in each format.

Made once with TensorFlow (in a child process, so that it is in no measurement) and kept in
``.cache/sdk-models``.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".cache" / "sdk-models"
NAMES = ("us20", "us100", "us1000")


def make_models() -> list[Path]:
    """The paths: ``us20.tflite``, ``us20_int8_io.tflite``, ``us20.onnx`` and so on."""
    wanted = [
        FOLDER / f"{n}{end}" for n in NAMES for end in (".tflite", "_int8_io.tflite", ".onnx")
    ]
    if not all(path.exists() for path in wanted):
        subprocess.run([sys.executable, __file__], check=True, stderr=subprocess.DEVNULL)
    return wanted


def describe_machine() -> str:
    cpu = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = (line for line in info.read_text().splitlines() if "model name" in line)
        cpu = next(lines, cpu).partition(":")[2].strip() or cpu
    when = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    python = platform.python_version()
    return f"{cpu}, {os.cpu_count()} cores, load {load:.1f}, Python {python}, {when}"


def _write() -> None:
    import numpy as np
    import tensorflow as tf
    import tf2onnx
    import tf_keras
    from tf_keras import layers

    shapes = {"us20": (64,), "us100": (32, 32, 3), "us1000": (96, 96, 3)}
    relu = {"activation": "relu"}
    middles = {
        "us20": [layers.Dense(512, **relu), layers.Dense(512, **relu)],
        "us100": [
            layers.Conv2D(32, 3, **relu),
            layers.Conv2D(32, 3, 2, **relu),
            layers.Conv2D(64, 3, 2, **relu),
            layers.GlobalAveragePooling2D(),
        ],
        "us1000": [
            layers.Conv2D(32, 3, 2, **relu),
            layers.Conv2D(64, 3, 2, **relu),
            layers.Conv2D(64, 3, **relu),
            layers.Conv2D(96, 3, 2, **relu),
            layers.GlobalAveragePooling2D(),
        ],
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, shape in shapes.items():
        tf.random.set_seed(1)
        net = tf_keras.Sequential(
            [layers.InputLayer(shape), *middles[name], layers.Dense(10, activation="softmax")]
        )
        serve = tf.function(
            lambda x, net=net: {"scores": net(x)},
            input_signature=[tf.TensorSpec([1, *shape], tf.float32, name="x")],
        )

        def items(shape: tuple[int, ...] = shape):  # type: ignore[no-untyped-def]
            rng = np.random.default_rng(0)
            for _ in range(32):
                yield [rng.random((1, *shape), dtype=np.float32)]

        concrete = serve.get_concrete_function()
        plain = tf.lite.TFLiteConverter.from_concrete_functions([concrete], net)
        (FOLDER / f"{name}.tflite").write_bytes(plain.convert())
        int8 = tf.lite.TFLiteConverter.from_concrete_functions([concrete], net)
        int8.optimizations = [tf.lite.Optimize.DEFAULT]
        int8.representative_dataset = items
        int8.inference_input_type = int8.inference_output_type = tf.int8
        (FOLDER / f"{name}_int8_io.tflite").write_bytes(int8.convert())
        onnx, _ = tf2onnx.convert.from_function(
            serve, input_signature=serve.input_signature, opset=17
        )
        onnx.ir_version = 8
        (FOLDER / f"{name}.onnx").write_bytes(onnx.SerializeToString())


if __name__ == "__main__":
    _write()
