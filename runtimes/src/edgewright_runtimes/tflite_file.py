"""What a ``.tflite`` file says of itself: its metadata, and the labels packed behind it.

Field numbers are those of TensorFlow Lite's ``schema.fbs``. Nothing here runs a model.

A file that carries our contract begins with a head of our own: the root table, and what was
added, in front of the file as the converter wrote it (offsets in a FlatBuffer are relative, so
that body is unchanged). The head's length and the length of head and body stand behind the file
identifier, where no table lies.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.flatbuffer import Flatbuffer, Table
from edgewright_runtimes.mapped_file import Bytes

IDENTIFIER = b"TFL3"
HEAD_MARK = b"EDGW"
HEAD_START = struct.Struct("<I4s4sII")  # root, identifier, mark, head bytes, head and body bytes
LABELS_FILE = "labels.txt"
MAX_LABELS_BYTES = 1 << 22

# fields of the tables of schema.fbs
MODEL_VERSION, MODEL_OPCODES, MODEL_SUBGRAPHS, MODEL_DESCRIPTION = 0, 1, 2, 3
MODEL_BUFFERS, MODEL_METADATA_BUFFER, MODEL_METADATA, MODEL_SIGNATURES = 4, 5, 6, 7
METADATA_NAME, METADATA_BUFFER = 0, 1
BUFFER_DATA, BUFFER_OFFSET = 0, 1
SUBGRAPH_TENSORS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS = 0, 1, 2
TENSOR_NAME = 3
SIGNATURE_INPUTS, SIGNATURE_OUTPUTS, SIGNATURE_SUBGRAPH = 0, 1, 4
TENSOR_MAP_NAME, TENSOR_MAP_INDEX = 0, 1


@dataclass(frozen=True, slots=True)
class Head:
    """The lengths of our head, and of head and body together, in bytes."""

    size: int
    total: int


def read_head(data: Bytes, *, where: str) -> Head | None:
    """Our head, or None; ``BadInput`` for a file that is no TFLite or that was cut short."""
    if data[4:8] != IDENTIFIER:
        raise BadInput(f"{where}: not a TFLite file (no 'TFL3' at byte 4)")
    if len(data) < HEAD_START.size or data[8:12] != HEAD_MARK:
        return None
    _, _, _, size, total = HEAD_START.unpack_from(data, 0)
    if len(data) < total:
        raise BadInput(f"{where}: truncated: {len(data)} of {total} bytes")
    if not HEAD_START.size <= size <= total - 8 or data[size + 4 : size + 8] != IDENTIFIER:
        raise BadInput(f"{where}: truncated or corrupt (its head of {size} bytes)")
    return Head(size, total)


def read_model(data: Bytes, *, where: str) -> Table:
    """The root table. Raises ``BadInput`` for a file that is no TFLite."""
    read_head(data, where=where)
    return Flatbuffer(data, where=where).root()


def read_metadata(model: Table, name: str, *, limit: int) -> bytes | None:
    """The bytes of the metadata entry ``name``, or None where there is no such entry."""
    for entry in model.tables(MODEL_METADATA):
        if entry.text(METADATA_NAME) == name:
            buffer = model.element(MODEL_BUFFERS, entry.integer(METADATA_BUFFER, "I"))
            return buffer.blob(BUFFER_DATA, limit=limit)
    return None


def edge_names(model: Table, field: int) -> list[list[str]]:
    """For each tensor at one edge of the first subgraph, its names, the signature's first.

    ``field`` is ``SUBGRAPH_INPUTS`` or ``SUBGRAPH_OUTPUTS``.
    """
    subgraph = model.element(MODEL_SUBGRAPHS, 0)
    side = SIGNATURE_INPUTS if field == SUBGRAPH_INPUTS else SIGNATURE_OUTPUTS
    names: dict[int, list[str]] = {i: [] for i in subgraph.numbers(field, "i")}
    for signature in model.tables(MODEL_SIGNATURES):
        if signature.integer(SIGNATURE_SUBGRAPH, "I") == 0:
            for entry in signature.tables(side):
                index = entry.integer(TENSOR_MAP_INDEX, "I")
                if index in names:
                    names[index].append(entry.text(TENSOR_MAP_NAME))
    for index, known in names.items():
        known.append(subgraph.element(SUBGRAPH_TENSORS, index).text(TENSOR_NAME))
    return list(names.values())


def read_labels(path: Path) -> str:
    """The text of ``labels.txt``, stored uncompressed in the zip behind the model."""
    import zipfile  # only a file with labels needs it

    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(LABELS_FILE)
            if info.compress_type != zipfile.ZIP_STORED or info.file_size > MAX_LABELS_BYTES:
                raise BadInput(f"{path}: {LABELS_FILE} is compressed or over {MAX_LABELS_BYTES} B")
            return archive.read(info).decode()
    except KeyError as e:
        raise BadInput(f"{path}: truncated or corrupt (no {LABELS_FILE} behind the model)") from e
    except (
        zipfile.BadZipFile,
        EOFError,
        NotImplementedError,  # a zip feature that Python does not have
        OSError,
        RuntimeError,  # encrypted
        ValueError,
        struct.error,
    ) as e:
        raise BadInput(f"{path}: truncated or corrupt (its labels: {e})") from e
