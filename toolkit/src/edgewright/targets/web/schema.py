"""What a row may be: its fields, their types, and how long and how many. Nothing else passes.

A page is a stranger: it may send anything. What is in a row that passed can be shown on a
terminal and written into a record.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.protocol import PROTOCOL
from edgewright_runtimes.records import Plain, Stage

MAX_WORDS = 500  # characters of an error that are kept

Count = Annotated[int, Meta(ge=0, le=2**53)]
Name = Annotated[str, Meta(max_length=200)]
Words = Annotated[str, Meta(max_length=20_000)]
Text = Annotated[str, Meta(max_length=1_000)]
Value = Text | int | float | bool | None
Values = Annotated[dict[Name, Value], Meta(max_length=200)]
Deeper = Value | list[Value] | Values


class Row(Struct, tag_field="row", kw_only=True):
    seq: Count


class Spec(Struct, kw_only=True):
    name: Name
    dtype: Name
    shape: Annotated[list[Count | None], Meta(max_length=16)]


Specs = Annotated[list[Spec], Meta(max_length=1_000)]


class Loaded(Row, tag="loaded"):
    load_ns: Count
    in_force: Annotated[dict[Name, Text], Meta(max_length=100)]
    inputs: Specs
    outputs: Specs


class First(Row, tag="first"):
    ns: Count


class Environment(Row, tag="environment"):
    when: Literal["before", "during", "after"]
    values: Values


class Samples(Row, tag="samples"):
    file: Words
    warmup_samples: Count
    calls_per_sample: Annotated[int, Meta(ge=1, le=2**31)]
    partial: bool


class Outputs(Row, tag="outputs"):
    file: Words


class Progress(Row, tag="progress"):
    done: Annotated[float, Meta(ge=0)]
    of: Annotated[float, Meta(gt=0)] = 1


class Probe(Row, tag="probe"):
    values: Annotated[dict[Name, Deeper], Meta(max_length=200)]


class Ready(Row, tag="ready"):
    label: Annotated[str, Meta(max_length=40)] = ""


class Failed(Row, tag="failure"):
    stage: Stage
    error: Words
    hint: Words = ""


class Done(Row, tag="done"):
    pass


AnyRow = (
    Loaded | First | Environment | Samples | Outputs | Progress | Probe | Ready | Failed
    | Done
)  # fmt: skip
_ROWS = msgspec.json.Decoder(AnyRow)


class _Head(Struct):
    protocol: int


_HEAD = msgspec.json.Decoder(_Head)


class BadRow(EdgewrightError):
    """A line that is not a row of the protocol."""


class OtherProtocol(EdgewrightError):
    """A line of another version of the protocol: the page is not this server's."""

    def __init__(self, protocol: int) -> None:
        super().__init__(f"protocol {protocol} there, {PROTOCOL} here", hint="reload the page")
        self.protocol = protocol


def read_row(line: bytes) -> AnyRow:
    """Raises ``OtherProtocol`` or ``BadRow``."""
    try:
        protocol = _HEAD.decode(line).protocol
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise BadRow(f"not a line of the protocol: {_shown(e)}") from None
    if protocol != PROTOCOL:
        raise OtherProtocol(protocol)
    try:
        row: AnyRow = _ROWS.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise BadRow(f"not a row of the protocol: {_shown(e)}") from None
    return row


def as_dict(row: AnyRow) -> dict[str, Any]:
    """The row as the protocol's readers take it, every text fit to be shown."""
    plain: dict[str, Any] = _clean(msgspec.to_builtins(row))
    plain.pop("seq")
    return {"protocol": PROTOCOL, **plain}


def kind(row: AnyRow) -> str:
    return str(row.__struct_config__.tag)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None  # a number too large for a float; records are strict JSON
    if isinstance(value, list):
        return [_clean(v) for v in value]
    if isinstance(value, Mapping):
        return {shown(str(k)): _clean(v) for k, v in value.items()}
    plain: Plain = value
    return plain


def shown(text: str) -> str:
    """One line of at most 500 characters, without anything that would act on a terminal."""
    line = "".join(c if c.isprintable() else " " for c in text)
    words = " ".join(line.split())
    return words if len(words) <= MAX_WORDS else words[: MAX_WORDS - 3] + "..."


def _shown(e: Exception) -> str:
    return shown(str(e))
