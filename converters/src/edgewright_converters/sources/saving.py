"""A live object to a file, so that the converter process can read it as any other source."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from edgewright_converters.sources.function_identity import function_sha256
from edgewright_converters.sources.identity import source_sha256
from edgewright_converters.sources.live import from_object


def save_live(
    obj: object, folder: Path, *, signature: Sequence[Any] | None = None
) -> tuple[Path, str]:
    """Save a Keras model (``.keras``) or a callable (SavedModel) under ``folder``; path and hash.

    The hash is of configuration or code, and weights, so that the same object is the same source
    whenever it is saved; it names the folder inside ``folder``. A Keras model with layers of its
    own is saved as a SavedModel, for the converter process does not have their code. Raises
    ``BadInput`` for what is neither.
    """
    source = from_object(obj, signature=signature)
    folder.mkdir(parents=True, exist_ok=True)
    model = source.as_keras()
    if model is not None and _only_own_layers(model):
        return _saved(folder, "model.keras", model.save, _keras_sha256(model))
    function = source.as_concrete_function(batch=None)
    save = partial(_save_function, function)
    return _saved(folder, "saved_model", save, function_sha256(function))


def _saved(
    folder: Path, name: str, save: Callable[[Path], object], sha256: str | None
) -> tuple[Path, str]:
    """Save it, unless it is there; it appears whole or not at all. No hash: that of the files."""
    if sha256 is not None and (there := saved_folder(folder, sha256) / name).exists():
        return there, sha256
    work = folder / ".work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    save(work / name)
    found = source_sha256(work / name) if sha256 is None else sha256
    shutil.rmtree(saved_folder(folder, found), ignore_errors=True)
    work.rename(saved_folder(folder, found))
    return saved_folder(folder, found) / name, found


def saved_folder(folder: Path, sha256: str) -> Path:
    """Where ``save_live`` puts the object of this hash."""
    return folder / sha256[:16]


def _only_own_layers(model: Any) -> bool:
    return all(type(layer).__module__.startswith("keras.") for layer in model._flatten_layers())


def _keras_sha256(model: Any) -> str:
    digest = hashlib.sha256(json.dumps(model.get_config(), sort_keys=True, default=str).encode())
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _save_function(function: Any, path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.captured = list(function.graph.variables)  # tracked, or their values are not saved
    tf.saved_model.save(module, str(path), signatures={"serving_default": function})
