"""The top level of an ``.onnx`` file, read without its tensors.

An ONNX model is one protobuf message; its graph, weights and all, is a single field that is
stepped over by its length. Only ``metadata_props`` (field 14 of ``ModelProto`` in onnx.proto,
entries of key and value) is looked into.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.mapped_file import Bytes

IR_VERSION, GRAPH, METADATA_PROPS = 1, 7, 14
KEY, VALUE = 1, 2
_MAX_FIELDS = 100_000  # at the top level: a handful, and one for each function and property
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message. ``start`` and ``end`` bound its content, ``begin`` its tag."""

    number: int
    wire: int
    begin: int
    start: int
    end: int


def read_properties(data: Bytes, *, where: str) -> dict[str, bytes]:
    """``metadata_props`` by key, in the file's order; a key's last entry wins.

    Raises ``BadInput`` where the file is cut short or is no ONNX model.
    """
    properties: dict[str, bytes] = {}
    for field in model_fields(data, where=where):
        if field.number == METADATA_PROPS and field.wire == _LENGTH:
            key, value = read_property(data, field, where=where)
            properties[key] = value
    return properties


def model_fields(data: Bytes, *, where: str) -> list[Field]:
    """The fields of the model; ``BadInput`` for what is no ONNX model."""
    fields = list(_fields(data, 0, len(data), where))
    if not any(f.number == GRAPH and f.wire == _LENGTH for f in fields):
        raise BadInput(f"{where}: not an ONNX model (it has no graph)")
    return fields


def read_property(data: Bytes, entry: Field, *, where: str) -> tuple[str, bytes]:
    key, value = b"", b""
    for field in _fields(data, entry.start, entry.end, where):
        if field.wire == _LENGTH and field.number == KEY:
            key = data[field.start : field.end]
        elif field.wire == _LENGTH and field.number == VALUE:
            value = data[field.start : field.end]
    return key.decode("utf-8", "replace"), value


def _fields(data: Bytes, position: int, end: int, where: str) -> Iterator[Field]:
    for _ in range(_MAX_FIELDS):
        if position == end:
            return
        tag, start = _varint(data, position, end, where)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            _, stop = _varint(data, start, end, where)
        elif wire == _LENGTH:
            length, start = _varint(data, start, end, where)
            stop = start + length
        elif wire in (_FIXED32, _FIXED64):
            stop = start + (4 if wire == _FIXED32 else 8)
        else:
            raise BadInput(f"{where}: not an ONNX model (wire type {wire} at byte {position})")
        if number == 0 or stop > end:
            raise BadInput(f"{where}: truncated or corrupt (field {number} at byte {position})")
        yield Field(number, wire, position, start, stop)
        position = stop
    raise BadInput(f"{where}: corrupt (more than {_MAX_FIELDS} fields)")


def _varint(data: Bytes, position: int, end: int, where: str) -> tuple[int, int]:
    """A number of up to ten bytes of seven bits, low bits first, and what follows it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            raise BadInput(f"{where}: truncated or corrupt (it ends at byte {end})")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise BadInput(f"{where}: corrupt (a number of more than ten bytes at byte {position})")
