"""What every writer promises alike."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from tests.converters.nets import build
from tests.converters.writing import write

from edgewright_converters.errors import ConversionError
from edgewright_converters.formats import onnx, tflite


@pytest.mark.parametrize("writer", [onnx, tflite], ids=["onnx", "tflite"])
def test_int8_without_data_says_what_to_type(writer: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="--calibrate"):
        write(writer, build("conv"), tmp_path, "int8", calibrate=False)
    assert not list(tmp_path.iterdir())
