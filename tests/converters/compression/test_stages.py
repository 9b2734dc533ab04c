"""One step is kept whole, or not at all."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.converters.compression import small

from edgewright_converters.compression import stages
from edgewright_converters.compression.recipe import read_steps
from edgewright_converters.compression.step import StepResult
from edgewright_runtimes.errors import BadInput

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_a_step_is_kept_with_its_model_and_its_record_alone(tmp_path: Path) -> None:
    context = small.context(tmp_path)
    context.folder.mkdir()
    (context.folder / "fit.checkpoint.npz").write_bytes(b"of no more use")
    (step,) = read_steps([{"kind": "prune", "finetune": {"epochs": 0}}])
    model, record = stages.run_step(small.net(), step, context)
    assert sorted(p.name for p in context.folder.iterdir()) == ["model.keras", "step.json"]
    assert stages.read_stage(context.folder) == record
    kept = stages.load_model(context.folder)
    assert small.same_weights(kept, model)
    assert stages.weights_sha256(kept) == record.model_sha256
    assert record.after.nonzero < record.before.nonzero and record.items == 80


def test_a_model_that_holds_nan_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt = small.net()
    spoilt.get_layer("norm").moving_mean.assign(np.full(24, np.nan, np.float32))
    module = SimpleNamespace(apply=lambda *_: StepResult(model=spoilt))
    monkeypatch.setattr(stages, "step_module", lambda _: module)
    context = small.context(tmp_path)
    (step,) = read_steps([{"kind": "prune"}])
    with pytest.raises(BadInput, match=r"norm/moving_mean holds NaN or infinity after the step"):
        stages.run_step(small.net(), step, context)
    assert stages.read_stage(context.folder) is None
