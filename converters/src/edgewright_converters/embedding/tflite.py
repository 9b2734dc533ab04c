"""TFLite: a new head in front of the file as it is, and the labels as a zip behind it.

Offsets in a FlatBuffer are relative and point forward, so that a file may be moved as a whole.
The head holds a new root table: its own vectors of buffers and metadata, and for all else
(operators, subgraphs, signatures) offsets into the old file, which follows unchanged. It is
16-byte aligned, as the schema's ``force_align`` of buffers wants it, so that weights stay so.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flatbuffers import Builder

from edgewright_converters.embedding.copying import copy_span
from edgewright_converters.embedding.tflite_metadata import build_metadata
from edgewright_runtimes.contract import KEY, encode, labels_text, to_payload
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.flatbuffer import Flatbuffer, Table
from edgewright_runtimes.mapped_file import Bytes, mapped
from edgewright_runtimes.records import Contract
from edgewright_runtimes.tflite_file import (
    BUFFER_OFFSET,
    HEAD_MARK,
    HEAD_START,
    IDENTIFIER,
    LABELS_FILE,
    METADATA_BUFFER,
    METADATA_NAME,
    MODEL_BUFFERS,
    MODEL_DESCRIPTION,
    MODEL_METADATA,
    MODEL_METADATA_BUFFER,
    MODEL_OPCODES,
    MODEL_SIGNATURES,
    MODEL_SUBGRAPHS,
    MODEL_VERSION,
    read_head,
)

STANDARD = "TFLITE_METADATA"
_ALIGNMENT = 16
_MAX_BYTES = (1 << 31) - 1  # a FlatBuffer is below 2 GB
_MODEL_FIELDS = 8


@dataclass(frozen=True, slots=True)
class _Body:
    """The file as the converter wrote it: where it lies, and the tables that the head names."""

    start: int
    end: int
    version: int
    tables: dict[int, int]  # field of Model -> position in the body
    buffers: Sequence[int]
    metadata: Sequence[int]


def write(path: Path, contract: Contract, out: BinaryIO) -> None:
    """Write the model at ``path`` to ``out`` with head, body and labels."""
    with mapped(path) as data:
        body, standard = _read_body(data, contract, str(path))
    out.write(_build_head(body, {KEY: encode(to_payload(contract)), STANDARD: standard}))
    with path.open("rb") as source:
        copy_span(source, body.start, body.end, out)
    if contract.labels:
        # other readers of TFLite metadata want it uncompressed
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo(LABELS_FILE), labels_text(contract.labels))


def _read_body(data: Bytes, contract: Contract, where: str) -> tuple[_Body, bytes]:
    head = read_head(data, where=where)
    start, end = (head.size, head.total) if head else (0, len(data))
    if end - start > _MAX_BYTES - (1 << 20):
        raise BadInput(f"{where}: {end - start} bytes; a TFLite file with a contract is under 2 GB")
    file = Flatbuffer(data, where=where)
    model = Table(file, file.follow(start))
    for buffer in model.tables(MODEL_BUFFERS):
        if buffer.integer(BUFFER_OFFSET, "Q") > 1:
            raise BadInput(f"{where}: its weights lie outside the FlatBuffer; not supported")
    others = (MODEL_OPCODES, MODEL_SUBGRAPHS, MODEL_DESCRIPTION)
    tables = {
        field: model.target(field) - start
        for field in (*others, MODEL_METADATA_BUFFER, MODEL_SIGNATURES)
        if model.target(field)
    }
    kept = [e for e in model.tables(MODEL_METADATA) if e.text(METADATA_NAME) not in (KEY, STANDARD)]
    body = _Body(
        start,
        end,
        model.integer(MODEL_VERSION, "I"),
        tables,
        [b.position - start for b in model.tables(MODEL_BUFFERS)],
        [e.position - start for e in kept],
    )
    return body, build_metadata(model, contract)


def _build_head(body: _Body, entries: dict[str, bytes]) -> bytes:
    """A builder writes from its end, where the body begins, towards the front."""
    b = Builder(4096)
    b.Prep(_ALIGNMENT, 0)
    blobs = [_build_buffer(b, content) for content in entries.values()]
    names = [_build_entry(b, name, len(body.buffers) + index) for index, name in enumerate(entries)]
    buffers = _build_vector(b, blobs, body.buffers)
    metadata = _build_vector(b, names, body.metadata)
    b.StartObject(_MODEL_FIELDS)
    b.PrependUint32Slot(MODEL_VERSION, body.version, 0)
    for field, position in body.tables.items():
        _prepend_into_body(b, position)
        b.Slot(field)
    b.PrependUOffsetTRelativeSlot(MODEL_BUFFERS, buffers, 0)
    b.PrependUOffsetTRelativeSlot(MODEL_METADATA, metadata, 0)
    model = b.EndObject()
    b.Prep(_ALIGNMENT, HEAD_START.size)
    size = b.Offset() + HEAD_START.size
    start = HEAD_START.pack(size - model, IDENTIFIER, HEAD_MARK, size, size + body.end - body.start)
    return start + bytes(b.Bytes[b.Head() :])


def _build_buffer(b: Builder, content: bytes) -> int:
    b.StartVector(1, len(content), _ALIGNMENT)
    b.head = b.head - len(content)
    b.Bytes[b.Head() : b.Head() + len(content)] = content
    data = b.EndVector()
    b.StartObject(1)
    b.PrependUOffsetTRelativeSlot(0, data, 0)
    return int(b.EndObject())


def _build_entry(b: Builder, name: str, buffer: int) -> int:
    text = b.CreateString(name)
    b.StartObject(2)
    b.PrependUOffsetTRelativeSlot(METADATA_NAME, text, 0)
    b.PrependUint32Slot(METADATA_BUFFER, buffer, 0)
    return int(b.EndObject())


def _build_vector(b: Builder, new: Sequence[int], old: Sequence[int]) -> int:
    """A vector of tables: those of the body first, so that their indices stay."""
    b.StartVector(4, len(new) + len(old), 4)
    for offset in reversed(new):
        b.PrependUOffsetTRelative(offset)
    for position in reversed(old):
        _prepend_into_body(b, position)
    return int(b.EndVector())


def _prepend_into_body(b: Builder, position: int) -> None:
    """An offset to what lies behind the builder's end."""
    b.Prep(4, 0)
    b.PrependUint32(position + b.Offset() + 4)
