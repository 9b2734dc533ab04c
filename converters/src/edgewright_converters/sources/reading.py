"""A path becomes a source: by what lies there, not by what it is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_converters.errors import UnreadableSource

if TYPE_CHECKING:
    from edgewright_converters.sources.source import Source


def open_source(path: Path, *, unsafe: bool = False, signature: str = "") -> Source:
    """Read a trained model: a Keras file, a SavedModel folder, a TensorFlow.js layers model.

    ``unsafe`` lets a file run the code it carries. ``signature`` chooses among those of a
    SavedModel; empty takes ``serving_default``, or the only one. Raises ``UnreadableSource``,
    ``UnsafeSource``, or ``MissingExtra`` for a TensorFlow.js model without its package.
    """
    path = Path(path)
    if not path.exists():
        raise UnreadableSource(f"no such file or folder: {path}")
    if path.is_dir():
        return _open_folder(path, unsafe=unsafe, signature=signature)
    if path.name == "saved_model.pb":
        return _open_folder(path.parent, unsafe=unsafe, signature=signature)
    if path.suffix == ".json":
        from edgewright_converters.sources.tfjs_layers import open_tfjs_layers

        return open_tfjs_layers(path, unsafe=unsafe)
    from edgewright_converters.sources.keras_files import open_keras_file

    return open_keras_file(path, unsafe=unsafe)


def _open_folder(path: Path, *, unsafe: bool, signature: str) -> Source:
    if (path / "saved_model.pb").is_file():
        from edgewright_converters.sources.saved_model import open_saved_model

        return open_saved_model(path, unsafe=unsafe, signature=signature)
    if (path / "model.json").is_file():
        from edgewright_converters.sources.tfjs_layers import open_tfjs_layers

        return open_tfjs_layers(path / "model.json", unsafe=unsafe)
    raise UnreadableSource(
        f"{path} is a folder without saved_model.pb or model.json",
        hint="give a SavedModel folder, or the .keras or .h5 file itself",
    )
