"""TensorFlow, Keras 3 and tf_keras, imported the way every source needs them."""

from __future__ import annotations

import os
import sys
from typing import Any

from edgewright_runtimes.errors import UsageError


def import_tensorflow() -> Any:
    if "keras" not in sys.modules:  # TensorFlow imports it, and then it is too late
        os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow

    return tensorflow


def import_keras() -> Any:
    """Keras 3 on TensorFlow, whatever ``KERAS_BACKEND`` or ``~/.keras/keras.json`` say.

    Raises ``UsageError`` where this process already runs Keras on another backend.
    """
    import_tensorflow()
    import keras

    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise UsageError(
            f"Keras runs on the backend {backend!r} in this process; only 'tensorflow' can be"
            " converted",
            hint="set KERAS_BACKEND=tensorflow before keras is imported",
        )
    return keras


def import_tf_keras() -> Any:
    import_tensorflow()
    import tf_keras

    return tf_keras
