"""TensorFlow.js layers models (``model.json``): Keras 2 in JSON, read with ``tensorflowjs``."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgewright_converters.errors import UnreadableSource
from edgewright_converters.sources.archive import read_json
from edgewright_converters.sources.keras2_to_3 import settle
from edgewright_converters.sources.keras_models import source_of_tf_keras
from edgewright_converters.sources.safety import refuse_code
from edgewright_converters.sources.traced import TracedSource
from edgewright_runtimes.errors import MissingExtra


def open_tfjs_layers(path: Path, *, unsafe: bool) -> TracedSource:
    """Raises ``UnreadableSource``, ``UnsafeSource``, ``MissingExtra``."""
    topology = read_json(path)
    kind = topology.get("format")
    if kind != "layers-model":
        raise UnreadableSource(
            f"{path} is no TensorFlow.js layers model: its format is {kind!r}",
            hint="a graph-model is an artifact; give the model it was made from",
        )
    refuse_code(path, topology, unsafe=unsafe)
    _check_shards(path, topology)
    if find_spec("tensorflowjs") is None:
        old = sys.version_info < (3, 13)
        raise MissingExtra(
            f"{path} is a TensorFlow.js layers model; the package tensorflowjs reads it",
            hint='pip install "edgewright[tfjs]"'
            + ("" if old else " (under Python 3.10 to 3.12; it has no release for this one)"),
        )
    from tensorflowjs.converters import load_keras_model

    try:
        model = load_keras_model(str(path))
    except Exception as error:  # the package raises whatever Keras, numpy or json do
        reason = " ".join(str(error).split())[:160]
        raise UnreadableSource(f"tensorflowjs can't read {path}: {reason}") from error
    source = source_of_tf_keras(model)
    return settle("2 (TensorFlow.js)", model, source, UnreadableSource("not tried"))


def _check_shards(path: Path, topology: dict[str, Any]) -> None:
    """Every shard lies beside the model: the names come from the file, and are opened."""
    for group in topology.get("weightsManifest", []):
        for name in group.get("paths", []):
            shard = (path.parent / str(name)).resolve()
            if not shard.is_relative_to(path.parent.resolve()):
                raise UnreadableSource(f"{path} names the weights {name!r}, outside its folder")
            if not shard.is_file():
                raise UnreadableSource(f"{path} names the weights {name!r}, which are not there")
