"""Models that others trained, in the schemes whose accuracy is promised."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # TensorFlow's, tf2onnx' and ORT's own
]
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "real_models.py"
PROMISED = "tflite-float32,tflite-float16,tflite-int8,onnx-float32,onnx-float16,onnx-int8"


@pytest.fixture(scope="module")
def real_models() -> ModuleType:
    spec = importlib.util.spec_from_file_location("real_models", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["real_models"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("model", ["resnet8", "ds-cnn", "vww", "keypoint", "point-history"])
def test_labels_accuracy_and_size(
    model: str, real: Callable[[str], Path], real_models: ModuleType
) -> None:
    real(real_models.MODELS[model][0])
    variants = real_models.variants(PROMISED)
    rows = {row.variant: row for row in real_models.study(model, variants)}
    source = rows["tflite-float32"].accuracy
    for name, row in rows.items():
        if name.endswith("float32"):
            assert row.different == 0, row
        elif name.endswith("float16"):
            assert row.agreement >= 99.7, row
        elif model == "vww":
            assert row.different <= 2, row
        else:
            assert row.accuracy >= source - 0.5, row
        if name == "tflite-int8" and row.reference_bytes:
            assert row.size_bytes <= 1.03 * row.reference_bytes, row
