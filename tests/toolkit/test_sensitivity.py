"""``sensitivity``: its folder, ranking and plots; a run from end to end, cut short and taken up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from edgewright.cli import main
from edgewright.sensitivities import SensitivityResult, Trial, plot_svg, read_sensitivity
from edgewright.sensitivities.results import Head, append, rank, write_head
from edgewright.verbs.sensitivity import sensitivity
from edgewright_runtimes.errors import BadInput, UnknownName

HEAD = Head(
    source="m.keras",
    source_sha256="0" * 64,
    format="tflite",
    data="test.npz",
    data_sha256="1" * 64,
    items=64,
    scores={"accuracy": 0.9, "mae": 1.0},
    better={"accuracy": "higher", "mae": "lower"},
)
TRIAL = Trial(
    key="a",
    what="quantize",
    tensor="net/conv/Relu",
    kind="activation",
    op="CONV_2D",
    layer="conv",
    elements=64,
    ratio=None,
    sqnr_db=30.0,
    points_lost=0.1,
    scores={"accuracy": 0.8, "mae": 1.5},
)
PRUNED = replace(TRIAL, key="b", what="prune", kind="weights", ratio=0.5, sqnr_db=12.0)


def result(*trials: Trial) -> SensitivityResult:
    return SensitivityResult(folder=None, head=HEAD, trials=rank(trials))


def test_the_noisiest_stands_first_and_what_changes_nothing_last() -> None:
    same = replace(TRIAL, key="c", sqnr_db=None)
    assert [t.key for t in result(same, TRIAL, PRUNED).trials] == ["b", "a", "c"]


def test_a_folder_is_read_back_without_the_line_that_was_cut(tmp_path: Path) -> None:
    write_head(tmp_path, HEAD)
    append(tmp_path, TRIAL)
    with (tmp_path / "trials.ndjson").open("a") as stream:
        stream.write('{"key": "cut sho')
    append(tmp_path, PRUNED)
    found = read_sensitivity(tmp_path)
    assert found.head == HEAD
    assert found.trials == (PRUNED, TRIAL)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no sensitivity run"):
        read_sensitivity(tmp_path)


def test_the_plot_has_a_mark_for_each_trial() -> None:
    drawn = plot_svg(result(TRIAL, PRUNED, replace(PRUNED, key="d", ratio=0.9)), what="prune")
    marks = ElementTree.fromstring(drawn).findall(".//{*}circle")
    titles = [mark.findtext("{*}title") for mark in marks]
    assert titles == ["conv, weights, 50% pruned: 12.0 dB", "conv, weights, 90% pruned: 12.0 dB"]


def test_a_plot_of_its_own_brings_its_colours_and_names_are_text() -> None:
    drawn = plot_svg(result(replace(TRIAL, layer="<b>&")), alone=True)
    assert "<style>" in drawn and "<b>" not in drawn
    ElementTree.fromstring(drawn)
    assert plot_svg(result(TRIAL), what="prune") == ""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"format": "tfjs"}, "no format named 'tfjs'"),
        ({"what": ("cluster",)}, "no kind of trial named 'cluster'"),
        ({"what": ()}, "nothing is to be tried"),
        ({"ratios": (1.0,)}, "a ratio is 1.0"),
    ],
)
def test_bad_input_is_refused_before_anything_starts(words: dict[str, object], error: str) -> None:
    with pytest.raises((BadInput, UnknownName), match=error):
        sensitivity("m.keras", data="x.npz", **words)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A net whose first layer is fine and whose second has channels far apart, and its data."""
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    given = keras.Input((6,), name="x")
    x = layers.Dense(8, activation="relu", name="fine")(given)
    x = layers.Dense(8, activation="relu", name="wild")(x)
    model = keras.Model(given, layers.Dense(3, name="score")(x))
    kernel, bias = model.get_layer("wild").get_weights()
    scale = np.exp(np.linspace(-5, 5, 8)).astype(np.float32)
    model.get_layer("wild").set_weights([kernel * scale, bias])
    kernel, bias = model.get_layer("score").get_weights()
    model.get_layer("score").set_weights([20 * kernel / scale[:, None], bias])
    folder = tmp_path_factory.mktemp("sensitivity")
    model.save(folder / "net.keras")
    x_values = np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32)
    y = model.predict(x_values, verbose=0).argmax(axis=1)
    np.savez(folder / "data.npz", x=x_values, y=y)
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("format_", ["tflite", "onnx"])
def test_a_run_finds_the_wild_tensor_and_goes_on_where_it_was_cut(
    format_: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / format_
    words = ["sensitivity", str(folder / "net.keras"), "--data", str(folder / "data.npz")]
    words += ["--format", format_, "--ratios", "0.5", "--samples", "64", "--out", str(out)]
    assert main([*words, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    alone = [t for t in first["trials"] if t["what"] == "quantize" and t["layer"]]
    activations = [t["layer"] for t in alone if t["kind"] == "activation"]
    assert activations[0] == "wild"
    assert first["scores"] == {"accuracy": 1.0}
    assert {t["layer"] for t in first["trials"] if t["what"] == "prune"} == {
        "fine",
        "wild",
        "score",
    }
    assert (out / "quantize.svg").exists() and (out / "prune.svg").exists()
    lines = (out / "trials.ndjson").read_text().splitlines()
    (out / "trials.ndjson").write_text("\n".join(lines[:4]) + "\n" + lines[4][:20])
    assert main([*words, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["taken"] == 4
    assert [(t["key"], t["sqnr_db"]) for t in again["trials"]] == [
        (t["key"], t["sqnr_db"]) for t in first["trials"]
    ]
