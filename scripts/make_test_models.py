"""Make the tiny artifacts of ``tests/models`` and what they answer (``expected.npz``).

    python scripts/make_test_models.py [FOLDER]        (tests/models without one)

Committed, so that the tests of the runtimes need numpy and a runtime, not TensorFlow. The
expected outputs are computed by Keras (or by numpy, for the graphs written by hand), never by the
runtimes under test.
"""

# ruff: noqa: TID253 - a script that needs all of it
from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import onnx
import tensorflow as tf
import tf_keras
from onnx import TensorProto, helper

Arrays = dict[str, np.ndarray]
ITEMS = 6


def converter(
    function: Callable[..., object], *specs: tf.TensorSpec, net: tf_keras.Model | None = None
) -> tf.lite.TFLiteConverter:
    """By way of a SavedModel, which gives the file the signature's names."""
    module = tf.Module()
    module.net = net  # its variables have to be reachable
    module.serve = tf.function(function, input_signature=list(specs))
    folder = tempfile.mkdtemp()
    tf.saved_model.save(module, folder, signatures={"serving_default": module.serve})
    return tf.lite.TFLiteConverter.from_saved_model(folder)


def randomize(model: tf_keras.Model, rng: np.random.Generator) -> None:
    model.set_weights([rng.normal(0, 0.4, w.shape).astype(np.float32) for w in model.get_weights()])


def dense(folder: Path, rng: np.random.Generator) -> Arrays:
    """``dense.tflite`` and ``dense.onnx``: x (N, 8) -> scores (N, 3), one net in two formats."""
    net = tf_keras.Sequential(
        [
            tf_keras.layers.Dense(16, activation="relu", input_shape=(8,)),
            tf_keras.layers.Dense(3, activation="softmax"),
        ]
    )
    randomize(net, rng)
    spec = tf.TensorSpec([None, 8], tf.float32, name="x")
    file = converter(lambda x: {"scores": net(x)}, spec, net=net).convert()
    (folder / "dense.tflite").write_bytes(file)
    weights = dict(zip(("w1", "b1", "w2", "b2"), net.get_weights(), strict=True))
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "w2", "b2"], ["z"]),
        helper.make_node("Softmax", ["z"], ["scores"]),
    ]
    save_onnx(folder / "dense.onnx", nodes, {"x": ["n", 8]}, {"scores": ["n", 3]}, weights)
    x = rng.normal(size=(ITEMS, 8)).astype(np.float32)
    return {"dense/x": x, "dense/scores": net(x).numpy()}


def conv_int8_io(folder: Path, rng: np.random.Generator) -> Arrays:
    """``conv_int8_io.tflite``: x (1, 8, 8, 1) -> scores (1, 4), int8 in, inside and out."""
    net = tf_keras.Sequential(
        [
            tf_keras.layers.Conv2D(4, 3, activation="relu", input_shape=(8, 8, 1)),
            tf_keras.layers.Flatten(),
            tf_keras.layers.Dense(4, activation="softmax"),
        ]
    )
    randomize(net, rng)
    items = rng.random((200, 8, 8, 1)).astype(np.float32)

    def representative() -> Iterator[dict[str, np.ndarray]]:
        for item in items:
            yield {"x": item[np.newaxis]}

    spec = tf.TensorSpec([1, 8, 8, 1], tf.float32, name="x")
    making = converter(lambda x: {"scores": net(x)}, spec, net=net)
    making.optimizations = [tf.lite.Optimize.DEFAULT]
    making.representative_dataset = representative
    making.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    making.inference_input_type = making.inference_output_type = tf.int8
    (folder / "conv_int8_io.tflite").write_bytes(making.convert())
    return {"conv_int8_io/x": items[:ITEMS], "conv_int8_io/scores": net(items[:ITEMS]).numpy()}


def lstm(folder: Path, rng: np.random.Generator) -> Arrays:
    """``lstm.tflite``: x (1, 5, 3) -> y (1, 2), keeps its state from one run to the next."""
    net = tf_keras.Sequential(
        [tf_keras.layers.LSTM(4, input_shape=(5, 3)), tf_keras.layers.Dense(2)]
    )
    randomize(net, rng)
    spec = tf.TensorSpec([1, 5, 3], tf.float32, name="x")
    (folder / "lstm.tflite").write_bytes(
        converter(lambda x: {"y": net(x)}, spec, net=net).convert()
    )
    x = rng.normal(size=(ITEMS, 5, 3)).astype(np.float32)
    return {"lstm/x": x, "lstm/y": net(x).numpy()}


def pair(folder: Path, rng: np.random.Generator) -> Arrays:
    """``pair.tflite``, ``pair.onnx``: wide (1, 4), narrow (1, 1) -> total (1, 4), scaled (1, 4)."""
    specs = [
        tf.TensorSpec([1, 4], tf.float32, name="wide"),
        tf.TensorSpec([1, 1], tf.float32, name="narrow"),
    ]

    def compute(wide: tf.Tensor, narrow: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"total": wide + narrow, "scaled": wide * narrow}

    (folder / "pair.tflite").write_bytes(converter(compute, *specs).convert())
    nodes = [
        helper.make_node("Add", ["wide", "narrow"], ["total"]),
        helper.make_node("Mul", ["wide", "narrow"], ["scaled"]),
    ]
    sides = {"wide": [1, 4], "narrow": [1, 1]}, {"total": [1, 4], "scaled": [1, 4]}
    save_onnx(folder / "pair.onnx", nodes, *sides)
    wide = rng.normal(size=(ITEMS, 4)).astype(np.float32)
    narrow = rng.normal(size=(ITEMS, 1)).astype(np.float32)
    return {
        "pair/wide": wide,
        "pair/narrow": narrow,
        "pair/total": wide + narrow,
        "pair/scaled": wide * narrow,
    }


def embedding(folder: Path, rng: np.random.Generator) -> Arrays:
    """``ids.tflite``: ids (1, 3) int32 -> y (1, 3, 2), a table of 7 rows."""
    table = rng.normal(size=(7, 2)).astype(np.float32)
    spec = tf.TensorSpec([1, 3], tf.int32, name="ids")
    file = converter(lambda ids: {"y": tf.gather(table, ids)}, spec).convert()
    (folder / "ids.tflite").write_bytes(file)
    ids = rng.integers(0, 7, (ITEMS, 3)).astype(np.int32)
    return {"ids/ids": ids, "ids/y": table[ids]}


def small_onnx(folder: Path) -> None:
    """Half precision, text, and a graph whose batch of 1 is built in behind a free input."""
    double = [helper.make_node("Add", ["x", "x"], ["y"])]
    half = TensorProto.FLOAT16
    save_onnx(folder / "half.onnx", double, {"x": ["n", 3]}, {"y": ["n", 3]}, {}, half)
    same = [helper.make_node("Identity", ["x"], ["y"])]
    save_onnx(folder / "text.onnx", same, {"x": ["n"]}, {"y": ["n"]}, {}, TensorProto.STRING)
    reshape = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    shape = {"shape": np.array([1, 2, 2], np.int64)}
    save_onnx(folder / "built_in_one.onnx", reshape, {"x": ["n", 4]}, {"y": [1, 2, 2]}, shape)


def save_onnx(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, list[int | str]],
    outputs: dict[str, list[int | str]],
    weights: Arrays | None = None,
    dtype: int = TensorProto.FLOAT,
) -> None:
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        path.stem,
        [info(name, dtype, shape) for name, shape in inputs.items()],
        [info(name, dtype, shape) for name, shape in outputs.items()],
        [onnx.numpy_helper.from_array(w, name) for name, w in (weights or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/models")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    expected: Arrays = {}
    for make in (dense, conv_int8_io, lstm, pair, embedding):
        expected |= make(folder, rng)
    small_onnx(folder)
    np.savez_compressed(folder / "expected.npz", **expected)
    for path in sorted(folder.iterdir()):
        print(f"{path.stat().st_size:6d} {path.name}")


if __name__ == "__main__":
    main()
