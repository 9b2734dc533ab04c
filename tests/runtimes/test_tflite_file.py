"""The FlatBuffer reader stays inside the file and inside its budget."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.flatbuffer import Flatbuffer
from edgewright_runtimes.tflite_file import (
    SUBGRAPH_INPUTS,
    SUBGRAPH_OUTPUTS,
    edge_names,
    read_head,
    read_metadata,
    read_model,
)

MODELS = Path(__file__).parent / "models"


def test_names_of_both_edges_come_from_the_signature_and_the_tensors() -> None:
    model = read_model((MODELS / "plain" / "model.tflite").read_bytes(), where="m")
    assert edge_names(model, SUBGRAPH_INPUTS) == [["x", "in:0"]]
    assert edge_names(model, SUBGRAPH_OUTPUTS) == [["y", "out:0"]]


def test_the_body_behind_the_head_is_the_file_as_it_was() -> None:
    plain = (MODELS / "plain" / "model.tflite").read_bytes()
    ours = (MODELS / "contract" / "model.tflite").read_bytes()
    head = read_head(ours, where="m")
    assert read_head(plain, where="m") is None
    assert head and ours[head.size : head.total] == plain
    assert head.size % 16 == 0  # buffers stay aligned


def test_a_body_that_was_cut_short_is_said_with_its_length() -> None:
    ours = (MODELS / "contract" / "model.tflite").read_bytes()
    head = read_head(ours, where="m")
    assert head
    with pytest.raises(BadInput, match=f"truncated: {head.total - 1} of {head.total} bytes"):
        read_model(ours[: head.total - 1], where="m")


def test_a_blob_over_the_limit_is_not_read() -> None:
    model = read_model((MODELS / "contract" / "model.tflite").read_bytes(), where="m")
    with pytest.raises(BadInput, match="at most 10"):
        read_metadata(model, "edgewright", limit=10)
    assert read_metadata(model, "not there", limit=10) is None


def table(field: int, root_to: int) -> bytes:
    """A root table at 16 with one offset field; its vtable of one entry stands at 8."""
    assert field == 0
    head = struct.pack("<I4s", 16, b"TFL3") + struct.pack("<HHHH", 6, 8, 4, 0)
    return head + struct.pack("<iI", 8, root_to)


def test_a_vector_that_leaves_the_file_is_corrupt() -> None:
    file = Flatbuffer(table(0, 4) + struct.pack("<I", 1 << 30), where="m")
    with pytest.raises(BadInput, match="m: truncated or corrupt"):
        file.root().numbers(0, "i")
    with pytest.raises(BadInput, match="m: truncated or corrupt"):
        list(file.root().tables(0))


def test_an_offset_that_leaves_the_file_is_corrupt() -> None:
    file = Flatbuffer(table(0, 0xFFFFFFF0), where="m")
    with pytest.raises(BadInput, match="truncated or corrupt"):
        file.root().table(0)


def test_tables_that_overlap_run_out_of_budget() -> None:
    """One vector, read through itself again and again, would give count * count elements."""
    count = 50_000
    data = table(0, 4) + struct.pack(f"<I{count}I", count, *([0] * count))
    root = Flatbuffer(data, where="m").root()
    with pytest.raises(BadInput, match="its tables overlap"):
        for _ in range(count):
            root.numbers(0, "i")


def test_an_element_that_is_not_there_is_corrupt() -> None:
    model = read_model((MODELS / "plain" / "model.tflite").read_bytes(), where="m")
    with pytest.raises(BadInput, match="element 7 of 1"):
        model.element(2, 7)
