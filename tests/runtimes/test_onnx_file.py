"""The top level of an ONNX file is walked over its graph, and no further than it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.onnx_file import GRAPH, METADATA_PROPS, model_fields, read_properties

MODELS = Path(__file__).parent / "models"
GRAPH_FIELD = bytes([GRAPH << 3 | 2, 0])


def test_the_properties_of_a_model_of_others() -> None:
    data = (MODELS / "plain" / "model.onnx").read_bytes()
    assert read_properties(data, where="m") == {"author": b"nobody"}
    assert GRAPH in [field.number for field in model_fields(data, where="m")]


def test_the_last_entry_of_a_key_wins() -> None:
    def entry(value: bytes) -> bytes:
        content = b"\x0a\x01k\x12" + bytes([len(value)]) + value
        return bytes([METADATA_PROPS << 3 | 2, len(content)]) + content

    data = entry(b"old") + GRAPH_FIELD + entry(b"new")
    assert read_properties(data, where="m") == {"k": b"new"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x08\x08", "it has no graph"),
        (b"\x3a\x05abc", "truncated or corrupt"),  # a graph of five bytes, of which three came
        (b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "truncated or corrupt"),
        (GRAPH_FIELD + b"\x08" + b"\xff" * 11, "more than ten bytes"),
        (GRAPH_FIELD + b"\x0b", "wire type 3"),
        (GRAPH_FIELD + b"\x02\x00", "field 0"),
        (GRAPH_FIELD + b"\x0d\x00", "truncated or corrupt"),  # two bytes of a 32-bit number
        (GRAPH_FIELD + b"\x08\x01" * 200_000, "fields"),
    ],
)
def test_what_is_no_model_is_said(data: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        model_fields(data, where="m")
