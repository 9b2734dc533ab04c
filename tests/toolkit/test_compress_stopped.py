"""Compressions that are killed, interrupted or out of disk keep what is done; the next goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.toolkit import processes
from tests.toolkit.test_faults import on_a_small_disk

from edgewright.bundle import Bundle
from edgewright.compression.store import compressed_models

if TYPE_CHECKING:
    from conftest import Command

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are read from /proc"),
]

LONG = """
[[steps]]
kind = "prune"
[steps.finetune]
epochs = {epochs}
keep_best = false
"""


def words_for(tiny: Path, out: Path, recipe: Path) -> list[str | Path]:
    words: list[str | Path] = ["compress", tiny / "model.keras", "--recipe", recipe, "--out", out]
    return [*words, "--data", tiny / "train.npz", "--formats", "tflite"]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "long.toml"
    path.write_text(LONG.format(epochs=120))
    return path


def epochs_of(out: Path) -> list[float]:
    (compressed,) = compressed_models(Bundle.open(out))
    return [row["epoch"] for row in compressed.records[0].details["epochs"]]


def test_kill_9_in_the_training_and_the_same_weights(
    command: Command, tiny: Path, tmp_path: Path, recipe: Path
) -> None:
    out = tmp_path / "größe 1 é"
    words = words_for(tiny, out, recipe)
    run = processes.Started(words, tmp_path / "log")
    assert run.until(lambda: any(out.glob("compressed/*/fit.checkpoint.npz")))
    run.kill()
    assert run.orphans() == []
    assert not any(out.glob("compressed/*/step.json")), "it was killed in the middle"
    assert not Bundle.open(out).failures()
    ran = command(*words)
    assert ran.code == 0, ran.err
    whole = command(*words_for(tiny, tmp_path / "whole", recipe))
    assert whole.code == 0, whole.err
    (resumed,), (uninterrupted,) = (
        compressed_models(Bundle.open(folder)) for folder in (out, tmp_path / "whole")
    )
    assert resumed.records[0].model_sha256 == uninterrupted.records[0].model_sha256
    assert epochs_of(out) == [float(n) for n in range(1, 121)]
    assert not list(out.glob("compressed/**/.*")), "nothing is left half-written"


def test_ctrl_c_keeps_the_best_and_the_next_run_goes_on(
    command: Command, tiny: Path, tmp_path: Path, recipe: Path
) -> None:
    out = tmp_path / "o"
    words = words_for(tiny, out, recipe)
    run = processes.Started(words, tmp_path / "log")
    assert run.until(lambda: any(out.glob("compressed/*/fit.checkpoint.npz")))
    assert run.interrupt() == 130
    assert run.orphans() == []
    said = run.log.read_text()
    assert "interrupted; what was trained is kept" in said and "Traceback" not in said
    assert not Bundle.open(out).failures()
    assert [a.name for a in Bundle.open(out).artifacts()] == ["tflite-float32"]
    (kept,) = out.glob("compressed/*/fit.checkpoint.npz")
    with np.load(kept, allow_pickle=False) as arrays:
        assert any(name.startswith("best.") for name in arrays.files)
    ran = command(*words)
    assert ran.code == 0, ran.err
    assert len(epochs_of(out)) == 120


def test_without_resume_it_begins_anew(command: Command, tiny: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "short.toml"
    recipe.write_text(LONG.format(epochs=2))
    out = tmp_path / "o"
    words = words_for(tiny, out, recipe)
    assert command(*words).code == 0
    (step,) = out.glob("compressed/*/step.json")
    step.unlink()  # as a run that was killed before the end would have left it
    left = step.with_name("cut1.json")
    left.write_text("never read")
    ran = command(*words, "--no-resume")
    assert ran.code == 0, ran.err
    assert step.exists() and not left.exists()
    assert len(epochs_of(out)) == 2


def test_a_full_disk_is_one_line(tiny: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "short.toml"
    recipe.write_text(LONG.format(epochs=1))
    disk = tmp_path / "disk"
    disk.mkdir()
    code, said = on_a_small_disk(disk, "size=60k", *words_for(tiny, disk / "o", recipe))
    assert code == 1 and "No space left on device" in said and "Traceback" not in said, said


SUBCLASSED = """
import sys, keras
@keras.saving.register_keras_serializable()
class Net(keras.Model):
    def __init__(self, **more):
        super().__init__(**more)
        self.dense = keras.layers.Dense(3, activation="softmax")
    def call(self, x):
        return self.dense(keras.ops.mean(x, axis=(1, 2)))
net = Net()
net(keras.ops.zeros((1, 8, 8, 1)))
net.export(sys.argv[1])
"""


def test_a_model_that_cannot_be_taken_apart_says_what_to_do(
    command: Command, tiny: Path, tmp_path: Path
) -> None:
    net = tmp_path / "saved"
    subprocess.run([sys.executable, "-c", SUBCLASSED, str(net)], check=True, capture_output=True)
    words: list[str | Path] = ["compress", net, "--recipe", "prune50", "--out", tmp_path / "o"]
    ran = command(*words, "--data", tiny / "train.npz", "--formats", "tflite")
    last = ran.err.splitlines()[-1]
    assert ran.code == 2 and "compression works on" in last and "Keras 3" in last, ran.err
    assert not any((tmp_path / "o" / "artifacts").iterdir()), "nothing is built before"


@pytest.mark.parametrize("case", ["shape", "labels", "pattern", "loss", "classes"])
def test_what_the_processes_find_is_one_line_too(
    command: Command, tiny: Path, tmp_path: Path, case: str
) -> None:
    recipe = tmp_path / "r.toml"
    layers = 'layers = ["conv2*d_9", "densee"]' if case == "pattern" else ""
    loss = 'loss = "mse9"' if case == "loss" else ""
    recipe.write_text(
        f'[[steps]]\nkind = "prune"\n{layers}\n[steps.finetune]\nteacher = "labels"\n{loss}\n'
    )
    shape = (40, 9, 9, 1) if case == "shape" else (40, 8, 8, 1)
    y = {} if case == "labels" else {"y": np.arange(40) % 3 + (case == "classes")}
    np.savez(tmp_path / "d.npz", x=np.zeros(shape, np.float32), **y)
    words: list[str | Path] = ["compress", tiny / "model.keras", "--recipe", recipe]
    words += ["--data", tmp_path / "d.npz", "--out", tmp_path / "o", "--formats", "tflite"]
    ran = command(*words)
    expected = {
        "shape": "input 'image' takes items of shape [8, 8, 1], the data has [9, 9, 1]",
        "labels": f"{recipe}:4: the data has no labels, and the loss wants them",
        "pattern": f"{recipe}:3: no layer matches 'conv2*d_9'; layers: conv2d (Conv2D), kind (D",
        "loss": f"{recipe}:6: no Keras loss is named 'mse9'",
        "classes": "is 3; the output has 3 values, so that 0 to 2 was expected",
    }
    assert ran.code == 2, ran.err + ran.out
    last = ran.err.splitlines()[-1]
    assert last.startswith("edgewright: error: ") and expected[case] in last, ran.err
    assert "Traceback" not in ran.err
    assert not any((tmp_path / "o" / "artifacts").iterdir()), "nothing is built before"
