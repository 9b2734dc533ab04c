"""Make ``sum.tflite``, whose output is the sum of all it was fed: its state is a ``tf.Variable``.

python tests/models/make_sum.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import tensorflow as tf


class Sum(tf.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        self.total = tf.Variable(tf.zeros((1, 2)))

    @tf.function(input_signature=[tf.TensorSpec((1, 2), tf.float32)])  # type: ignore[untyped-decorator]
    def serve(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        self.total.assign_add(x)
        return {"y": self.total * 1.0}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        model = Sum()
        tf.saved_model.save(model, folder, signatures=model.serve)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.experimental_enable_resource_variables = True
        Path(__file__).with_name("sum.tflite").write_bytes(converter.convert())
