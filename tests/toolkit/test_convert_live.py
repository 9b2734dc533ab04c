"""Live objects through ``edgewright.convert``: the same object is the same source."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

# In a process of its own, as a person's script would: TensorFlow has warnings of its own to give.
SCRIPT = """
import json, sys
from pathlib import Path
import keras, numpy as np, tensorflow as tf
import edgewright
from edgewright.bundle import Bundle

class Double(keras.layers.Layer):
    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones")
    def call(self, x):
        return 2 * x * self.factor

keras.utils.set_random_seed(0)
weights = tf.Variable(np.arange(12, dtype=np.float32).reshape(4, 3) / 12)
bias = tf.constant([0.1, 0.2, 0.3])
@tf.function
def dense(x):
    return tf.nn.softmax(x @ weights + bias)
inputs = keras.Input((4,), name="x")
plain = keras.Sequential([inputs, keras.layers.Dense(3, activation="softmax")])
own = keras.Sequential([keras.Input((4,), name="x"), Double(), keras.layers.Dense(3)])
signature = [tf.TensorSpec((None, 4), tf.float32, name="x")]
OBJECTS = {"plain": (plain, None), "own": (own, None), "closure": (lambda x: dense(x), signature)}

said = {}
def convert(name, key):
    obj, signature = OBJECTS[name]
    result = edgewright.convert(
        obj, out=Path(sys.argv[1]) / name, variants=["tflite-float32"], signature=signature)
    said[f"{name} {key}"] = [len(result.built), len(result.taken), len(result.failures)]
for name in sys.argv[2].split(","):
    convert(name, "first")
    convert(name, "again")
if "closure" in sys.argv[2]:
    weights.assign(weights * 2)
    convert("closure", "trained")
if len(sys.argv) > 3:
    for name in OBJECTS:
        checked = edgewright.check(Path(sys.argv[1]) / name, data=sys.argv[3])
        said[f"{name} checked"] = [len(checked.results), len(checked.failures)]
print(json.dumps(said))
"""


def run(out: Path, names: str, *more: Path) -> dict[str, list[int]]:
    argv = [sys.executable, "-c", SCRIPT, str(out), names, *map(str, more)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_live_object_is_taken_the_second_time_and_can_be_checked(tmp_path: Path) -> None:
    """A Keras model, one with a layer of its own, a closure over variables and a constant."""
    data = tmp_path / "data.npz"
    np.savez(data, x=np.random.default_rng(0).random((30, 4), np.float32), y=np.arange(30) % 3)
    said = run(tmp_path, "plain,own,closure", data)
    assert said == {
        **{f"{name} first": [1, 0, 0] for name in ("plain", "own", "closure")},
        **{f"{name} again": [0, 1, 0] for name in ("plain", "own", "closure")},
        "closure trained": [1, 0, 0],
        **{f"{name} checked": [1, 0] for name in ("plain", "own", "closure")},
    }
    # another process numbers its functions anew
    assert run(tmp_path, "own") == {"own first": [0, 1, 0], "own again": [0, 1, 0]}
