"""A path becomes a source: which loaders to try, and one error when none reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgewright_converters.errors import UnreadableSource

if TYPE_CHECKING:
    from edgewright_converters.sources.source import Source


def open_source(path: Path, *, unsafe: bool = False) -> Source:
    """Read a trained model from a file or folder.

    ``unsafe`` lets a file run the code it carries. Raises ``UnreadableSource``,
    ``UnsafeSource``, ``MissingExtra``.
    """
    path = Path(path)
    if not path.exists():
        raise UnreadableSource(f"no such file or folder: {path}")
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise UnreadableSource(f"{path} is a folder without saved_model.pb: no SavedModel")
        from edgewright_converters.sources.saved_model import open_saved_model

        return open_saved_model(path, unsafe=unsafe)
    from edgewright_converters.sources.keras_files import open_keras_file

    return open_keras_file(path, unsafe=unsafe)
