"""Bad input of ``compress`` gets one clear line and exit 2, before anything is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgewright.cli import main
from edgewright_runtimes.errors import BadInput, UsageError

PRUNE = '# a comment\n\n[[steps]]\nkind = "prune"\n{}\n'
RECIPES = {
    "unknown step": ('[[steps]]\nkind = "prun"\n', ":2: no step named 'prun'", "mean 'prune'?"),
    "a kind that is no text": (
        "[[steps]]\nkind = 3\n",
        ":2: kind is 3; one of finetune, prune,",
        "",
    ),
    "a word that is none of several": (
        PRUNE.format('[steps.finetune]\nteacher = "orignal"'),
        ":6: prune.finetune.teacher is 'orignal'; one of 'auto', 'labels', 'original',",
        "",
    ),
    "a training of no epochs": (
        '[[steps]]\nkind = "finetune"\nepochs = 0\n',
        ":3: finetune: epochs is 0; 1 or more was expected",
        "leave the step out",
    ),
    "no kind": ("[[steps]]\nsparsity = 0.5\n", ":1: step 1 has no kind", "known: finetune,"),
    "unknown field": (PRUNE.format("sparcity = 0.5"), ":5: prune: no field 'sparcity'", "mean 'sp"),
    "ratio 0": (PRUNE.format("sparsity = 0.0"), ":5: prune: sparsity is 0; more than 0", ""),
    "ratio 1": (PRUNE.format("sparsity = 1"), ":5: prune: sparsity is 1; more than 0", ""),
    "ratio 1.5": (PRUNE.format("sparsity = 1.5"), ":5: prune: sparsity is 1.5; more than 0", ""),
    "ratio text": (
        PRUNE.format('sparsity = "half"'),
        ":5: prune.sparsity is 'half'; a number was expected",
        "",
    ),
    "a field that another contradicts": (
        PRUNE.format("sparsity = 0.3\n[steps.schedule]\ninitial_sparsity = 0.4"),
        ":7: prune: schedule.initial_sparsity is 0.4; less than 0.3 was expected",
        "a smaller initial_sparsity",
    ),
    "nested": (
        PRUNE.format("[steps.finetune]\nepochs = -1"),
        ":6: prune.finetune: epochs is -1; 0 or more",
        "",
    ),
    "the second step": (
        PRUNE.format("") + '[[steps]]\nkind = "prune-channels"\nratio = 1.0\n',
        ":8: prune-channels: ratio is 1; more than 0 and less than 1",
        "",
    ),
    "a step after quantize": (
        '[[steps]]\nkind = "quantize"\n[[steps]]\nkind = "finetune"\n',
        ":3: quantize ends a recipe, and step 2 follows it",
        "put quantize last",
    ),
    "no steps": ("", ": the recipe has no step", ""),
    "not toml": ("[[steps\n", ":1: not TOML: ", 'a line is like: kind = "prune"'),
    "another table": ("\n[step]\nkind = 1\n", ":2: no field 'step'", "[[steps]]"),
    "unknown scheme": (
        '[[steps]]\nkind = "quantize"\nschemes = ["int9"]\n',
        ":1: quantize: no scheme named 'int9'",
        "mean 'int8'?",
    ),
}


@pytest.mark.parametrize("case", RECIPES)
def test_a_recipe_is_refused_with_its_line(
    case: str, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, expected, meant = RECIPES[case]
    recipe = tmp_path / "r.toml"
    recipe.write_text(text)
    assert_refused(
        [tiny / "model.keras", "--recipe", recipe, "--out", tmp_path / "o"],
        capsys,
        f"edgewright: error: {recipe}{expected}",
        meant,
    )
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gone.toml", "no such recipe: gone.toml; a .toml file with [[steps]], or a name: prune50"),
        ("prun50_int8", "no step has the label 'prun50'"),
        ("prune0_int8", "prune0: sparsity is 0; more than 0 and less than 1"),
        ("prune150_int8", "prune150: sparsity is 1.5; more than 0 and less than 1"),
        ("int8_prune50", "int8 ends a recipe, and prune50 follows it; type prune50_int8"),
        ("mixed_prune50_int8", "mixed ends a recipe, and prune50 follows it; type prune50_mixed_"),
        ("prune50_mixed", "mixed stands before a scheme, and there is none; type prune50_mixed_"),
        ("int8_float16", "a name has one scheme, and this one int8 and float16; leave one out"),
        ("_", "the recipe has no step"),
        ("prune50_uint8", "no format of tflite, onnx has the scheme uint8"),
    ],
)
def test_a_name_is_refused(
    name: str, expected: str, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [tiny / "model.keras", "--recipe", name, "--data", tiny / "train.npz"]
    assert_refused([*words, "--out", tmp_path / "o"], capsys, expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--held-back", "1.5"], "held-back is 1.5; a share more than 0 and less than 1"),
        (["--held-back", "0.999"], "none is left to learn from when 120 are held back"),
        (["--formats", "tflit"], "no format named 'tflit'; known: onnx, tfjs, tflite; did you"),
        (["--data", "gone.npz"], "no such file"),
        (["--target", "moon"], "no target named 'moon'"),
        (["--target", "@shed"], "'@shed' is not in this version"),
        (["--target", "local,local"], "target 'local,local' is 2 targets; one was expected; name"),
        (["--samples", "0"], "samples is 0"),
        (["--max-drop", "1"], "--max-drop is for --auto; check decides gates"),
    ],
)
def test_an_option_is_refused(
    words: list[str],
    expected: str,
    tiny: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = [tiny / "model.keras", "--recipe", "prune50_int8", "--data", tiny / "train.npz"]
    assert_refused([*model, "--out", tmp_path / "o", *words], capsys, expected)


@pytest.mark.parametrize("recipe", ["prune50_int8", "int8", "channels50_int16x8"])
def test_nothing_is_begun_that_needs_data_to_end(
    recipe: str, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [tiny / "model.keras", "--recipe", recipe, "--out", tmp_path / "o"]
    expected = f"{recipe.rpartition('_')[2]} is calibrated on data, and none was given; add --data"
    assert_refused(words, capsys, expected)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--data", "{tiny}/train.npz"], "gone:flip: no module named 'gone' here or installed"),
        (["--check", "{tiny}/test.npz"], "augment is 'gone:flip', and there are no items to learn"),
    ],
)
def test_a_search_with_an_augmentation_that_is_none_is_not_begun(
    words: list[str],
    expected: str,
    tiny: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = [tiny / "model.keras", "--auto", "--max-drop", "1", "--augment", "gone:flip"]
    given = [word.format(tiny=tiny) for word in words]
    assert_refused([*model, "--out", tmp_path / "o", *given], capsys, expected)
    assert not list((tmp_path / "o" / "artifacts").iterdir())


def assert_refused(
    words: list[str | Path], capsys: pytest.CaptureFixture[str], *expected: str
) -> None:
    assert main(["compress", *map(str, words)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("edgewright: error: ") and said.err.count("\n") == 1, said.err
    for words_ in expected:
        assert words_ in said.err
    assert not said.out


def test_nan_is_named_by_its_place_in_the_file(tmp_path: Path) -> None:
    from edgewright.compression.training_data import split
    from edgewright.data import open_data

    x = np.zeros((20, 2), np.float32)
    x[13] = np.nan
    np.savez(tmp_path / "d.npz", x=x, y=np.arange(20) % 2)
    parts = split(open_data(str(tmp_path / "d.npz")), None, 0.3, seed=1)
    holding = parts.train if 13 in parts.train._indices else parts.held_back
    with pytest.raises(BadInput, match="in item 13"):
        list(holding.batches(4))


def test_a_gate_that_can_t_be_read_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    from edgewright.verbs.compress import Settings, compress_auto

    with pytest.raises(UsageError, match="foo"):
        compress_auto(
            "m.keras", out=tmp_path / "b", gates=("foo:1",), settings=Settings(check="c.npz")
        )
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("recipe", ["latency50_int8", ""])
def test_no_model_is_chosen_by_the_times_of_an_emulator(recipe: str, tmp_path: Path) -> None:
    from edgewright.verbs.compress import Settings, compress, compress_auto

    settings = Settings(target="emulated:pi4", data="d.npz")
    with pytest.raises(BadInput, match="needs latencies, and times on emulated:pi4 are none"):
        if recipe:
            compress("m.keras", recipe=recipe, out=tmp_path / "b", settings=settings)
        else:
            gates, out = ("accuracy:1",), tmp_path / "b"
            compress_auto("m.keras", out=out, gates=gates, min_speedup=1.5, settings=settings)
    assert not (tmp_path / "b").exists()
