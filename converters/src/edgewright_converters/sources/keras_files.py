"""Keras files, ``.keras`` and HDF5: Keras 3 first, then tf_keras, and Keras 2 brought over."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edgewright_converters.errors import UnreadableSource
from edgewright_converters.sources.archive import KerasFile, read_keras_file
from edgewright_converters.sources.frameworks import import_keras, import_tf_keras
from edgewright_converters.sources.keras2_to_3 import settle
from edgewright_converters.sources.keras_models import source_of_keras3, source_of_tf_keras
from edgewright_converters.sources.safety import refuse_code
from edgewright_converters.sources.traced import TracedSource

_UNKNOWN = re.compile(r"(?:Unknown|Could not locate) (\w+):? '([^']+)'")


def open_keras_file(path: Path, *, unsafe: bool) -> TracedSource:
    """Read a Keras 3 or Keras 2 file; a Keras-2 one becomes a Keras 3 source where it can.

    Raises ``UnsafeSource`` before anything is loaded, ``UnreadableSource`` with both loaders'
    reasons where neither reads it.
    """
    file = read_keras_file(path)
    refuse_code(path, file.config, unsafe=unsafe)
    with _named_by_content(file) as readable:
        keras3 = _attempt(lambda: _load_keras3(readable, unsafe=unsafe))
        if isinstance(keras3, TracedSource) and not file.is_keras2:
            return keras3
        keras2 = _attempt(lambda: _load_tf_keras(file, readable, keras3, unsafe=unsafe))
    if isinstance(keras2, TracedSource):
        return keras2
    if isinstance(keras3, TracedSource):
        return keras3
    raise _unreadable(file, keras3, keras2)


def _load_keras3(path: Path, *, unsafe: bool) -> TracedSource:
    model = import_keras().models.load_model(path, compile=False, safe_mode=not unsafe)
    return source_of_keras3(model)


def _load_tf_keras(
    file: KerasFile, path: Path, keras3: TracedSource | Exception, *, unsafe: bool
) -> TracedSource:
    model = import_tf_keras().models.load_model(path, compile=False, safe_mode=not unsafe)
    return settle(file.version, model, source_of_tf_keras(model), keras3)


def _attempt(load: Callable[[], TracedSource]) -> TracedSource | Exception:
    """What a loader gives, or what it says. A loader may raise anything at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return load()
        except Exception as error:
            return error


@contextmanager
def _named_by_content(file: KerasFile) -> Iterator[Path]:
    """Both loaders go by the suffix; early Keras wrote HDF5 into files named ``.keras``."""
    suffix = ".keras" if file.container == "keras" else ".h5"
    if file.path.suffix in (suffix, ".hdf5" if suffix == ".h5" else suffix):
        yield file.path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / f"model{suffix}"
        link.symlink_to(file.path.resolve())
        yield link


def _unreadable(file: KerasFile, keras3: object, keras2: object) -> UnreadableSource:
    decisive = keras2 if file.is_keras2 else keras3
    custom = _UNKNOWN.search(str(decisive))
    if custom:
        what = "the custom function" if custom[1] == "function" else "the custom layer"
        return UnreadableSource(
            f"{file.path} needs {what} {custom[2]!r}, which is not in the file",
            hint="pass a live model through the Python API",
        )
    return UnreadableSource(
        f"no loader reads {file.path} (saved by Keras {file.version or 'of unknown version'});"
        f" Keras 3: {_short(keras3)}; tf_keras: {_short(keras2)}"
    )


def _short(error: object) -> str:
    """The line of a loader's message that says why, without the config it quotes."""
    innermost = str(error).rsplit("Exception encountered:", 1)[-1]
    text = re.split(r"Full (?:object )?config|\s+config=\{", innermost)[0]
    line = " ".join(text.split()).rstrip(". ")
    return f"{line[:157]}..." if len(line) > 160 else line or type(error).__name__
