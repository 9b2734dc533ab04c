"""A live object to a file, so that the converter process can read it as any other source."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgewright_converters.sources.identity import source_sha256
from edgewright_converters.sources.live import from_object


def save_live(
    obj: object, folder: Path, *, signature: Sequence[Any] | None = None
) -> tuple[Path, str]:
    """Save a Keras model (``.keras``) or a callable (SavedModel) in ``folder``; path and hash.

    A Keras model's hash is of its configuration and weights, so that the same model is the same
    source whenever it is saved. One with layers of its own is saved as a SavedModel, for the
    converter process does not have their code. Raises ``BadInput`` for what is neither.
    """
    source = from_object(obj, signature=signature)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model = source.as_keras()
    if model is not None and _only_own_layers(model):
        path = folder / "model.keras"
        model.save(path)
        return path, _keras_sha256(model)
    path = folder / "saved_model"
    _save_function(source, path)
    return path, source_sha256(path)


def _only_own_layers(model: Any) -> bool:
    return all(type(layer).__module__.startswith("keras.") for layer in model._flatten_layers())


def _keras_sha256(model: Any) -> str:
    digest = hashlib.sha256(json.dumps(model.get_config(), sort_keys=True, default=str).encode())
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _save_function(source: Any, path: Path) -> None:
    import tensorflow as tf

    function = source.as_concrete_function(batch=None)
    module = tf.Module()
    module.captured = list(function.graph.variables)  # tracked, or their values are not saved
    tf.saved_model.save(module, str(path), signatures={"serving_default": function})
