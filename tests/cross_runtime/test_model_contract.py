"""The SDK reads from inside the file what the converters put there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgewright_converters.embed import embed_contract
from edgewright_runtimes import load
from edgewright_runtimes.records import Contract

MODELS = Path(__file__).parents[1] / "models"
EXPECTED = np.load(MODELS / "expected.npz")


@pytest.mark.parametrize("file", ["dense.tflite", "dense.onnx"])
def test_preprocessing_and_labels_come_from_the_file(file: str, tmp_path: Path) -> None:
    path = Path(shutil.copy(MODELS / file, tmp_path))
    with load(path) as model:
        contract = Contract(
            inputs=model.inputs,
            outputs=model.outputs,
            batch=None,
            scheme="float32",
            preprocess={"scale": 0.25, "mean": 1.0},
            labels=("setosa", "versicolor", "virginica"),
        )
    embed_contract(path, contract)
    x, scores = EXPECTED["dense/x"], EXPECTED["dense/scores"]
    with load(path) as model:
        assert model.contract == contract
        assert model.labels == ("setosa", "versicolor", "virginica")
        assert np.allclose(model.predict((x + 1) * 4), scores, atol=1e-5)
        assert np.allclose(model.predict((x[2] + 1) * 4), scores[2], atol=1e-5)
        raw = model.predict_raw({"x": x})["scores"]
        assert np.allclose(raw, scores, atol=1e-5), "predict_raw preprocesses nothing"
