"""A plan whose check and bench are in a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.browser.conftest import require_browser

from edgewright.bundle import Bundle
from edgewright.verbs.run import run

PLAN = """\
out = "bundle"
[model]
path = "model.keras"
[convert]
variants = ["onnx-float32"]
[check]
data = "test.npz"
target = "browser:chromium"
[bench]
preset = "smoke"
runtimes = ["ort-web-wasm"]
target = "local,browser:chromium"
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_plan_names_where_it_is_checked_and_timed(tmp_path: Path) -> None:
    require_browser("chromium")
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.save(tmp_path / "model.keras")
    rng = np.random.default_rng(1)
    np.savez(tmp_path / "test.npz", x=rng.random((20, 4), np.float32), y=rng.integers(0, 3, 20))
    (tmp_path / "plan.toml").write_text(PLAN)
    told: list[str] = []
    done = run(tmp_path / "plan.toml", tell=told.append)
    assert set(done.steps) == {"convert", "check", "bench"}, told
    bundle = Bundle.open(tmp_path / "bundle")
    assert {e.target for e in bundle.evaluations()} == {"browser:chromium"}
    assert "not on this target" not in "".join(told)
    timed = [line.split()[:2] for line in told if "ort-web-wasm" in line]
    assert ["onnx-float32", "ort-web-wasm"] in timed
