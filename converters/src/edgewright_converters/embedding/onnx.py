"""ONNX: two entries of ``metadata_props``, appended behind the model.

A repeated field of a protobuf message may stand anywhere in it, so that new entries go at the
end, and the graph with its weights is copied unread.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from edgewright_converters.embedding.copying import copy_span
from edgewright_runtimes.contract import KEY, LABELS_KEY, encode, labels_text, to_payload
from edgewright_runtimes.mapped_file import mapped
from edgewright_runtimes.onnx_file import METADATA_PROPS, model_fields, read_property
from edgewright_runtimes.records import Contract


def write(path: Path, contract: Contract, out: BinaryIO) -> None:
    """Write the model at ``path`` to ``out`` with the contract in place of any old one."""
    ours = {KEY: encode(to_payload(contract))}
    if contract.labels:
        ours[LABELS_KEY] = labels_text(contract.labels).encode()
    with path.open("rb") as source:
        for start, end in _kept(path):
            copy_span(source, start, end, out)
    for key, value in ours.items():
        entry = _chunk(1, key.encode()) + _chunk(2, value)
        out.write(_chunk(METADATA_PROPS, entry))


def _kept(path: Path) -> list[tuple[int, int]]:
    """The spans of the file that are not entries of ours."""
    spans = []
    with mapped(path) as data:
        for field in model_fields(data, where=str(path)):
            if field.number == METADATA_PROPS:
                key, _ = read_property(data, field, where=str(path))
                if key in (KEY, LABELS_KEY):
                    continue
            spans.append((field.begin, field.end))
    return spans


def _chunk(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
