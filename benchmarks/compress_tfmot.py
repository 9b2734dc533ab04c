"""TensorFlow Model Optimization Toolkit beside ours: run by its own interpreter, not by hand.

    PYTHON compress_tfmot.py JOB

PYTHON has tensorflow-model-optimization 0.8.1, tf_keras and a TensorFlow that works with them.
JOB is JSON: model, mode (``plain``, ``prune50``, ``prune2of4``, ``qat``), epochs, items, seed,
augment, rate (1e-3 if not given), batch (64), file (whether the TFLite int8 file is made and run).
The last line it prints is JSON: accuracy on cifar10_test, the process CPU milliseconds per step of
every epoch but the first, and with ``file`` the share of labels, in points, on which the trained
graph and the file in TensorFlow's interpreter agree. Order and augmentation of the items are those
of ``edgewright_converters.compression.training.batches``, the schedule is its default too.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from compress_channels import flips_and_crops
from compress_nets import cifar10

BATCH, RATE = 64, 1e-3
sparsity = tfmot.sparsity.keras


def compressed(model: Any, mode: str, steps: int) -> Any:
    if mode == "prune50":
        schedule = sparsity.PolynomialDecay(0.0, 0.5, 0, steps // 5, frequency=100)
        return sparsity.prune_low_magnitude(model, pruning_schedule=schedule)
    if mode == "prune2of4":
        schedule = sparsity.ConstantSparsity(0.5, 0, frequency=100)
        return sparsity.prune_low_magnitude(
            model, pruning_schedule=schedule, sparsity_m_by_n=(2, 4)
        )
    return tfmot.quantization.keras.quantize_model(model) if mode == "qat" else model


def batches(x: Any, y: Any, job: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    size = job.get("batch", BATCH)
    for epoch in range(job["epochs"]):
        order = np.random.default_rng((job["seed"], 0, epoch)).permutation(len(x))
        for start in range(0, len(x) - size + 1, size):
            chosen = order[start : start + size]
            images = x[chosen]
            if job["augment"]:
                draws = [np.random.default_rng((job["seed"], 1, epoch, int(i))) for i in chosen]
                changed = [flips_and_crops(i, d) for i, d in zip(images, draws, strict=True)]
                images = np.stack(changed)
            yield images, y[chosen]


def agreement(model: Any, x: Any, labels: Any) -> float:
    """In points: how often the int8 file that TFMOT's guide makes names the class ``labels``."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    interpreter = tf.lite.Interpreter(model_content=converter.convert(), num_threads=1)
    interpreter.allocate_tensors()
    given, made = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    same = 0
    for item, label in zip(x, labels, strict=True):
        interpreter.set_tensor(given["index"], item[None])
        interpreter.invoke()
        same += int(interpreter.get_tensor(made["index"])[0].argmax() == label)
    return 100 * same / len(x)


class Clock(tf_keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.at.append(time.process_time())


def main() -> None:
    job = json.loads(sys.argv[1])
    tf_keras.utils.set_random_seed(job["seed"])
    train, test = cifar10("train20k", centred=False), cifar10("test", centred=False)
    x, y = train.x[: job["items"]], train.y[: job["items"]]
    per_epoch = len(x) // job.get("batch", BATCH)
    total = per_epoch * job["epochs"]
    source = tf_keras.models.load_model(job["model"], compile=False)
    model = compressed(source, job["mode"], total)
    rate = tf_keras.optimizers.schedules.CosineDecay(job.get("rate", RATE), total)
    model.compile(tf_keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
    clock = Clock()
    update = [sparsity.UpdatePruningStep()] if job["mode"].startswith("prune") else []
    model.fit(
        batches(x, y, job),
        steps_per_epoch=per_epoch,
        epochs=job["epochs"],
        verbose=0,
        callbacks=[clock, *update],
    )
    if update:
        model = sparsity.strip_pruning(model)
    found = model.predict(test.x, batch_size=256, verbose=0).argmax(axis=1)
    steps_ms = (np.diff(clock.at) / per_epoch * 1e3).tolist()
    result: dict[str, Any] = {"accuracy": 100 * float((found == test.y).mean())}
    if job.get("file"):
        result["agreement"] = agreement(model, test.x, found)
    print(json.dumps({**result, "steps_ms": steps_ms}))


if __name__ == "__main__":
    main()
