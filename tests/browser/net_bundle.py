"""A bundle of a small net in three formats, so that no fast test needs a converter.

The net: a convolution with batch norm, a depthwise one with ReLU6, a 1x1 one, a softmax of five
classes over 16 x 16 x 3, with random weights; written by ``convert`` and copied here.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from tests.toolkit.bench_bundle import make_artifact

from edgewright.bundle import Bundle
from edgewright_runtimes.records import Format

NET = Path(__file__).parent / "net"
ALL: tuple[tuple[Format, str, str], ...] = (
    ("tflite", "float32", "tflite-float32.tflite"),
    ("tflite", "int8", "tflite-int8.tflite"),
    ("tflite", "int8-io", "tflite-int8-io.tflite"),
    ("onnx", "float32", "onnx-float32.onnx"),
    ("onnx", "int8", "onnx-int8.onnx"),
    ("tfjs", "float32", "tfjs-float32"),
    ("tfjs", "uint8", "tfjs-uint8"),
)


def make_net_bundle(folder: Path, *, softmax: str = "Softmax") -> Bundle:
    """Its goldens are real items with the source's answers; ``softmax``: another op in its place
    in the TF.js graphs."""
    bundle = Bundle.create(folder)
    for format_, scheme, name in ALL:
        built = bundle.work_folder() / f"{format_}-{scheme}"
        if format_ == "tfjs":
            shutil.copytree(NET / name, built)
            model = built / "model.json"
            model.write_text(model.read_text().replace('"op":"Softmax"', f'"op":"{softmax}"'))
        else:
            built.mkdir()
            model = Path(shutil.copy(NET / name, built))
        bundle.add_artifact(make_artifact(format_, scheme, model), built)
    shutil.copy(NET / "golden.npz", folder / "golden.npz")
    return bundle


def spoil_answers(bundle: Bundle) -> None:
    """The source's answers as another source would have given them."""
    arrays = bundle.golden()
    arrays["output/dense"] = np.roll(arrays["output/dense"], 1, axis=1)
    np.savez(bundle.path / "golden.npz", **arrays)
