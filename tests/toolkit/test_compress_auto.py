"""The search for an artifact that passes: what it tries, leaves out, and never takes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.toolkit.report_bundle import attempt

from edgewright.bundle import Bundle
from edgewright.compression.auto import LADDER, AutoResult, Goal, Rung, Search, read_tries
from edgewright.verbs.compress import Settings, compress_auto
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Artifact, Try

RUNGS = {rung.recipe: rung for rung in LADDER}
SPOILT = """
import sys, keras, numpy as np
from sklearn.datasets import load_digits
digits = load_digits()
x, y = (digits.images / 16).astype(np.float32)[..., None], digits.target.astype(np.int64)
order = np.random.default_rng(0).permutation(len(x))
x, y = x[order], y[order]
np.savez(sys.argv[1] + "/train.npz", x=x[:1000], y=y[:1000])
np.savez(sys.argv[1] + "/test.npz", x=x[1000:], y=y[1000:])
keras.utils.set_random_seed(0)
L = keras.layers
net = keras.Sequential([
    keras.Input((8, 8, 1), name="image"),
    L.Conv2D(12, 3, activation="relu", name="first"),
    L.Conv2D(16, 3, activation="relu", name="second"),
    L.Flatten(),
    L.Dense(10, activation="softmax", name="digit"),
])
net.compile("adam", "sparse_categorical_crossentropy")
net.fit(x[:1000], y[:1000], epochs=12, batch_size=32, verbose=0)
scale = np.exp(np.random.default_rng(1).uniform(-6, 6, 12)).astype(np.float32)
kernel, bias = net.get_layer("first").get_weights()
net.get_layer("first").set_weights([kernel * scale, bias * scale])
kernel, bias = net.get_layer("second").get_weights()
net.get_layer("second").set_weights([kernel / scale[:, None], bias])
net.save(sys.argv[1] + "/spoilt.keras")
"""


def search(split: object) -> Search:
    """Only its judgement is asked here: it touches no bundle and no data."""
    return Search(
        bundle=Bundle(Path()),
        options=None,  # type: ignore[arg-type]
        split=split,  # type: ignore[arg-type]
        goal=Goal(gates=("accuracy:1",), data="x"),
        hear=lambda _: None,
        tell_try=lambda _: None,
    )


def reason(rung: Rung, *before: Try, data: bool = True) -> str:
    return search(object() if data else None)._not_worth_it(rung, list(before))


def test_the_cheap_comes_before_what_trains() -> None:
    trains = [rung.trains for rung in LADDER if rung.recipe != "float16"]
    assert trains == sorted(trains) and LADDER[0].recipe == "int8"


def test_training_is_left_out_where_it_can_t_help() -> None:
    wrong = attempt("int8", "rejected", change=-0.5)
    slow = attempt("int8", "rejected", change=0.0, speedup=1.5)
    unsure = attempt("int8", "undecided", change=0.0)
    assert reason(RUNGS["qat_int8"], wrong) == ""
    assert "no data to learn from" in reason(RUNGS["qat_int8"], wrong, data=False)
    assert "what lacks is speed" in reason(RUNGS["qat_int8"], slow)
    assert "more items" in reason(RUNGS["qat_int8"], unsure)
    assert reason(RUNGS["channels50_qat_int8"], slow) == ""
    assert "the accuracy is what lacks" in reason(RUNGS["channels50_qat_int8"], wrong)


def test_the_exit_code_is_that_of_the_format_that_is_left(tmp_path: Path) -> None:
    def ends(*tries: Try, taken: tuple[Artifact, ...] = ()) -> int:
        result = AutoResult(bundle=tmp_path, tries=tries, taken=taken, formats=("tflite",))
        return result.exit_code

    assert ends(attempt("int8", "rejected")) == 4
    assert ends(attempt("int8", "rejected"), attempt("dynamic", "undecided")) == 5


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits, and a net whose channels differ so much that int8 reads next to nothing."""
    folder = tmp_path_factory.mktemp("spoilt")
    subprocess.run([sys.executable, "-c", SPOILT, str(folder)], check=True, capture_output=True)
    return folder


@pytest.mark.slow
def test_a_collapse_is_rescued_and_never_taken(spoilt: Path, tmp_path: Path) -> None:
    told: list[Try] = []
    result = compress_auto(
        spoilt / "spoilt.keras",
        out=tmp_path / "b",
        gates=("accuracy:2",),
        settings=Settings(
            data=str(spoilt / "train.npz"), check=str(spoilt / "test.npz"), formats=("tflite",)
        ),
        tell_try=told.append,
    )
    first, *_, last = result.tries
    assert first.recipe == "int8" and first.outcome in ("failed", "rejected") and first.reason
    assert last.outcome == "taken" and last.recipe == "equalize_int8"
    assert [a.name for a in result.taken] == ["tflite-equalize_int8"] and result.exit_code == 0
    assert tuple(told) == result.tries == read_tries(Bundle.open(tmp_path / "b"))


@pytest.mark.slow
def test_a_speed_that_can_t_be_had_is_refused(spoilt: Path, tmp_path: Path) -> None:
    result = compress_auto(
        spoilt / "spoilt.keras",
        out=tmp_path / "b",
        gates=("accuracy:2",),
        min_speedup=1000,
        bench_seconds=0.8,
        settings=Settings(check=str(spoilt / "test.npz"), formats=("tflite",)),
    )
    outcomes = {t.recipe: t.outcome for t in result.tries}
    assert outcomes["int8"] == "failed"  # nothing to calibrate with
    assert "taken" not in outcomes.values() and result.exit_code == 4
    timed = [t for t in result.tries if t.speedup is not None]
    # where the machine is busy the interval may be blank, which is no speed-up either
    said = ("1000 x was asked for", "no speed-up is sure")
    assert timed and all(any(words in t.reason for words in said) for t in timed)


def test_a_search_wants_something_to_decide_on(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing was given to decide on"):
        compress_auto(tiny / "model.keras", out=tmp_path / "b", gates=("accuracy:1",))
    with pytest.raises(BadInput, match="min-speedup is -1"):
        compress_auto(
            tiny / "model.keras",
            out=tmp_path / "b",
            gates=("accuracy:1",),
            min_speedup=-1,
            settings=replace(Settings(), check="x.npz"),
        )
