"""Keras files: Keras 3 first, then tf_keras."""

from __future__ import annotations

from pathlib import Path

from edgewright_converters.sources.frameworks import import_keras
from edgewright_converters.sources.keras_models import source_of_keras3
from edgewright_converters.sources.traced import TracedSource


def open_keras_file(path: Path, *, unsafe: bool) -> TracedSource:
    keras = import_keras()
    model = keras.models.load_model(path, compile=False, safe_mode=not unsafe)
    return source_of_keras3(model)
