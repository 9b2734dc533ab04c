"""``compress`` from end to end, through its real processes: made, taken, changed in part."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import edgewright
from edgewright.bundle import Bundle
from edgewright.compression.options import CompressResult
from edgewright.compression.running import _once
from edgewright.compression.store import compressed_models
from edgewright.verbs.compress import Settings
from edgewright_runtimes import load
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from conftest import Command

RECIPE = """
[[steps]]
kind = "prune"
sparsity = 0.5
[steps.finetune]
epochs = 2

[[steps]]
kind = "finetune"
epochs = {epochs}

[[steps]]
kind = "quantize"
schemes = ["int8"]
formats = ["tflite"]
"""
NAME = "tflite-prune50_finetune_int8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A bundle, the recipe it was made by, and what was said meanwhile."""

    bundle: Path
    recipe: Path
    result: CompressResult
    rows: list[Mapping[str, Any]]


def compress(tiny: Path, recipe: Path, out: Path) -> Made:
    rows: list[Mapping[str, Any]] = []
    result = edgewright.compress(
        tiny / "model.keras",
        recipe=recipe,
        settings=Settings(data=str(tiny / "train.npz")),
        out=out,
        hear=rows.append,
    )
    return Made(bundle=out, recipe=recipe, result=result, rows=rows)


@pytest.fixture(scope="module")
def made(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("compress")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(epochs=1))
    return compress(tiny, recipe, folder / "bundle")


def test_every_step_is_weighed_and_scored(made: Made) -> None:
    compressed = made.result.compressed
    assert compressed is not None and made.result.exit_code == 0
    assert [r.step.label for r in compressed.records] == ["prune50", "finetune"]
    pruned, tuned = compressed.records
    kernels = 4 * 9 + 4 * 3
    for record in (pruned, tuned):  # later training keeps the zeros
        assert record.after.parameters - record.after.nonzero >= kernels // 2
    assert pruned.after.macs == pruned.before.macs
    assert pruned.items == 12 and 0 <= pruned.scores["accuracy"] <= 1
    assert set(compressed.source_scores) == {"accuracy"}
    assert [row["stage"] for row in made.rows if row["row"] == "step"] == [0, 1]


def test_what_comes_out_is_a_plain_keras_file(made: Made) -> None:
    assert made.result.compressed is not None
    with zipfile.ZipFile(made.bundle / made.result.compressed.model) as file:
        config = json.loads(file.read("config.json"))
    assert "edgewright" not in json.dumps(config)
    kinds = [layer["class_name"] for layer in config["config"]["layers"]]
    assert [k for k in kinds if k != "InputLayer"] == ["Conv2D", "GlobalAveragePooling2D", "Dense"]


def test_its_artifacts_stand_beside_the_sources_own(made: Made) -> None:
    bundle = Bundle.open(made.bundle)
    names = [artifact.name for artifact in bundle.artifacts()]
    assert names == ["tflite-float32", "tflite-int8", NAME]
    artifact, source = bundle.artifact(NAME), bundle.require_source()
    assert artifact.source_sha256 == source.sha256
    (kept,) = compressed_models(bundle)
    assert artifact.details["compressed"] == kept.key
    assert kept.source_sha256 == source.sha256
    model = load(bundle.model_file(artifact))
    assert [spec.name for spec in model.outputs] == ["kind"]


def test_what_is_done_is_taken_and_no_process_starts(
    made: Made, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr("edgewright.line_process.subprocess.Popen", refuse)
    again = compress(tiny, made.recipe, made.bundle)
    assert again.result.exit_code == 0 and again.rows == []
    assert again.result.compressed == made.result.compressed
    assert [a.name for a in again.result.artifacts] == [NAME]


def test_the_command_line_says_the_same(made: Made, tiny: Path, command: Command) -> None:
    words = ["compress", tiny / "model.keras", "--recipe", made.recipe, "--out", made.bundle]
    words += ["--data", tiny / "train.npz"]
    ran = command(*words)
    assert ran.code == 0, ran.err
    words_ = [line.split() for line in ran.out.splitlines()]
    top = next(i for i, line in enumerate(words_) if line[:3] == ["step", "parameters", "nonzero"])
    assert [line[0] for line in words_[top + 1 : top + 4]] == ["source", "prune50", "finetune"]
    ran = command(*words, "--json")
    said = ran.json()
    assert ran.code == 0 and said["exit_code"] == 0
    assert made.result.compressed is not None
    assert said["compressed"]["key"] == made.result.compressed.key  # type: ignore[index]


def test_a_bundle_of_another_model_is_refused(made: Made, tiny: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.keras"
    other.write_bytes((tiny / "model.keras").read_bytes() + b"-")
    before = (made.bundle / "bundle.json").read_bytes()
    with pytest.raises(BadInput, match=r"is of another model: .*model.keras .*--out, or .*--force"):
        edgewright.compress(other, recipe="prune50_float16", out=made.bundle)
    assert (made.bundle / "bundle.json").read_bytes() == before


def test_what_is_said_of_the_source_is_said_once() -> None:
    """Its artifacts and those of the compressed model are built by two conversions."""
    assert _once("saved by Keras 2", "few items", "saved by Keras 2") == (
        "saved by Keras 2",
        "few items",
    )


def _first_steps(bundle: Path) -> Iterator[tuple[str, int]]:
    for path in bundle.glob("compressed/*/step.json"):
        if '"prune50"' in path.read_text():
            yield str(path), path.stat().st_mtime_ns


def test_a_changed_step_is_done_again_and_none_before_it(made: Made, tiny: Path) -> None:
    other = made.recipe.with_name("longer.toml")
    other.write_text(RECIPE.format(epochs=2))
    before = list(_first_steps(made.bundle))
    longer = compress(tiny, other, made.bundle)
    assert longer.result.exit_code == 0
    assert [row["stage"] for row in longer.rows if row["row"] == "step"] == [1]
    assert list(_first_steps(made.bundle)) == before
    assert longer.result.compressed is not None and made.result.compressed is not None
    assert longer.result.compressed.records[0] == made.result.compressed.records[0]
    bundle = Bundle.open(made.bundle)
    assert bundle.artifact(NAME).details["compressed"] == longer.result.compressed.key
