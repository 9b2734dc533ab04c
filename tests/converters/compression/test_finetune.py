"""The step ``finetune``: another model comes out, better, and the given one is as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.converters.compression.small import context, items, net

from edgewright_converters.compression.finetune import Finetune, apply, from_label
from edgewright_converters.compression.recipe import parse_name, read_steps
from edgewright_converters.compression.stages import run_step
from edgewright_runtimes.errors import BadInput

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_the_settings_are_the_tables_own() -> None:
    (step,) = read_steps([{"kind": "finetune", "epochs": 2, "optimizer": "sgd"}])
    assert step.params == {"epochs": 2, "optimizer": "sgd"}
    with pytest.raises(BadInput, match=r"finetune: no field 'epoch'; .* did you mean 'epochs'"):
        read_steps([{"kind": "finetune", "epoch": 2}])
    with pytest.raises(BadInput, match=r"finetune.teacher is 'nobody'; one of 'auto', 'labels'"):
        read_steps([{"kind": "finetune", "teacher": "nobody"}])


def test_it_scores_better_and_leaves_the_given_model(tmp_path: Path) -> None:
    (step,) = read_steps(
        [{"kind": "finetune", "epochs": 4, "batch_size": 24, "learning_rate": 0.01}]
    )
    model = net()
    before = [w.copy() for w in model.get_weights()]
    _, record = run_step(model, step, context(tmp_path))
    rows: Any = record.details["epochs"]
    assert len(rows) == 4
    assert record.scores["accuracy"] == pytest.approx(
        rows[record.details["best_epoch"] - 1]["val_accuracy"]
    )
    assert record.scores["accuracy"] > 0.5
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_step_may_learn_from_what_came_before_it(tmp_path: Path) -> None:
    """Of two steps the second one's teacher is what the first gave, and no label is read."""
    tables = [{"kind": "finetune", "epochs": 0}, {"kind": "finetune", "teacher": "before"}]
    first, second = net(), net(seed=7)
    common = {"epochs": 12, "batch_size": 24, "learning_rate": 0.01}
    steps = read_steps([table | common for table in tables])
    taught, _ = run_step(first, steps[0], context(tmp_path / "1"))
    given = replace(context(tmp_path / "2", original=second), train=items(labels=False))
    kept, record = run_step(taught, steps[1], replace(given, held_back=None, scored=None))
    x = items(300, seed=11).inputs["x"]
    agreed = taught.predict(x, verbose=0).argmax(1) == kept.predict(x, verbose=0).argmax(1)
    assert agreed.mean() > 0.9
    assert "accuracy" not in record.details["epochs"][0]


def test_it_wants_data(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="training needs data, and there is none; give --data"):
        apply(net(), Finetune(), context(tmp_path, train=None))


def test_its_label() -> None:
    assert from_label("finetune") == Finetune()
    assert from_label("qat") is None
    assert parse_name("finetune_int8")[0].kind == "finetune"
