"""Put a contract into an artifact, so that the file says of itself what it takes and gives.

The file is written anew under a temporary name and renamed. Weights are copied as bytes in
blocks, so that a model of gigabytes costs no memory. A contract that is there already is
replaced. ``edgewright_runtimes.contract.read_contract`` reads it back.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edgewright_converters.embedding import onnx, tfjs, tflite
from edgewright_runtimes.contract import MAX_BYTES, encode, to_payload
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Contract

_WRITERS = {".tflite": tflite.write, ".onnx": onnx.write, ".json": tfjs.write}


def embed_contract(path: Path, contract: Contract) -> None:
    """Rewrite the ``.tflite``, ``.onnx`` or ``model.json`` at ``path`` with the contract inside.

    Raises ``BadInput`` where the contract is over 2 kB (its biggest parts are named), a label
    holds a line break, or the file is not one that can take a contract.
    """
    if path.suffix.lower() not in _WRITERS:
        raise BadInput(f"{path}: cannot hold a contract; known: .tflite, .onnx, model.json")
    _check_labels(contract.labels)
    _check_size(path, contract)
    with _replacing(path) as out:
        _WRITERS[path.suffix.lower()](path, contract, out)


def _check_labels(labels: tuple[str, ...]) -> None:
    for label in labels:
        if "\n" in label or "\r" in label:
            raise BadInput(f"label {label!r} holds a line break; labels are stored one a line")
    if labels == ("",):
        raise BadInput("the only label is empty; name it, or give no labels")


def _check_size(path: Path, contract: Contract) -> None:
    payload = to_payload(contract)
    size = len(encode(payload))
    if size <= MAX_BYTES:
        return
    parts = sorted(((len(encode({k: v})), k) for k, v in payload.items()), reverse=True)[:3]
    biggest = ", ".join(f"{name} {length}" for length, name in parts)
    raise BadInput(
        f"{path}: a contract of {size} bytes, at most {MAX_BYTES} fit (biggest: {biggest})",
        hint="shorten the names of tensors, or leave entries of the biggest part out",
    )


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the old one's place when, and only when, it is complete."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as out:
            yield out
        shutil.copymode(path, name)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
