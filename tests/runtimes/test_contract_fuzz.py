"""Whatever bytes come, the reader gives a contract, None, or ``BadInput``."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgewright_runtimes.contract import read_contract
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Contract

MODELS = Path(__file__).parent / "models"
NAMES = ("model.tflite", "model.onnx", "model.json")
KEPT = {name: (MODELS / "contract" / name).read_bytes() for name in NAMES}
REUSED_FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example writes its file
    deadline=None,  # the machine may be busy
    max_examples=100,
)


def read(folder: Path, name: str, data: bytes) -> Contract | None:
    """What the reader gives, ``BadInput`` as None; any other exception fails the test."""
    file = folder / name
    file.write_bytes(data)
    try:
        found = read_contract(file)
    except BadInput as e:
        assert "\n" not in str(e)
        return None
    assert found is None or isinstance(found, Contract)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_truncation_is_noticed(name: str, tmp_path: Path) -> None:
    data = KEPT[name]
    assert read(tmp_path, name, data) is not None
    for length in range(len(data) - 1):
        assert read(tmp_path, name, data[:length]) is None, length


@pytest.mark.parametrize("name", NAMES)
def test_one_flipped_bit_of_every_byte(name: str, tmp_path: Path) -> None:
    flips = random.Random(1)
    for place in range(len(KEPT[name])):
        data = bytearray(KEPT[name])
        data[place] ^= 1 << flips.randrange(8)
        read(tmp_path, name, bytes(data))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_many_wounds(name: str, tmp_path: Path) -> None:
    choose = random.Random(2)
    for _ in range(10_000):
        data = bytearray(KEPT[name])
        for _ in range(choose.randrange(1, 12)):
            place = choose.randrange(len(data))
            kind = choose.randrange(4)
            if kind == 0:
                data[place] = choose.choice((0, 1, 0x7F, 0x80, 0xFF))
            elif kind == 1:
                data[place : place + 4] = choose.randbytes(4)
            elif kind == 2:
                del data[place : place + choose.randrange(1, 64)]
            else:
                start = choose.randrange(len(data))
                data[place:place] = data[start : start + choose.randrange(64)]
        read(tmp_path, name, bytes(data))


@pytest.mark.parametrize(
    ("name", "start"),
    [("model.tflite", b"\x08\0\0\0TFL3"), ("model.onnx", b"\x08\x08"), ("model.json", b'{"')],
)
@REUSED_FOLDER
@given(data=st.binary(max_size=400))
def test_random_bytes(name: str, start: bytes, tmp_path: Path, data: bytes) -> None:
    read(tmp_path, name, start + data)


@pytest.mark.parametrize("name", NAMES)
@REUSED_FOLDER
@given(place=st.floats(0, 1), patch=st.binary(min_size=1, max_size=16))
def test_patched_anywhere(name: str, tmp_path: Path, place: float, patch: bytes) -> None:
    data = bytearray(KEPT[name])
    start = int(place * len(data))
    data[start : start + len(patch)] = patch
    read(tmp_path, name, bytes(data))
